"""The shell: everything that touches the world, in rooms that import only rooms below them (docs/architecture.md)."""
