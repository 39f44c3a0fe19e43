"""Delivery: outbox rows, from the claim to the recorded result. What one kind of row asks of WeCom is not here."""
