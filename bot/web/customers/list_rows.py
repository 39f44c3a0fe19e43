"""Pages of the customer list, and what its builder offers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import Session

from bot.agents.list_rows import COLUMNS, OF_FIELD, ListRow, rows_of
from bot.customers.model_values import model_values
from bot.customers.order_conditions import offered_products
from bot.customers.people import shown_agents
from bot.customers.selection import KINDS, Condition, Control, where
from bot.platform.config.settings import Settings
from bot.platform.models import Customer, SavedView
from bot.platform.work import Work
from bot.web.auth.access import visible_agent_ids, visible_customers
from bot.web.auth.visitor import Visitor
from bot.web.customers.list_query import ListQuery, cursor_of
from bot.web.layout.languages import translate
from sop.business import ANY

PAGE = 50


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
    rows = rows_of(work, query.columns, people)
    return rows, cursor_of(query, people[-1]) if len(ids) > limit else ""


def titles_of(work: Work) -> dict[str, str]:
    """The titles of all columns there are."""
    fields = work.settings.fields.items()
    return COLUMNS | {f"{OF_FIELD}{name}": field.title or name for name, field in fields}


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
