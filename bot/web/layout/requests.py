"""Requests: what views take from them, the System behind the app and the row ids that addresses name."""

from __future__ import annotations

from flask import current_app, request

from bot.system import System

LARGEST_ID = 2**63 - 1  # of a BIGINT: larger numbers make PostgreSQL fail instead of finding nothing


def current_system() -> System:
    """The System behind this request."""
    system: System = current_app.extensions["tici"]
    return system


def row_id(text: str) -> int:
    """An id in an address; raises ValueError where no row can have it, so that `args.get` takes its default."""
    number = int(text)
    if not 0 < number <= LARGEST_ID:
        raise ValueError("no row has such an id")
    return number


def number_argument(name: str) -> int:
    """The argument of this name if it could be a row's id, else 0."""
    text = request.args.get(name, "")
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 20 else 0
    return number if number <= LARGEST_ID else 0
