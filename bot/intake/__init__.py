"""What arrives from WeCom: callback, pull, decrypt, quarantine, messages, events and media."""
