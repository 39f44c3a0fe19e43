"""Measures how the cost of a message grows with what is stored already, and with the number of rules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy import text

from bot.commands.bench.ingest import InMemoryArchive, make_rows, seal_as_sandbox
from bot.commands.bench.ingest_stages import Costs, measure_stages
from bot.commands.bench.scratch_systems import Surroundings, scratch_system
from bot.commands.bench.seeding import SeedSize, seed
from bot.platform import clock
from bot.platform.config.settings import load_settings
from bot.platform.garbage import look_seldom
from bot.system import System

TAKEN_IN = 2_000  # messages that are measured at each size
EACH = 20  # messages stored for each made-up customer
AGENTS = 50


@dataclass(frozen=True)
class GrowthPoint:
    """One size: what was there before, and what a further message costs. bytes_stored: of the whole database for each
    message in it, once the measured ones are there too."""

    stored: int
    rules: int
    costs: Costs
    bytes_stored: int

    @property
    def beside_rsa(self) -> float:
        """Microseconds of processor time a message, without its RSA operation."""
        return sum(spent for stage, spent in self.costs.microseconds.items() if stage != "rsa")


def with_rules(place: Surroundings, count: int) -> Surroundings:
    """The same place with a config of at least so many rules: those in force, and others whose words nobody says."""
    config = place.system.environment.config
    missing = count - len(load_settings(config).tables.rules)
    if missing <= 0:
        return place
    path = place.folder / f"rules-{count}.toml"
    path.write_text(config.read_text(encoding="utf-8") + "".join(map(_rule, range(missing))), encoding="utf-8")
    return replace(place, config=path)


def _rule(number: int) -> str:
    words = ", ".join(f'"没人说的词{number}{letter}"' for letter in "甲乙")
    return f'\n[[rules]]\nid = "bench-{number}"\ntag = "基准{number}"\nany = [{words}]\n'


def measure_growth(
    place: Surroundings, sizes: Sequence[tuple[int, int]], advance: Callable[[], object] = lambda: None
) -> list[GrowthPoint]:
    """One point for each pair of stored messages and rules; every point has a database of its own."""
    ring, rows = make_rows(TAKEN_IN, seal_as_sandbox)
    points = []
    for nth, (stored, rules) in enumerate(sizes):
        with scratch_system(with_rules(place, rules), f"growth-{nth}") as system:
            system.__dict__.update(keyring=ring, archive=InMemoryArchive(rows))
            if stored:
                size = SeedSize(max(stored // EACH, 1), stored, AGENTS)
                seed(system.store, system.settings, size, clock.now(), lambda done: None)
            look_seldom()  # as a worker does
            costs = measure_stages(system, rows)
            points.append(GrowthPoint(stored, rules, costs, _bytes(system) // (stored + TAKEN_IN)))
        advance()
    return points


def _bytes(system: System) -> int:
    engine = system.store.engine
    if engine.dialect.name == "sqlite":
        path = Path(engine.url.database or "")
        return sum(part.stat().st_size for part in path.parent.glob(f"{path.name}*"))
    with engine.connect() as connection:
        return int(connection.scalar(text("SELECT pg_database_size(current_database())")) or 0)
