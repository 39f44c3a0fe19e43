"""Agents, our own people: members, accounts, app chat, day list, handover. What customers get belongs to sops."""
