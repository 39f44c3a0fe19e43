"""Nightly comparison of all of WeCom with the board; after a crash it continues where it stopped."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any

from bot.platform.config.settings import Settings
from bot.platform.database.store import get_status, release_lease, set_status, take_lease
from bot.platform.log import get_logger
from bot.platform.work import Work
from bot.sync.directory import compare_groups, compare_lost_groups, compare_staff
from bot.sync.reconcile import AT_ONCE, agents_to_compare, compare_agents, start_comparison
from bot.system import System

STATUS = "reconcile"
LEASE_SECONDS = 300
AT_MOST = 120.0  # seconds of one job; the next goes on
_log = get_logger(__name__)


def reconcile_nightly(system: System, now: datetime) -> bool:
    """Compare what is left of today's comparison; True where something was done."""
    settings = system.settings
    with system.store.write() as session:
        status = get_status(session, STATUS)
        todo = next_state(settings, status.value if status else None, now)
        if status is None:
            set_status(session, STATUS, todo, now)
        held = None if todo["done"] else take_lease(session, STATUS, system.owner, LEASE_SECONDS)
    if held is None:
        return False
    try:
        _continue(system, todo, now)
    finally:
        with system.store.write() as session:
            release_lease(session, held)
    return True


def claim_night(work: Work, name: str) -> bool:
    """Claim tonight's run of a nightly job: True for the first caller of this name after the configured hour."""
    local, known = work.now.astimezone(work.settings.zone), get_status(work.session, name)
    today = local.date().isoformat()
    first = known is None  # an installation that never did it waits for its first night
    if known is not None and (known.value["day"] >= today or local.time() < work.settings.tables.sync.reconcile_at):
        return False
    set_status(work.session, name, {"day": today}, work.now)
    return not first


def next_state(settings: Settings, known: dict[str, Any] | None, now: datetime) -> dict[str, Any]:
    """The stored state of the current night: {day, after (the last userid compared), done, drift, follows}.

    Before the configured hour it is still that of yesterday. An installation that never compared waits for its first
    night.
    """
    local = now.astimezone(settings.zone)
    today = local.date().isoformat()
    if known is None:
        return {"day": today, "after": "", "done": True, "drift": 0, "follows": 0}
    due = known["day"] < today and local.time() >= settings.tables.sync.reconcile_at
    return {"day": today, "after": "", "done": False, "drift": 0, "follows": 0} if due else dict(known)


def _continue(system: System, state: dict[str, Any], now: datetime) -> None:
    began, run = time.monotonic(), start_comparison(system, None, now)
    if not state["after"]:
        compare_staff(system, run)
    left = [userid for userid in agents_to_compare(system) if userid.casefold() > state["after"]]
    while left and time.monotonic() - began < AT_MOST:
        portion, left = left[:AT_ONCE], left[AT_ONCE:]
        compare_agents(system, run, portion)
        compare_groups(system, run, portion)
        state = {**state, "after": portion[-1].casefold()}
    if not left:
        compare_lost_groups(system, run, agents_to_compare(system))
    found = {"drift": state["drift"] + len(run.drift), "follows": state["follows"] + run.follows}
    with system.store.write() as session:
        set_status(session, STATUS, {**state, **found, "done": not left}, now)
    _log.info("compared with WeCom", follows=run.follows, drift=len(run.drift), done=not left)
