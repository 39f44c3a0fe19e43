"""After a step is sent: did the customer answer in time, and which tag follows from it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol


class Answerable(Protocol):
    """What an SOP step or a planned step says about answers."""

    @property
    def reply_window(self) -> timedelta: ...
    @property
    def on_reply(self) -> str | None: ...
    @property
    def on_silence(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Window:
    """A reply window: its state, the tag that follows, and when it closes."""

    state: Literal["waiting", "replied", "silent"]
    tag: str | None
    closes_at: datetime


def outcome(step: Answerable, sent_at: datetime, replied_at: datetime | None, now: datetime) -> Window:
    """Judge the window of a step sent at `sent_at`; `replied_at` is the customer's first word after that.

    A word at the very second of sending, or later than the window, is no answer to it.
    """
    closes_at = sent_at + step.reply_window
    if replied_at is not None and sent_at < replied_at <= closes_at:
        return Window("replied", step.on_reply, closes_at)
    if now >= closes_at:
        return Window("silent", step.on_silence, closes_at)
    return Window("waiting", None, closes_at)
