"""Order deed: enters the orders that a table gave for one customer, and takes them back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.customers.order_given import OrderGiven
from bot.customers.order_scores import drop_order_entries, occasion_of, score_orders
from bot.customers.orders import OrderOf, restore_order, snapshot, take_orders
from bot.customers.state import CustomerState
from bot.platform.models import Order
from bot.platform.work import Work


def enter_orders(work: Work, state: CustomerState, what: Mapping[str, Any], _who: str) -> dict[str, Any] | None:
    """Enter these orders of a source; None where all were known so. Returns [id, what was before, what is now]."""
    told = [OrderOf(state.customer.id, OrderGiven.model_validate(one)) for one in what["orders"]]
    taken = [one for one in take_orders(work, what["source"], told) if one.outcome in ("new", "changed")]
    if not taken:
        return None
    score_taken(work, state, [(one.order, one.before) for one in taken])
    return {"orders": [[one.order.id, dict(one.before), snapshot(one.order)] for one in taken]}


def take_back_orders(work: Work, state: CustomerState, undo: Mapping[str, Any], _who: str) -> int:
    """Bring each order back to what it was, unless it changed since; returns how many."""
    done = 0
    for order_id, before, kept in reversed(undo["orders"]):
        order = work.session.get(Order, order_id)
        if order is None or not restore_order(work.session, order_id, before, kept):
            continue
        drop_order_entries(work.session, state.customer.id, [occasion_of(order)], work.now)
        done += 1
    score_orders(work, [state.customer.id])
    state.ledgers = None
    return done


def score_taken(work: Work, state: CustomerState, taken: list[tuple[Order, Mapping[str, Any]]]) -> None:
    """Bring the ledgers up to date after orders were taken, of whoever had them before as well."""
    former = [(before["customer_id"], order) for order, before in taken if before]
    lost = [(one, order) for one, order in former if one != order.customer_id]
    for customer_id, order in lost:
        drop_order_entries(work.session, customer_id, [occasion_of(order)], work.now)
    score_orders(work, [state.customer.id, *(one for one, _ in lost)])
    state.ledgers = None
