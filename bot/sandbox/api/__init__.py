"""The sandbox's /cgi-bin/: importing this package registers every endpoint."""

from bot.sandbox import archive
from bot.sandbox.api import (
    consent,
    contacts,
    directory,
    groupchats,
    groupsends,
    login,
    media,
    messages,
    tags,
    tokens,
    transfers,
)

__all__ = [
    "archive",
    "consent",
    "contacts",
    "directory",
    "groupchats",
    "groupsends",
    "login",
    "media",
    "messages",
    "tags",
    "tokens",
    "transfers",
]
