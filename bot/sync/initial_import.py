"""Import: takes in everything WeCom knows of members, customers, tags and groups; run again, it only compares."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from bot.customers.tag_library import library_rows, save_tags
from bot.platform.database.store import get_status, set_status
from bot.sync.directory import compare_groups, compare_lost_groups, compare_staff
from bot.sync.drift import Reconciliation
from bot.sync.reconcile import AT_ONCE, agents_to_compare, compare_agents, portions_of, start_comparison
from bot.wecom.errors import WeComError

if TYPE_CHECKING:
    from bot.system import System

STATUS = "import"
KINDS = ("departments", "agents", "tags", "customers", "groups")
LONGEST_WAIT = 90.0  # WeCom's shorter windows end within a minute
TRIES = 5


@dataclass
class ImportProgress:
    """How far an import is.

    counts: by kind of thing, how many were new, changed and gone. resumed: it continues an interrupted import.
    """

    agents: int
    after: str = ""
    done: int = 0
    follows: int = 0
    resumed: bool = False
    counts: dict[str, list[int]] = field(default_factory=lambda: {kind: [0, 0, 0] for kind in KINDS})

    def add(self, run: Reconciliation) -> None:
        """Add what a comparison has counted."""
        for kind, numbers in run.counts.items():
            self.counts[kind] = [old + more for old, more in zip(self.counts[kind], numbers, strict=True)]
        run.counts.clear()


def import_all(
    system: System, now: datetime, *, full: bool, show: Callable[[ImportProgress], None]
) -> ImportProgress:
    """Take everything in, portion by portion; an interrupted import continues where it stopped, unless `full`.

    Nobody is greeted, since these are old customers. What is to be marked in WeCom is left to the workers.
    """
    agents = with_retries(lambda: agents_to_compare(system))
    state = _begin(system, len(agents), full=full)
    run = with_retries(lambda: start_comparison(system, None, now))
    run.greets = False
    if not state.after:
        state.counts["tags"][0] += with_retries(lambda: make_declared_tags(system))
        with_retries(lambda: compare_staff(system, run))
        state.add(run)
    show(state)
    left = [userid for userid in agents if userid.casefold() > state.after]
    state.done = len(agents) - len(left)
    for portion in portions_of(left, AT_ONCE):
        with_retries(lambda portion=portion: _portion(system, run, portion))  # type: ignore[misc]
        state.after, state.done = portion[-1].casefold(), state.done + len(portion)
        state.follows, run.follows = state.follows + run.follows, 0
        state.add(run)
        _remember(system, state, ended=False)
        show(state)
    with_retries(lambda: compare_lost_groups(system, run, agents))
    state.add(run)
    _remember(system, state, ended=True)
    return state


def make_declared_tags(system: System) -> int:
    """Create the tags of [[tags]] that WeCom's library lacks, so that agents find them on their phones."""
    there = library_rows(system.wecom.corp_tags())
    known = {(row["group_name"], row["name"]) for row in there}
    made = 0
    for group in system.settings.tables.tags:
        missing = [name for name in group.names if (group.group, name) not in known]
        if missing:
            rows = library_rows([system.wecom.add_corp_tags(group.group, missing)])
            made += len(missing)
            with system.store.write() as session:
                save_tags(session, rows)
    return made


def with_retries(call: Callable[[], Any]) -> Any:
    """Call, and repeat after errors that pass by themselves: rate limits, WeCom busy or out of reach for a moment."""
    for attempt in range(1, TRIES + 1):
        try:
            return call()
        except WeComError as error:
            wait = error.retry_after
            if error.permanent or error.pause or wait is None or wait > LONGEST_WAIT or attempt == TRIES:
                raise
            time.sleep(max(wait, 0.2))
    raise AssertionError("unreachable")


def _portion(system: System, run: Reconciliation, portion: Sequence[str]) -> None:
    """Compare all of some agents. A repeated portion starts from its beginning, so its counts start from zero."""
    run.counts.clear()
    run.follows = 0
    system.queue.enqueue_for("deliver", compare_agents(system, run, portion))
    compare_groups(system, run, portion)


def _begin(system: System, agents: int, *, full: bool) -> ImportProgress:
    with system.store.read() as session:
        before = get_status(session, STATUS)
    if before is None or before.value["ended"] or full:
        return ImportProgress(agents)
    known = before.value
    counts = {kind: list(known["counts"].get(kind, [0, 0, 0])) for kind in KINDS}
    return ImportProgress(
        agents, known["after"], follows=known["follows"], resumed=bool(known["after"]), counts=counts
    )


def _remember(system: System, state: ImportProgress, *, ended: bool) -> None:
    value = {"after": state.after, "follows": state.follows, "counts": state.counts, "ended": ended}
    with system.work() as work:
        set_status(work.session, STATUS, value, work.now)
