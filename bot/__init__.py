"""The shell: everything that touches the world, in rooms; each room imports only rooms below it (docs/architecture.md)."""
