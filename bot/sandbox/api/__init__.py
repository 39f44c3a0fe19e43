"""The sandbox's /cgi-bin/: importing this package registers every endpoint."""

from bot.sandbox import archive
from bot.sandbox.api import (
    consent,
    contact_ways,
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
    welcomes,
)

__all__ = [
    "archive",
    "consent",
    "contact_ways",
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
    "welcomes",
]
