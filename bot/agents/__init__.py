"""Agents, our own people: members, accounts, app chat, day list, handover. What customers are told belongs to sops."""
