"""Records that models look at: orders, talks and tags of one customer, whatever order they were entered in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo


@dataclass(frozen=True, slots=True)
class Order:
    """A paid order. amount, refunded: in fen; ref: the shop's own number, by which data that came twice counts once.

    paid_at is aware. An order that was given back whole counts nowhere.
    """

    amount: int
    paid_at: datetime
    refunded: int = 0
    ref: str = ""
    product: str = ""

    @property
    def net(self) -> int:
        """What is left of it, in fen."""
        return max(self.amount - self.refunded, 0)


@dataclass(frozen=True, slots=True)
class Sign:
    """A tag and the moment from which it is carried, or at which it was earned once more."""

    tag: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of one customer.

    talks: when they spoke. carried: the tags they carry now; earned: each time a tag was earned. activity,
    conversion: what their ledgers come to. liked: what our people say of them: 1 good, 0 fair, -1 poor, None: unsaid.
    felt: the word that stands of them (taggers.models.impression), "" for none.
    profile: their fields as they are kept, companies: what their company is called; both only where a target profile
    asks for it. acts: events and links that they opened, by name.
    """

    orders: tuple[Order, ...] = ()
    talks: tuple[datetime, ...] = ()
    carried: tuple[Sign, ...] = ()
    earned: tuple[Sign, ...] = ()
    activity: int = 0
    conversion: int = 0
    liked: int | None = None
    felt: str = ""
    profile: Mapping[str, str] = field(default_factory=dict)
    companies: tuple[str, ...] = ()
    acts: tuple[Sign, ...] = ()


def paid_orders(orders: Iterable[Order], now: datetime) -> tuple[Order, ...]:
    """The orders that count at `now`, oldest first: each once, by its ref or else by all that it says.

    Of two with one ref the refund is the larger of both, for it was entered later.
    """
    found: dict[object, Order] = {}
    for one in orders:
        key: object = one.ref or one
        other = found.get(key)
        found[key] = one if other is None else _joined(one, other)
    kept = [one for one in found.values() if one.net > 0 and one.paid_at <= now]
    return tuple(sorted(kept, key=lambda one: (one.paid_at, one.ref, one.amount, one.refunded, one.product)))


def talk_days(talks: Iterable[datetime], now: datetime, zone: tzinfo) -> tuple[date, ...]:
    """The local days on which the customer spoke, oldest first."""
    return tuple(sorted({at.astimezone(zone).date() for at in talks if at <= now}))


def _joined(one: Order, other: Order) -> Order:
    refunded = max(one.refunded, other.refunded)
    first = min(one, other, key=lambda o: (o.paid_at, o.amount, o.product))
    return Order(first.amount, first.paid_at, refunded, first.ref, first.product)
