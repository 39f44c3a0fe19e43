"""Nightly portraits: asks the models about everybody by night, and soon about those of whom something was heard.

A round, which begins at once where [models] changed, goes through all customers, finds what they come to together
(the bounds of grades, the worth of the top part), and then grades what it stored by these.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from bot.customers.portraits import COMPANY, company_of, kept_company, measures, refresh, regrade
from bot.platform.config.settings import Settings
from bot.platform.database.store import get_status, set_status
from bot.platform.models import (
    BusinessEvent,
    Customer,
    Impression,
    Message,
    Model,
    Order,
    ScoreEntry,
    Tagging,
    ToldFact,
)
from bot.platform.work import Work
from bot.system import System
from taggers.models.portrait import Company
from taggers.models.rfm import bounds_of
from taggers.models.tiers import top_worth

STATUS, SEEN = "portraits", "portraits_seen"
AT_ONCE = 1000  # customers of one transaction
AT_MOST = 100.0  # seconds of one job; the next goes on


def portray_nightly(system: System, now: datetime) -> int:
    """Do what is left of the present round; returns how many customers were looked at. It may be repeated."""
    began, looked_at = time.monotonic(), 0
    while time.monotonic() - began < AT_MOST:
        with system.work(now) as work:
            done = advance(work)
        if done is None:
            return looked_at
        looked_at += done
    return looked_at


def advance(work: Work) -> int | None:
    """Do one piece of the present round; returns how many customers were asked about, None where it is over."""
    status = get_status(work.session, STATUS)
    state = next_round(work.settings, status.value if status else None, work.now)
    return None if state["step"] == "done" else _step(work, state)


def next_round(settings: Settings, known: dict[str, Any] | None, now: datetime) -> dict[str, Any]:
    """The stored state of the present round: {day, terms, step (ask | grade | done), after (the last customer)}.

    One begins every night at the hour of [sync] reconcile_at, whenever [models] changed, and where there was none.
    """
    local, terms = now.astimezone(settings.zone), _terms(settings)
    today = local.date().isoformat()
    fresh = {"day": today, "terms": terms, "step": "ask", "after": 0}
    if known is None or known["terms"] != terms:
        return fresh
    due = known["day"] < today and local.time() >= settings.tables.sync.reconcile_at
    return fresh if due else known


def refresh_changed(work: Work, limit: int) -> int:
    """Ask about customers of whom something was heard, entered or tagged since the last time.

    What was taken away leaves no new row: for that the night has to come. Returns how many rows were looked at of one
    kind, at most: as many as `limit` means that there are more.
    """
    status = get_status(work.session, SEEN)
    seen: dict[str, int] = dict(status.value) if status else {}
    people, most = set[int](), 0
    for table in (Message, ScoreEntry, Tagging, Order, Impression, BusinessEvent, ToldFact):
        name = table.__tablename__
        if name not in seen:
            seen[name] = _last(work, table)
            continue
        column, mine = _columns(table)
        rows = work.session.execute(
            select(column, mine).where(column > seen[name]).order_by(column).limit(limit)
        ).all()
        people.update(customer_id for _, customer_id in rows if customer_id is not None)
        seen[name], most = rows[-1][0] if rows else seen[name], max(most, len(rows))
    if status is None or seen != status.value:
        set_status(work.session, SEEN, seen, work.now)
    refresh(work, sorted(people))
    return most


def _step(work: Work, state: dict[str, Any]) -> int:
    ids = list(
        work.session.scalars(
            select(Customer.id).where(Customer.id > state["after"]).order_by(Customer.id).limit(AT_ONCE)
        )
    )
    if state["step"] == "ask":
        refresh(work, ids)
    else:
        regrade(work, ids, company_of(work))
    after: dict[str, Any] = {"after": ids[-1] if ids else 0}
    if len(ids) < AT_ONCE:
        after = {"after": 0, "step": "grade" if state["step"] == "ask" else "done"}
        if state["step"] == "ask":
            _find_company(work)
    set_status(work.session, STATUS, {**state, **after}, work.now)
    return len(ids) if state["step"] == "ask" else 0


def _find_company(work: Work) -> None:
    terms = work.settings.tables.models
    measured, worths = measures(work.session)
    company = Company(bounds_of(measured, terms.rfm, work.now), top_worth(worths, terms.tiers.top))
    set_status(work.session, COMPANY, kept_company(company), work.now)


def _last(work: Work, table: type[Model]) -> int:
    return work.session.scalar(select(func.max(_columns(table)[0]))) or 0


def _columns(table: Any) -> Sequence[Any]:
    return table.id, table.customer_id


def _terms(settings: Settings) -> str:
    return hashlib.sha256(repr((settings.tables.models, settings.tables.tags)).encode()).hexdigest()[:12]
