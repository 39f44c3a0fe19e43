"""Commands of `flask`, one file per group; `bot/cli.py` puts them together."""
