"""Files of conversations: which there are, who asked for them, and where they lie sealed."""
