"""Measures how fast outbox rows leave through RQ and the outbox, beside the same calls to WeCom alone."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import func, select

from bot.commands.bench.lag import AGENTS
from bot.commands.bench.pace import Pace, Way, measure_paces
from bot.commands.bench.scratch_systems import Surroundings, sandbox_stack
from bot.customers.identity import find_agents, find_customers
from bot.customers.state import load_customers
from bot.platform.models import Outbox
from bot.sandbox.control import SandboxControl
from bot.sync.profiles import ask_profile
from bot.system import System, use_system
from bot.worker import worker

ROUNDS = 3
BOUND = "called"


def measure(place: Surroundings, count: int, advance: Callable[[], object] = lambda: None) -> dict[str, Pace]:
    """called: the bare calls; delivered: the same from the outbox, by one worker: claimed, called and recorded.

    The sandbox is a process of its own. `advance` is called 2 * ROUNDS times.
    """
    with sandbox_stack(place, "deliver") as stack:
        people = _people(stack.control, count)
        system = stack.system
        use_system(system)
        try:
            ways = {BOUND: _calling(system, people), "delivered": _delivering(system, people)}
            return measure_paces(ways, count, ROUNDS, advance)
        finally:
            use_system(place.system)


def _people(control: SandboxControl, count: int) -> list[str]:
    """So many customers whom the sandbox knows."""
    people = [f"wmOUT{number:027}" for number in range(count)]
    control.archive({"from": who, "to": f"Bench{at % AGENTS:02}", "text": "你好"} for at, who in enumerate(people))
    return people


def _calling(system: System, people: list[str]) -> Way:
    return lambda nth: lambda: len([system.wecom.customer(who) for who in people])


def _delivering(system: System, people: list[str]) -> Way:
    def prepare(nth: int) -> Callable[[], int]:
        before = _sent(system)
        with system.work() as work:  # wakes the worker below by a job for each row
            customers = find_customers(work.session, people, work.now)
            agent = find_agents(work.session, ["Bench00"], work.now)["bench00"]
            states = load_customers(work.session, [customers[who] for who in people])
            for state in states.values():
                ask_profile(work, state, agent, f"bench:{nth}")

        def deliver() -> int:
            worker.run(system, burst=True)
            return _sent(system) - before

        return deliver

    return prepare


def _sent(system: System) -> int:
    with system.store.read() as session:
        return session.scalar(select(func.count()).where(Outbox.kind == "profile", Outbox.state == "sent")) or 0
