"""What the law gives the people behind the rows: consent, masking, retention, a copy of all, and erasure."""
