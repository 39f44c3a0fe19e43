"""Signing in and who may see what: sessions, roles, limits, links to the board."""
