"""Position: a card's place in its column, as the address of the column's next page names it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_AT, _NUMBER = "w", "n"


@dataclass(frozen=True)
class Position:
    """A card's place in its column, the cursor of its pages: the next one begins after the last card's.

    by: the value the column is sorted by, a moment or a number, of those who have one.
    """

    entered_at: datetime
    customer_id: int
    by: datetime | int | None = None

    def __str__(self) -> str:
        if isinstance(self.by, int):
            return f"{_NUMBER}{self.by}.{self.customer_id}"
        mark = "" if self.by is None else _AT
        return f"{mark}{((self.by or self.entered_at) - _EPOCH) // _MICROSECOND}.{self.customer_id}"


def read_position(text: str) -> Position | None:
    """The position that an address names, or None where it names none."""
    kind = text[:1] if text[:1] in (_AT, _NUMBER) else ""
    stamp, _, customer_id = text.removeprefix(kind).partition(".")
    if not (stamp.isascii() and stamp.isdigit() and customer_id.isascii() and customer_id.isdigit()):
        return None
    if len(stamp) > (9 if kind == _NUMBER else 17) or len(customer_id) > 18:
        return None
    if kind == _NUMBER:
        return Position(_EPOCH, int(customer_id), int(stamp))
    at = _EPOCH + int(stamp) * _MICROSECOND
    return Position(at, int(customer_id), at if kind else None)
