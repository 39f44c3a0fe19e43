"""Answers to an action on a page: no content, but a short notice and events for the page's scripts (HX-Trigger)."""

from __future__ import annotations

import json
from typing import Any

from flask import Response, flash

from bot.web.layout.languages import translate


def done(text: str, *, undo: str = "", ask: dict[str, Any] | None = None, **events: Any) -> Response:
    """The action is done; `undo` is the address that takes it back, `events` reach the page's scripts by name.

    ask: a question with a button for each answer: {"text", "url", "fields" that each posts, "words" on each}.
    """
    toast = {"text": text, "bad": False}
    return _answer(toast if ask is None else toast | {"ask": ask}, 204, undo, events)


def done_and_redirect(text: str, onward: str) -> Response:
    """The action is done and its page exists no more: the browser goes `onward`, where the notice is shown."""
    flash(text)
    return Response(status=204, headers={"HX-Redirect": onward})


def refused(text: str, status: int = 409, **events: Any) -> Response:
    """The action cannot be done; the text says why and what to do."""
    return _answer({"text": text, "bad": True}, status, "", events)


def _answer(toast: dict[str, Any], status: int, undo: str, events: dict[str, Any]) -> Response:
    if undo:
        toast |= {"undo": undo, "undoText": translate("撤销")}
    answer = Response(status=status)
    answer.headers["HX-Trigger"] = json.dumps({"toast": toast, **events})
    return answer
