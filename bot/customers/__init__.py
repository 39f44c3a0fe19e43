"""Customers: identity, tags, stages, fields, consent and group chats. What is sent to them belongs to sops."""
