"""Delivery: outbox rows, from the transaction that writes them to the recorded outcome. What a kind of row asks belongs to its own room."""
