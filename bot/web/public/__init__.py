"""Pages without signing in: health, tracked links and the proof of the domain."""
