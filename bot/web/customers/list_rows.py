"""Rows of the customer list, by a number of queries that does not grow with them, and what its builder offers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import Session

from bot.customers.model_values import model_values
from bot.customers.order_conditions import OrderFigures, offered_products, order_figures
from bot.customers.selection import KINDS, Condition, Control, where
from bot.platform.config.settings import Settings
from bot.platform.models import Customer, CustomerField, Placement, Portrait, SavedView
from bot.platform.work import Work
from bot.web.auth.access import visible_agent_ids, visible_customers
from bot.web.auth.visitor import Visitor
from bot.web.customers.list_query import BOUGHT, PAINTED, ListQuery, cursor_of
from bot.web.layout.languages import translate
from bot.web.layout.people import agent_names, carried_tags, shown_agents
from sop.business import ANY
from sop.fields import show_value

PAGE = 50


@dataclass(frozen=True)
class ListRow:
    """A customer in the list. stages: of each pipeline they stand in; fields, painted: as people say
    them, by name; painted is what models say. bought: None where nothing was."""

    customer: Customer
    stages: tuple[str, ...]
    tags: tuple[str, ...]
    agent: str
    fields: dict[str, str]
    painted: dict[str, str]
    bought: OrderFigures | None


@dataclass(frozen=True)
class ShownCondition:
    """A condition in words, and the condition itself."""

    condition: Condition
    title: str
    value: str


def wanted(work: Work, who: Visitor, query: ListQuery) -> list[ColumnElement[bool]]:
    """The conditions on Customer: those asked for, and that the visitor may see them."""
    return [visible_customers(work.session, who), *where(query.conditions, work.now, work.settings.segments)]


def count(session: Session, conditions: Sequence[ColumnElement[bool]]) -> int:
    """How many customers there are of these."""
    return session.scalar(select(func.count(Customer.id)).where(*conditions)) or 0


def read_rows(work: Work, who: Visitor, query: ListQuery, limit: int = PAGE) -> tuple[list[ListRow], str]:
    """A page of the list, and where the next begins ("" where there is none)."""
    session = work.session
    some: Select[int] = select(Customer.id).where(*wanted(work, who, query))
    ids = list(session.scalars(query.in_order(some).limit(limit + 1)))
    found = {one.id: one for one in session.scalars(select(Customer).where(Customer.id.in_(ids[:limit])))}
    people = [found[one] for one in ids[:limit]]
    rows = _with_all(work, query, people)
    return rows, cursor_of(query, people[-1]) if len(ids) > limit else ""


def _with_all(work: Work, query: ListQuery, people: Sequence[Customer]) -> list[ListRow]:
    ids = [one.id for one in people]
    shown = set(query.columns)
    stages = _stages(work.session, ids) if "stages" in shown else {}
    tags = carried_tags(work.session, ids) if "tags" in shown else {}
    agents = agent_names(work.session, ids) if "agent" in shown else {}
    fields = _fields(work, ids, query.fields) if query.fields else {}
    painted = _painted(work.session, ids) if shown & set(PAINTED) else {}
    bought = order_figures(work.session, ids) if shown & set(BOUGHT) else {}
    return [
        ListRow(
            customer=one, stages=stages.get(one.id, ()), tags=tags.get(one.id, ()), agent=agents.get(one.id, ""),
            fields=fields.get(one.id, {}), painted=painted.get(one.id, {}),
            bought=bought.get(one.id),
        )
        for one in people
    ]  # fmt: skip


def _stages(session: Session, ids: Sequence[int]) -> dict[int, tuple[str, ...]]:
    found: dict[int, tuple[str, ...]] = {}
    here = select(Placement.customer_id, Placement.stage).where(Placement.customer_id.in_(ids))
    for customer_id, stage in session.execute(here.order_by(Placement.id)):
        found[customer_id] = (*found.get(customer_id, ()), stage)
    return found


def _fields(work: Work, ids: Sequence[int], names: Sequence[str]) -> dict[int, dict[str, str]]:
    today, known = work.now.astimezone(work.settings.zone).date(), work.settings.fields
    mine = select(CustomerField).where(CustomerField.customer_id.in_(ids), CustomerField.name.in_(names))
    found: dict[int, dict[str, str]] = {}
    for row in work.session.scalars(mine):
        said = show_value(known[row.name], row.value, today) if known[row.name].kind != "date" else row.value
        found.setdefault(row.customer_id, {})[row.name] = said
    return found


def _painted(session: Session, ids: Sequence[int]) -> dict[int, dict[str, str]]:
    found: dict[int, dict[str, str]] = {}
    for row in session.scalars(select(Portrait).where(Portrait.customer_id.in_(ids))):
        cell = "".join(str(grade) for grade in (row.r, row.f, row.m) if grade)
        said = {name: getattr(row, name) for name in PAINTED}
        said["value"] = f"{row.value / 100:g}" if row.value else ""
        said["quadrant"] = f"{row.was}→{row.quadrant}" if row.was != row.quadrant else row.quadrant
        found[row.customer_id] = said | {"cell_of_rfm": cell}
    return found


def read_views(session: Session, who: Visitor) -> Sequence[SavedView]:
    """The visitor's saved views and the shared ones."""
    mine = select(SavedView).where(or_(SavedView.owner == who.actor, SavedView.shared))
    return session.scalars(mine.order_by(SavedView.name, SavedView.id).limit(200)).all()


def options(session: Session, settings: Settings, who: Visitor, control: Control) -> list[tuple[str, str]]:
    """What a control offers: (value, as it is shown)."""
    if control == "agent":
        return [(str(number), name) for number, name in shown_agents(session, visible_agent_ids(session, who))]
    if control == "tag":
        return [(tag, tag) for tag in sorted(settings.known_tags)]
    if control == "stage":
        several = len(settings.pipelines) > 1
        stages = [(pipeline.name, stage.name) for pipeline in settings.pipelines for stage in pipeline.stages]
        return [(f"{pipeline}/{stage}", f"{pipeline} · {stage}" if several else stage) for pipeline, stage in stages]
    if control == "sop":
        return [(sop.id, sop.title or sop.id) for sop in settings.sops.values() if not sop.for_groups]
    if control == "segment":
        return [(name, name) for name in settings.segments]
    if control == "product":
        return [(ANY, translate("任何东西")), *((name, name) for name in offered_products(session))]
    if control == "field":
        return [(name, field.title or name) for name, field in settings.fields.items()]
    return [(value, value) for value in model_values(settings, control)]


def in_words(session: Session, settings: Settings, who: Visitor, query: ListQuery) -> list[ShownCondition]:
    """The conditions as people read them; a value that is known no more stands as it is."""
    known: dict[Any, dict[str, str]] = {}
    shown = []
    for one in query.conditions:
        kind = KINDS[one.kind]
        if kind.control not in known:
            known[kind.control] = dict(options(session, settings, who, kind.control))
        value = "" if kind.control == "nothing" else known[kind.control].get(one.value, one.value)
        shown.append(ShownCondition(one, kind.title, value))
    return shown
