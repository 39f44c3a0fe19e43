"""Nightly scores: brings what all ledgers come to up to date, for points age; at once where [[scores]] changed."""

from __future__ import annotations

import hashlib
import time
from datetime import datetime
from typing import Any

from sqlalchemy import select

from bot.customers.order_scores import settle_order_entries
from bot.customers.scores import rescore
from bot.platform.config.settings import Settings
from bot.platform.database.store import get_status, set_status
from bot.platform.models import Customer
from bot.system import System

STATUS = "scores"
AT_ONCE = 1000  # customers of one transaction
AT_MOST = 100.0  # seconds of one job; the next goes on


def rescore_nightly(system: System, now: datetime) -> int:
    """Do what is left of today's round; returns how many customers were looked at. It may be repeated anywhere."""
    began, looked_at = time.monotonic(), 0
    while time.monotonic() - began < AT_MOST:
        with system.work(now) as work:
            status = get_status(work.session, STATUS)
            state = next_round(work.settings, status.value if status else None, now)
            if state["done"]:
                if status is None:
                    set_status(work.session, STATUS, state, now)
                return looked_at
            after = Customer.id > state["after"]
            ids = list(work.session.scalars(select(Customer.id).where(after).order_by(Customer.id).limit(AT_ONCE)))
            settle_order_entries(work, ids)
            work.session.flush()
            rescore(work, ids)
            done = len(ids) < AT_ONCE
            set_status(work.session, STATUS, {**state, "after": ids[-1] if ids else 0, "done": done}, now)
        looked_at += len(ids)
    return looked_at


def next_round(settings: Settings, known: dict[str, Any] | None, now: datetime) -> dict[str, Any]:
    """The stored state of the present round: {day, terms, after (the last customer looked at), done}.

    One begins every night at the hour of [sync] reconcile_at, and whenever [[scores]] changed; without [[scores]]
    none does.
    """
    local, terms = now.astimezone(settings.zone), _terms(settings)
    today = local.date().isoformat()
    fresh = {"day": today, "terms": terms, "after": 0, "done": False}
    if known is None:
        return fresh | {"done": not settings.tables.scores}
    if known["terms"] != terms:
        return fresh
    due = known["day"] < today and local.time() >= settings.tables.sync.reconcile_at
    return fresh if due and settings.tables.scores else known


def _terms(settings: Settings) -> str:
    return hashlib.sha256(repr(settings.tables.scores).encode()).hexdigest()[:12]
