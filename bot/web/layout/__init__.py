"""What all pages share: navigation, headers, errors, languages, times, labels."""
