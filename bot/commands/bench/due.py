"""Measures how fast steps that have come due are decided about, beside only claiming and enqueuing as many rows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select, update

from bot.commands.bench.pace import Pace, Way, measure_paces
from bot.commands.bench.scratch_systems import Surroundings, scratch_system
from bot.commands.bench.seeded_customer import RowBatch
from bot.platform import clock
from bot.platform.models import Agent, Customer, Follow, SopEnrolment, SopTask
from bot.sops.replanning import note_followed
from bot.system import System, use_system
from bot.worker import jobs, timed_work

ROUNDS = 3
BOUND = "claimed"
AGENTS = 30
_MINUTE = timedelta(minutes=1)


class NoSopError(RuntimeError):
    """The config in force has no SOP whose steps could come due."""


def measure(place: Surroundings, count: int, advance: Callable[[], object] = lambda: None) -> dict[str, Pace]:
    """claimed: found, marked and enqueued in portions, with nothing decided; decided: the real job, to its cards.

    `advance` is called 2 * ROUNDS times. Raises NoSopError.
    """
    with scratch_system(place, "due") as system:
        if not system.settings.tables.sops:
            raise NoSopError
        _make_agents(system)
        with system.work() as work:
            note_followed(work, system.settings.version)
        use_system(system)
        ways = {BOUND: _claiming(system, count), "decided": _deciding(system, count)}
        try:
            return measure_paces(ways, count, ROUNDS, advance)
        finally:
            use_system(place.system)


def _claiming(system: System, count: int) -> Way:
    def prepare(nth: int) -> Callable[[], int]:
        make_due(system, count)
        return lambda: _claim(system)

    return prepare


def _claim(system: System) -> int:
    done = 0
    while True:
        with system.store.write() as session:
            due = select(SopTask.id).where(SopTask.state == "planned", SopTask.due_at <= clock.now())
            ids = list(session.scalars(due.limit(timed_work.CHUNK)))
            session.execute(update(SopTask).where(SopTask.id.in_(ids)).values(state="expired"))
        if not ids:
            return done
        system.queue.enqueue_for("deliver", ids)
        done += len(ids)


def _deciding(system: System, count: int) -> Way:
    def prepare(nth: int) -> Callable[[], int]:
        make_due(system, count)
        before = _open(system)

        def decide() -> int:
            jobs.due()
            return before - _open(system)

        return decide

    return prepare


def _open(system: System) -> int:
    """How many steps have come due and were not decided about."""
    due = select(func.count()).where(SopTask.state == "planned", SopTask.due_at <= clock.now())
    with system.store.read() as session:
        return session.scalar(due) or 0


def _make_agents(system: System) -> None:
    with system.store.write() as session:
        session.add_all(
            Agent(
                id=number, key=f"bench{number}", userid=f"Bench{number}", name=f"员工{number}", created_at=clock.now()
            )
            for number in range(1, AGENTS + 1)
        )


def make_due(system: System, count: int) -> None:
    """So many new customers, each with a step that has just come due and may be sent at any hour."""
    batch, now, sop = RowBatch(), clock.now(), system.settings.tables.sops[0].id
    with system.store.write() as session:
        last = session.scalar(select(func.max(Customer.id))) or 0
        for number in range(last + 1, last + count + 1):
            _add_customer(batch, number, now)
            batch.add(
                SopEnrolment, id=number, customer_id=number, agent_id=number % AGENTS + 1, sop_id=sop,
                cause=f"bench/{number}", stop=[], version=system.settings.version, enrolled_at=now - _MINUTE,
            )  # fmt: skip
            batch.add(SopTask, **_task(number, now))
        batch.write(session)
        session.execute(update(SopTask).where(SopTask.state == "queued").values(state="expired"))  # of earlier rounds


def _add_customer(batch: RowBatch, number: int, now: datetime) -> None:
    batch.add(
        Customer, id=number, external_userid=f"wmDUE{number:027}", name=f"客户{number}", created_at=now,
        last_words="", activity=0, conversion=0,
    )  # fmt: skip
    batch.add(
        Follow, id=number, agent_id=number % AGENTS + 1, customer_id=number, added_at=now, marked={}, marking={},
        tags=[],
    )  # fmt: skip


def _task(number: int, now: datetime) -> dict[str, Any]:
    words = "您好，{customer.name|同学}，资料整理好了，发您看看。"
    return {
        "id": number, "enrolment_id": number, "customer_id": number, "agent_id": number % AGENTS + 1, "step": 0,
        "state": "planned", "due_at": now - _MINUTE, "expires_at": now + timedelta(days=1), "shifts": [], "why": "",
        "wording": words, "text": words, "anytime": True, "attach": [], "attached": [], "reminded": [],
        "window_seconds": 86400,
    }  # fmt: skip
