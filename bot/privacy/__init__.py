"""Privacy: retention, export and erasure of what is stored about a customer."""
