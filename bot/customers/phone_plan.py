"""Phone plan: what keeping further groups of tags on the phones would write in WeCom, counted before it does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from bot.platform.config.settings import Settings
from bot.platform.models import Agent, CorpTag, Follow, Tagging
from taggers.rule import TagGroup

PER_MINUTE = 2_000
"""Customers of whom phones are repaired in a minute: WeCom takes 150,000 calls of a kind in an hour, for all uses."""


@dataclass(frozen=True)
class PhonePlan:
    """groups: those that are not kept on the phones yet. made: tags to be made in WeCom; contacts: how many get tags,
    of how many customers; marks: tags on all of these contacts together."""

    groups: tuple[str, ...]
    made: int
    customers: int
    contacts: int
    marks: int

    @property
    def minutes(self) -> int:
        """How long it takes."""
        return ceil(self.customers / PER_MINUTE)

    @property
    def per_minute(self) -> int:
        return PER_MINUTE


def plan_phones(session: Session, current: Settings | None, fresh: Settings) -> PhonePlan | None:
    """What the fresh config would write beyond the current one; None where it switches no group on."""
    kept = {group.group for group in current.tables.tags if group.phone} if current is not None else set()
    groups = [group for group in fresh.tables.tags if group.phone and group.group not in kept]
    if not groups:
        return None
    names = {name for group in groups for name in group.names}
    customers, contacts, marks = session.execute(_carried(names, fresh.workspace.pilot)).one()
    called = tuple(group.group for group in groups)
    return PhonePlan(called, _lacking(session, groups), customers, contacts, marks)


def _carried(names: set[str], pilot: Sequence[str] | None) -> Select[int, int, int]:
    """Customers, contacts, and tags on them."""
    query = (
        select(func.count(Tagging.customer_id.distinct()), func.count(Follow.id.distinct()), func.count())
        .join(Follow, Follow.customer_id == Tagging.customer_id)
        .join(Agent, Agent.id == Follow.agent_id)
        .where(Tagging.removed_at.is_(None), Tagging.tag.in_(names), Follow.ended_at.is_(None))
    )
    return query if pilot is None else query.where(Agent.key.in_([userid.casefold() for userid in pilot]))


def _lacking(session: Session, groups: Sequence[TagGroup]) -> int:
    """How many tags WeCom's library lacks, as far as we know it."""
    wanted = {(group.group, name) for group in groups for name in group.names}
    known = select(CorpTag.group_name, CorpTag.name).where(CorpTag.group_name.in_([g.group for g in groups]))
    return len(wanted - {(group, name) for group, name in session.execute(known)})
