"""Never spoken: customers who never said a word, whose silence counts from when they were added, so many a day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, ScalarSelect, Select, func, or_, select

from bot.customers.state import CustomerState, load_customers
from bot.platform.config.settings import Settings
from bot.platform.database.store import set_status
from bot.platform.models import Customer, Evidence, Follow, SopEnrolment, Status
from bot.platform.work import Work
from bot.sops.behaviour import observe_and_follow, silence_rules
from bot.sops.enrolment import Start, enrol, is_lost
from bot.sops.shadow import noted_ever
from sop.playbook import Sop
from sop.silence import Ramp, counts_since, days_needed, silent_from
from sop.triggers import trigger_of
from taggers.occurrence import Occurrence
from taggers.rule import Rule

STATUS = "never_spoken"


@dataclass(frozen=True)
class SilenceWait:
    """An SOP or a rule that waits for a silence. key: its name among what is remembered."""

    key: str
    length: timedelta
    sop: Sop | None = None
    rule: Rule | None = None

    @property
    def name(self) -> str:
        """What people call it."""
        if self.sop is not None:
            return self.sop.title or self.sop.id
        return self.rule.id if self.rule is not None else self.key


@dataclass(frozen=True)
class SilencePreview:
    """How many who never spoke an SOP or a rule would take up now, and over how many days."""

    name: str
    length: timedelta
    waiting: int
    days: int


def take_up_never_spoken(work: Work, limit: int = 500) -> int:
    """Take up the next portion of those whose silence has become long enough; returns how many were looked at."""
    since = counts_since(work.settings.workspace)
    waits = list(_waits(work.settings)) if since is not None else []
    if since is None or not waits:
        return 0
    row = work.session.get(Status, STATUS, with_for_update=True)
    kept = dict(row.value) if row is not None else {}
    day = work.settings.calendar.local(work.now).date()
    looked_at = 0
    for wait in waits:
        ramp = Ramp.read(kept.get(wait.key), work.now, day)
        room = ramp.room(work.settings.workspace.silent_ramp, limit)
        if room:
            ramp, seen = _portion(work, wait, ramp, (since, room))
            looked_at += seen
        kept[wait.key] = ramp.kept()
    set_status(work.session, STATUS, {wait.key: kept[wait.key] for wait in waits}, work.now)
    return looked_at


def preview_never_spoken(work: Work) -> list[SilencePreview]:
    """Say of each SOP and rule that waits for a silence how many who never spoke it would take up now."""
    since = work.now - timedelta(days=36500)  # whether or not it is switched on yet
    found = []
    for wait in _waits(work.settings):
        waiting = work.session.scalar(select(func.count()).select_from(_waiting(wait, since, work.now).subquery()))
        days = days_needed(waiting or 0, work.settings.workspace.silent_ramp)
        found.append(SilencePreview(wait.name, wait.length, waiting or 0, days))
    return found


def _waits(settings: Settings) -> Iterator[SilenceWait]:
    for sop in settings.tables.sops:
        trigger = trigger_of(sop)
        if sop.enabled and not sop.for_groups and trigger.kind == "silence" and trigger.length is not None:
            yield SilenceWait(f"sop:{sop.id}", trigger.length, sop=sop)
    for rule, length in silence_rules(settings):
        yield SilenceWait(f"rule:{rule.id}:{int(length.total_seconds())}", length, rule=rule)


def _portion(work: Work, wait: SilenceWait, ramp: Ramp, given: tuple[datetime, int]) -> tuple[Ramp, int]:
    since, room = given
    query = _waiting(wait, since, work.now).where(Customer.id > (ramp.after or 0)).order_by(Customer.id).limit(room)
    customers = work.session.scalars(query).all()
    taken = sum(_take_up(work, wait, state, since) for state in load_customers(work.session, customers).values())
    after = customers[-1].id if len(customers) == room else None
    return replace(ramp, taken=ramp.taken + taken, after=after), len(customers)


def _take_up(work: Work, wait: SilenceWait, state: CustomerState, since: datetime) -> bool:
    began = silent_from(min(follow.added_at for follow in state.active_follows), since)
    if wait.sop is not None:
        start = Start(f"silence:{int(began.timestamp())}")
        return not is_lost(work.settings, state) and enrol(work, state, wait.sop, start) is not None
    key = f"silence:{int(began.timestamp())}:{int(wait.length.total_seconds())}"
    seen = Occurrence("silence", work.now, key, length=wait.length, previous=wait.length - timedelta(seconds=1))
    return bool(observe_and_follow(work, state, seen))


def _waiting(wait: SilenceWait, since: datetime, now: datetime) -> Select[Customer]:
    """Those who never spoke, were added long enough ago, and were not taken up yet."""
    long_enough = (_added_at() <= now - wait.length) if since <= now - wait.length else Customer.id < 0
    query = select(Customer).where(Customer.last_word_at.is_(None), Customer.opted_out_at.is_(None), long_enough)
    return query.where(~_taken(wait))


def _added_at() -> ScalarSelect[datetime]:
    """When a customer was added by the first of the agents who still have them; NULL where none has."""
    current = select(func.min(Follow.added_at)).where(Follow.customer_id == Customer.id, Follow.ended_at.is_(None))
    return current.scalar_subquery()


def _taken(wait: SilenceWait) -> ColumnElement[bool]:
    if wait.sop is not None:
        enrolled = select(SopEnrolment.id).where(SopEnrolment.customer_id == Customer.id)
        return or_(enrolled.where(SopEnrolment.sop_id == wait.sop.id).exists(), noted_ever(wait.sop.id))
    assert wait.rule is not None
    noticed = select(Evidence.id).where(Evidence.customer_id == Customer.id, Evidence.rule_id == wait.rule.id)
    return noticed.exists()
