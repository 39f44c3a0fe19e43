"""What other systems say and ask over HTTP, as JSON, by a token."""
