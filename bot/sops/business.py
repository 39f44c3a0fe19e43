"""Business: takes what other systems tell of customers, and has cards move and SOPs stop and start by it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from bot.customers.handovers import open_by_first_payment
from bot.customers.order_scores import drop_order_entries, occasion_of, score_orders
from bot.customers.orders import OrderOf, TakenOrder, take_orders
from bot.customers.state import CustomerState
from bot.platform.models import BusinessEvent
from bot.platform.work import Work
from bot.sops.follow_up import CustomerEvent, follow_up
from sop.business import EVENT, LATELY, happened, in_words, names_of

_LONGEST_CAUSE = 60


def enter_orders(
    work: Work, states: Mapping[int, CustomerState], source: str, told: Sequence[OrderOf], *, quiet: bool
) -> list[TakenOrder]:
    """Take these orders, with all that follows from them in the same transaction.

    states: of all whose orders they are. quiet: the ledgers follow, but no card moves and no SOP stops or starts.
    """
    taken = take_orders(work, source, told)
    fresh = [one for one in taken if one.outcome in ("new", "changed")]
    _score(work, states, fresh)
    for one in () if quiet else fresh:
        follow_order(work, states[one.order.customer_id], one)
    return taken


def follow_order(work: Work, state: CustomerState, taken: TakenOrder) -> None:
    """What an order that was paid, or was taken back, brings about."""
    order = taken.order
    paid = order.paid_at or order.ordered_at
    kind = happened(taken.was, order.status, paid if order.status == "paid" else order.changed_at, work.now)
    if kind is None:
        return
    if order.status == "paid":
        open_by_first_payment(work, order.customer_id, state.active_follows)
    called = [order.product_code, order.product_name, order.category]
    best = next((name for name in (order.product_name, order.product_code, order.category) if name), "*")
    words = str(in_words(f"{kind}:{best}"))
    cause = _cause_of(order.source, order.own_id)
    follow_up(work, state, CustomerEvent(cause, business=names_of(kind, called), evidence=words))


def follow_event(work: Work, state: CustomerState, event: BusinessEvent) -> None:
    """What another event brings about; one that is told more than 30 days late is history."""
    if work.now - event.at > LATELY:
        return
    words = str(in_words(f"{EVENT}:{event.name}"))
    cause = _cause_of(event.source, event.own_id)
    follow_up(work, state, CustomerEvent(cause, business=names_of(EVENT, [event.name]), evidence=words))


def _score(work: Work, states: Mapping[int, CustomerState], fresh: Sequence[TakenOrder]) -> None:
    """Bring the ledgers up to date, of whoever had an order before as well."""
    former = [(int(one.before["customer_id"]), one.order) for one in fresh if one.before]
    lost = [(customer_id, order) for customer_id, order in former if customer_id != order.customer_id]
    for customer_id, order in lost:
        drop_order_entries(work.session, customer_id, [occasion_of(order)], work.now)
    score_orders(work, [*(one.order.customer_id for one in fresh), *(customer_id for customer_id, _ in lost)])
    for state in states.values():
        state.ledgers = None


def _cause_of(source: str, own_id: str) -> str:
    """A name for what was told, short enough to be told apart from all others."""
    whole = f"{source}:{own_id}"
    return whole if len(whole) <= _LONGEST_CAUSE else hashlib.sha256(whole.encode()).hexdigest()[:40]
