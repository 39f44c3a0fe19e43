"""`make chaos`: breaks everything by a seed while messages pass, then settles, audits and compares.

python -m tests.chaos --seed 7 --minutes 10 --messages 50000 --database postgresql --kills 500 --each-point 20
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import click
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from bot.commands.wecom import run_comparison
from bot.intake.quarantine import replay_quarantine
from bot.ops.consistency import audit, audit_archive
from bot.platform import clock
from bot.platform.models import ArchiveCursor, CallbackEvent, Outbox, SopTask
from tests.chaos.city import City
from tests.chaos.faults import FAULTS
from tests.chaos.plan import Fault, make_orders, make_plan
from tests.chaos.reckoning import reckon
from tests.chaos.talks import Person, lines, people
from tests.support.postgres import running_postgres

TICK = 0.1
AGAIN = 1.0  # seconds until a kill is tried again whose process was down already
KEPT_BACK = 0.05  # of what is said, while workers are still to die somewhere: for after the planned faults
SLICE = 100  # lines put into the archive at once
AGENTS = 60
AHEAD = 10  # seconds from the moment a customer is added to their first word
SETTLED = 60.0  # seconds after the last fault
PATIENCE = 600.0
Undo = Callable[[], None]


class Run:
    """One run: what is said, what is broken, what is to be undone when."""

    def __init__(self, city: City, everybody: list[Person], plan: list[Fault], orders: list[str], seconds: float):
        self.city, self.everybody, self.plan, self.seconds = city, everybody, list(plan), seconds
        self.total = len(everybody) * 10
        self.newcomers = [(place, person) for place, (person, line) in enumerate(lines(everybody))
                          if person.added and line["msgid"].endswith("00_external")]  # fmt: skip
        self.undos: list[tuple[float, Undo]] = []
        self.done: Counter[str] = Counter()
        city.orders = list(orders)

    def go(self) -> float:
        """Say everything and break everything, until all is said and every planned fault is over; that moment."""
        said, waiting, begun = 0, lines(self.everybody), time.monotonic()
        wanted, told = len(self.city.orders), 0.0
        while True:
            at = time.monotonic() - begun
            due = self._due(at)
            while self.newcomers and self.newcomers[0][0] <= due + AHEAD * self.total / self.seconds:
                self.city.insist(partial(self._add, self.newcomers.pop(0)[1]))
            while said < due and (batch := [line for _, line in islice(waiting, min(SLICE, due - said))]):
                self.city.insist(partial(self.city.control.archive, batch))
                said += len(batch)
            self._break(at)
            self._heal(at)
            self.city.mend()
            if at - told > 30:
                told = at
                click.echo(f"{at:6.0f} s: {said} said, {sum(self.done.values())} faults, "
                           f"{len(self.city.obeyed)} of {wanted} orders", err=True)  # fmt: skip
            if said >= self.total and not self.plan and not self.undos:
                break
            time.sleep(TICK)
        return time.monotonic()

    def _due(self, at: float) -> int:
        """How many lines are to be said by now."""
        share = 1 - KEPT_BACK if self.city.unobeyed else 1
        planned = int(self.total * share * min(at / self.seconds, 1))
        after = int(self.total / self.seconds * max(0.0, at - self.seconds))
        return min(self.total, planned + after + 1)

    def _add(self, person: Person) -> None:
        self.city.control.add_customer(person.agent, f"客户{person.number}", external_userid=person.userid)

    def _break(self, at: float) -> None:
        while self.plan and self.plan[0].at <= at:
            fault = self.plan.pop(0)
            undo: Any = False
            with suppress(OSError, SQLAlchemyError):  # another fault is in its way
                undo = FAULTS[fault.name](self.city)
            if undo is False:
                self.plan = sorted([*self.plan, replace(fault, at=at + AGAIN)], key=lambda later: later.at)
                continue
            self.done[fault.name] += 1
            if callable(undo):
                self.undos.append((at + fault.lasting, undo))

    def _heal(self, at: float) -> None:
        for due in [item for item in self.undos if item[0] <= at]:
            self.undos.remove(due)
            due[1]()


# What a judge waits for however far off its time is. A row of another kind may be put out to be asked later.
NEVER_LATER = frozenset({"mark_tag", "card", "card_change", "digest", "welcome"})


def held(session: Session) -> int:
    """How many rows wait for no moment of their own but for the end of a pause, a limit or a breaker: none was tried
    as far as the row knows, and its time lies ahead, also where the clock was set back since it was put out."""
    waiting = select(func.count()).where(Outbox.state == "waiting", Outbox.kind.in_(NEVER_LATER))
    return session.scalar(waiting) or 0


def left(city: City) -> list[str]:
    """What is to be done now, in words; what was refused and waits to be tried again counts as well."""
    seq = int(city.insist(city.control.state)["last_seq"])
    now = clock.now()
    with city.system.store.read() as session:
        cursor = session.scalar(select(func.max(ArchiveCursor.seq))) or 0
        counts = {
            "outbox": select(func.count()).where(
                Outbox.state.in_(("waiting", "sending")), (Outbox.attempts > 0) | (Outbox.not_before <= now)
            ),  # not what is to be asked later
            "events": select(func.count()).where(CallbackEvent.handled_at.is_(None)),
            "due": select(func.count()).where(SopTask.state == "planned", SopTask.due_at <= now),
        }
        found = [f"{name} {count}" for name, query in counts.items() if (count := session.scalar(query))]
    return found + ([f"archive at {cursor} of {seq}"] if cursor < seq else [])


def tasks_of(city: City) -> dict[str, int]:
    """Tasks by their state and why they ended."""
    with city.system.store.read() as session:
        rows = session.execute(
            select(SopTask.state, SopTask.ended_because, func.count()).group_by(SopTask.state, SopTask.ended_because)
        )
        return {f"{state}{f': {why}' if why else ''}": count for state, why, count in rows}


def settle(city: City, patience: float = PATIENCE) -> tuple[float, list[str]]:
    """Seconds in which something was left to be done, and what was left when patience ended. Time in which all that
    is left waits for the end of a pause does not count: nobody may do anything."""
    begun = told = time.monotonic()
    rest, busy = ["?"], 0.0
    while time.monotonic() - begun < patience:
        city.mend()
        looked = time.monotonic()
        waiting = ["held"]
        with suppress(Exception):
            rest = left(city)
            with city.system.store.read() as session:
                waiting = [f"held {count}"] if (count := held(session)) else []
            if not rest and not waiting:
                return busy, []
        if time.monotonic() - told > 10:
            told = time.monotonic()
            click.echo(f"settling for {told - begun:.0f} s: {', '.join([*rest, *waiting])}", err=True)
        time.sleep(0.5)
        busy += time.monotonic() - looked if rest else 0.0
    return patience, [*rest, *waiting]


def compare(city: City) -> None:
    """After a restore: what every night does, now. Tags on phones that the backup did not know are set again."""
    if city.before_restore:
        run_comparison(city.system, None, dry_run=False)
        settle(city)


@contextmanager
def database(kind: str, folder: Path) -> Iterator[tuple[str, Any]]:
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'tici.db'}", None
        return
    with running_postgres() as server, server.database() as url:
        yield url, server


@click.command()
@click.option("--seed", default=1, show_default=True, help="the same seed plans the same faults")
@click.option("--minutes", default=5.0, show_default=True)
@click.option("--messages", default=5000, show_default=True)
@click.option("--database", "kind", type=click.Choice(("sqlite", "postgresql")), default="sqlite", show_default=True)
@click.option("--kills", default=60, show_default=True, help="random kill -9; other faults: a third as many")
@click.option("--each-point", default=2, show_default=True, help="how often a worker dies at each named point")
@click.option("--workers", default=3, show_default=True)
@click.option("--plan", "only_plan", is_flag=True, help="only print the plan")
def main(
    seed: int, minutes: float, messages: int, kind: str, kills: int, each_point: int, workers: int, only_plan: bool
) -> None:
    plan, orders = make_plan(seed, minutes * 60, kills, kind), make_orders(seed, each_point)
    if only_plan:
        for fault in plan:
            click.echo(f"{fault.at:8.1f} s  {fault.name}" + (f"  {fault.lasting:.0f} s" if fault.lasting else ""))
        click.echo(f"deaths at named points: {' '.join(orders)}")
        return
    everybody = people(messages, AGENTS)
    with tempfile.TemporaryDirectory(prefix="tici-chaos-") as made, database(kind, Path(made)) as (url, server):
        with City(Path(made), url, server, workers, 2) as city:
            sys.exit(0 if play(Run(city, everybody, plan, orders, minutes * 60), seed, kind) else 1)


def play(run: Run, seed: int, kind: str) -> bool:
    """The whole run, its report on standard output; True where everything held."""
    city = run.city
    run.go()
    unobeyed = city.pardon()
    seconds, rest = settle(city)
    compare(city)
    freed, held = replay_quarantine(city.system)
    if freed:
        settle(city)
    found = audit(city.system.store, clock.now())
    lost = audit_archive(city.system)
    reckoning = reckon(city, run.everybody)
    report = {
        "seed": seed, "database": kind, "messages": run.total, "seconds": run.seconds,
        "kills": sum(n for name, n in run.done.items() if name.startswith("kill-")),
        "deaths_at_points": dict(sorted(Counter(order.split(":")[0] for order in city.obeyed).items())),
        "orders_left": unobeyed, "tasks": tasks_of(city),
        "faults": dict(sorted(run.done.items())), "settled_after": round(seconds, 1), "left": rest,
        "quarantined_and_freed": freed, "quarantined": held,
        "audit": [asdict(finding) for finding in [*found, lost] if finding.count], **asdict(reckoning),
    }  # fmt: skip
    click.echo(json.dumps(report, ensure_ascii=False, indent=1))
    return reckoning.sound and not found and not lost.count and not rest and seconds <= SETTLED and not held


if __name__ == "__main__":
    main()
