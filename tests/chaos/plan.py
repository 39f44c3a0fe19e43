"""Which faults come when: drawn from the seed before anything starts, so that a run can be repeated."""

from __future__ import annotations

from dataclasses import dataclass

from bot.platform.failpoints import POINTS
from tests.chaos.chance import Chance

# Whom a random kill -9 meets, and how often.
VICTIMS = {"worker": 60, "scheduler": 10, "web": 4, "web-child": 6, "valkey": 8, "sandbox": 4, "database": 8}
# All other faults, each with how long it lasts in seconds (0: a moment).
FAULTS: dict[str, tuple[int, float]] = {
    "worker-frozen": (8, 25.0),  # longer than a lease
    "scheduler-frozen": (3, 25.0),
    "web-frozen": (2, 3.0),
    "valkey-frozen": (5, 5.0),
    "valkey-flushed": (10, 0.0),
    "valkey-full": (5, 8.0),
    "database-locked": (5, 7.0),
    "disk-full": (5, 6.0),
    "wecom-500": (5, 8.0),
    "wecom-silent": (3, 5.0),
    "wecom-busy": (3, 3.0),
    "wecom-limit": (3, 0.0),
    "wecom-answers-lost": (8, 0.0),
    "wecom-tokens-dead": (8, 0.0),
    "wecom-partial": (5, 0.0),
    "callbacks-doubled": (5, 10.0),
    "callbacks-reordered": (4, 10.0),
    "callbacks-lost": (4, 0.0),
    "callbacks-replayed": (5, 0.0),
    "clock-five-minutes-on": (2, 0.0),
    "clock-five-minutes-back": (2, 0.0),
    "config-broken": (3, 8.0),
    "config-cut": (3, 8.0),
    "config-gone": (3, 8.0),
    "customer-erased": (6, 0.0),
    "wrong-key-started": (3, 0.0),
    "redis-poisoned": (5, 0.0),
}
# Once each, at these parts of the run.
ONCE = {"backup-restored": 0.35, "clock-a-day-on": 0.75}
LASTING = {"backup-restored": 10.0}  # seconds between the backup and its return


@dataclass(frozen=True)
class Fault:
    """One planned fault. at: seconds from the start; lasting: seconds until it is undone."""

    at: float
    name: str
    lasting: float = 0.0


def make_plan(seed: int, seconds: float, kills: int, database: str = "postgresql") -> list[Fault]:
    """`kills` random kills and about a third as many other faults, over the whole time. On SQLite no process is the
    database: its share goes to the others."""
    chance = Chance(f"plan:{seed}")
    victims = {name: weight for name, weight in VICTIMS.items() if name != "database" or database != "sqlite"}
    plan = [Fault(chance.fraction() * seconds, f"kill-{chance.weighed(victims)}") for _ in range(kills)]
    weights = {name: weight for name, (weight, _) in FAULTS.items()}
    names = [*FAULTS] if kills >= 3 * len(FAULTS) else []
    names += [chance.weighed(weights) for _ in range(max(0, kills // 3 - len(names)))]
    plan += [Fault(chance.fraction() * seconds, name, FAULTS[name][1]) for name in names]
    plan += [Fault(part * seconds, name, LASTING.get(name, 0.0)) for name, part in ONCE.items()]
    return sorted(plan, key=lambda fault: (fault.at, fault.name))


def make_orders(seed: int, each: int) -> list[str]:
    """Where workers are to die: every named point `each` times, at the first to third pass, in a drawn order."""
    chance = Chance(f"orders:{seed}")
    return chance.shuffled([f"{point}:{1 + chance.below(3)}" for point in POINTS for _ in range(each)])
