"""Order deed: enters the orders that a table gave for one customer, and takes them back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.customers.order_given import OrderGiven
from bot.customers.order_scores import drop_order_entries, occasion_of, score_orders
from bot.customers.orders import OrderOf, restore_order, snapshot
from bot.customers.state import CustomerState
from bot.platform.models import Order
from bot.platform.work import Work
from bot.sops.business import enter_orders


def enter_imported(work: Work, state: CustomerState, what: Mapping[str, Any], _who: str) -> dict[str, Any] | None:
    """Enter these orders of a source; None where all were known so. Returns [id, what was before, what is now]."""
    told = [OrderOf(state.customer.id, OrderGiven.model_validate(one)) for one in what["orders"]]
    taken = enter_orders(work, {state.customer.id: state}, what["source"], told, quiet=what["quiet"])
    fresh = [one for one in taken if one.outcome in ("new", "changed")]
    if not fresh:
        return None
    return {"orders": [[one.order.id, dict(one.before), snapshot(one.order)] for one in fresh]}


def take_back_imported(work: Work, state: CustomerState, undo: Mapping[str, Any], _who: str) -> int:
    """Bring each order back to what it was, unless it changed since; returns how many. What followed stays."""
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
