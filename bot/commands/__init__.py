"""What `flask` offers beside its own commands, one file a group; `bot/cli.py` puts them together."""
