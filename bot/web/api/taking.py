"""Taking: what each kind of batch does, and what became of each of its items."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bot.agents.bulk_deeds import DEEDS
from bot.agents.written_facts import set_by_hand
from bot.customers import products
from bot.customers.fields import FieldRefusedError
from bot.customers.orders import OrderOf
from bot.customers.state import CustomerState
from bot.platform.work import Work
from bot.sops.business import enter_orders, follow_event
from bot.web.api.callers import Caller
from bot.web.api.requests import states_of
from bot.web.api.schemas import CustomerBatch, CustomerItem, EventBatch, EventItem, OrderBatch, ProductBatch

People = Sequence[int | str]
Results = list[dict[str, Any]]
_GONE = "this customer was erased meanwhile"


def take_orders(work: Work, caller: Caller, batch: OrderBatch, people: People) -> Results:
    """Store orders with what follows from them."""
    states = _states(work, people)
    good = {at: OrderOf(who, item) for at, item, who in _known(batch.orders, people, states)}
    taken = enter_orders(work, states, caller.source, list(good.values()), quiet=batch.quiet)
    outcomes = {at: one.outcome for at, one in zip(good, taken, strict=True)}
    return [_result(at, who, outcomes.get(at)) for at, who in enumerate(people)]


def take_products(work: Work, caller: Caller, batch: ProductBatch, _people: People) -> Results:
    """Store products."""
    return [
        {"at": at, "result": outcome, "why": ""}
        for at, outcome in enumerate(products.take_products(work, caller.source, batch.products))
    ]


def take_events(work: Work, caller: Caller, batch: EventBatch, people: People) -> Results:
    """Store events with what follows from them."""
    states = _states(work, people)

    def take(item: EventItem, state: CustomerState) -> str:
        row = products.take_event(work, caller.source, item, state.customer.id)
        if row is not None and not batch.quiet:
            follow_event(work, state, row)
        return "new" if row is not None else "same"

    return _each(work, batch.events, (people, states), take)


def take_customers(work: Work, caller: Caller, batch: CustomerBatch, people: People) -> Results:
    """Write fields and give tags, as by hand."""

    def take(item: CustomerItem, state: CustomerState) -> str:
        unknown = [tag for tag in item.tags if tag not in work.settings.known_tags]
        if unknown:
            raise FieldRefusedError([f"the config has no tag {unknown[0]}"])
        before = dict(state.fields)
        for name, value in item.fields.items():
            set_by_hand(work, state, name, value, caller.actor)
        given = [DEEDS["tag"].do(work, state, {"tag": tag}, caller.actor) for tag in item.tags]
        changed = any(given) or any(state.fields.get(name, "") != before.get(name, "") for name in state.fields)
        return "changed" if changed else "same"

    return _each(work, batch.customers, (people, _states(work, people)), take)


def _each(
    work: Work, items: Sequence[Any], of: tuple[People, Mapping[int, CustomerState]], take: Callable[[Any, Any], str]
) -> Results:
    """Take one item after the other; one that is refused leaves nothing behind."""
    people, states = of
    found: dict[int, tuple[str, str]] = {}
    for at, item, who in _known(items, people, states):
        leaving = len(work.leaving)
        try:
            with work.session.begin_nested():
                found[at] = take(item, states[who]), ""
        except FieldRefusedError as refused:
            del work.leaving[leaving:]
            found[at] = "refused", str(refused)[:300]
    return [_result(at, who, *found.get(at, ())) for at, who in enumerate(people)]


def _states(work: Work, people: People) -> dict[int, CustomerState]:
    return states_of(work, [who for who in people if isinstance(who, int)])


def _known(items: Sequence[Any], people: People, states: Mapping[int, Any]) -> list[tuple[int, Any, int]]:
    return [
        (at, item, who)
        for at, (item, who) in enumerate(zip(items, people, strict=True))
        if isinstance(who, int) and who in states
    ]


def _result(at: int, who: int | str, outcome: str | None = None, why: str = "") -> dict[str, Any]:
    if outcome is None:
        return {"at": at, "result": "refused", "why": who if isinstance(who, str) else _GONE}
    return {"at": at, "result": outcome, "why": why}
