"""Position: a card's place in its column, as the address of the column's next page names it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_WAITING = "w"


@dataclass(frozen=True)
class Position:
    """A card's place in its column, the cursor of its pages: the next one begins after the last card's.

    waiting_since: where the column is sorted by it, of those who wait.
    """

    entered_at: datetime
    customer_id: int
    waiting_since: datetime | None = None

    def __str__(self) -> str:
        mark = "" if self.waiting_since is None else _WAITING
        return f"{mark}{((self.waiting_since or self.entered_at) - _EPOCH) // _MICROSECOND}.{self.customer_id}"


def read_position(text: str) -> Position | None:
    """The position that an address names, or None where it names none."""
    stamp, _, customer_id = text.removeprefix(_WAITING).partition(".")
    if not (stamp.isascii() and stamp.isdigit() and customer_id.isascii() and customer_id.isdigit()):
        return None
    if len(stamp) > 17 or len(customer_id) > 18:
        return None
    at = _EPOCH + int(stamp) * _MICROSECOND
    return Position(at, int(customer_id), at if text.startswith(_WAITING) else None)
