"""Pages that only show read past damaged values; what changes or sends something does not."""

from __future__ import annotations

from flask import Flask, request

from bot.platform.models.sealed import tolerate_damage

_ALSO_SHOW = frozenset({"sidebar.customer", "sidebar.group"})  # they ask by POST, so that no id stands in an address


def prepare(app: Flask) -> None:
    """Show the rest of a page where one value on it is damaged."""
    app.before_request(_begin)
    app.teardown_request(lambda _error: tolerate_damage(tolerated=False))


def _begin() -> None:
    tolerate_damage(tolerated=request.method in ("GET", "HEAD") or request.endpoint in _ALSO_SHOW)
