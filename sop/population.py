"""Simulated population: when customers come, speak, answer and leave, how agents act; by hash, so runs repeat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import blake2b
from math import exp, log

from sop.business import is_business
from sop.pipeline import Pipeline
from sop.playbook import Sop

_DAY_HOURS = (9, 22)  # when people are awake enough to write


@dataclass(frozen=True, slots=True)
class Habits:
    """How often people do a thing (0 to 1), and how many words a customer says unprompted."""

    most_words: int = 6
    step_on: float = 0.4  # a word takes the customer on along the road
    stray: float = 0.03  # a word brings a tag that some SOP starts or stops by
    answer: float = 0.35  # a followed prompt is answered
    opt_out: float = 0.005
    leave: float = 0.03
    drag: float = 0.01  # a person moves the card
    chat: float = 0.8  # the agent answers a word
    follow: float = 0.75  # the agent follows a prompt


@dataclass(frozen=True, slots=True)
class Scenario:
    """How long a simulation runs and who lives in it; agents: one for 250 customers unless told."""

    days: int = 30
    customers: int = 10_000
    agents: int | None = None
    seed: str = "tici"  # equal seeds give equal lives
    habits: Habits = Habits()

    @property
    def staff(self) -> int:
        """How many agents there are."""
        return self.agents or max(1, self.customers // 250)


@dataclass(frozen=True, slots=True)
class Scene:
    """What an imagined population needs to know of a config."""

    roads: tuple[tuple[str, ...], ...]
    strays: tuple[str, ...]

    @classmethod
    def of(cls, pipelines: Sequence[Pipeline], sops: Sequence[Sop]) -> Scene:
        """Read the tags that lead along each road, and those by which SOPs start and stop."""
        roads = tuple(
            tuple(
                t
                for stage in p.stages
                if not stage.lost
                for t in stage.entered_by[:1]
                if not t.startswith("@") and not is_business(t)
            )
            for p in pipelines
        )
        named = [sop.on for sop in sops if sop.on] + [stop for sop in sops for stop in sop.stop]
        strays = sorted({name.removeprefix("tag:") for name in named if name.startswith("tag:")})
        return cls(roads, tuple(strays))


class Population:
    """Answers every question about an imagined person the same way each time it is asked."""

    def __init__(self, scenario: Scenario, start: datetime, scene: Scene) -> None:
        self.seed, self.start, self.days, self.agents = scenario.seed, start, scenario.days, scenario.staff
        self.scene, self.habits = scene, scenario.habits

    def chance(self, *what: object) -> float:
        """A number from 0 up to 1, the same for the same question."""
        digest = blake2b(repr((self.seed, what)).encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big") / 2**64

    def happens(self, rate: float, *what: object) -> bool:
        """Whether a thing that happens so often happens here."""
        return self.chance(*what) < rate

    def span(self, least: timedelta, most: timedelta, *what: object) -> timedelta:
        """A length between two, short ones as common as long ones."""
        low, high = log(least.total_seconds()), log(most.total_seconds())
        return timedelta(seconds=int(exp(low + (high - low) * self.chance("span", *what))))

    def agent_of(self, who: int) -> int:
        """The agent who has the customer."""
        return int(self.chance("agent", who) * self.agents)

    def arrives_at(self, who: int) -> datetime:
        """When the customer adds their agent: on some day, in waking hours."""
        first, last = _DAY_HOURS
        day = int(self.chance("day", who) * self.days)
        return self.start + timedelta(days=day, hours=first) + (last - first) * self.chance("hour", who) * _HOUR

    def words_at(self, who: int, came: datetime) -> list[datetime]:
        """When the customer speaks unprompted."""
        count = int(self.chance("words", who) * (self.habits.most_words + 1))
        at, words = came, []
        for number in range(count):
            most = timedelta(hours=4) if number == 0 else timedelta(days=6)
            at += self.span(timedelta(minutes=2), most, "gap", who, number)
            words.append(at)
        return words

    def leaves_at(self, who: int, came: datetime) -> datetime | None:
        """When the customer deletes their agent, if ever."""
        if not self.happens(self.habits.leave, "leave", who):
            return None
        return came + self.span(timedelta(hours=1), timedelta(days=self.days), "left", who)

    def tag_said(self, who: int, number: int, progress: list[int]) -> str | None:
        """The tag a word brings; `progress` counts how far along each pipeline they have come, and is moved on."""
        if self.scene.strays and self.happens(self.habits.stray, "stray", who, number):
            return self.scene.strays[int(self.chance("which", who, number) * len(self.scene.strays))]
        if not self.scene.roads or not self.happens(self.habits.step_on, "step", who, number):
            return None
        road = int(self.chance("road", who, number) * len(self.scene.roads))
        if progress[road] >= len(self.scene.roads[road]):
            return None
        progress[road] += 1
        return self.scene.roads[road][progress[road] - 1]

    def born_on(self, who: int) -> date:
        """The customer's birthday."""
        return date(1980, 1, 1) + timedelta(days=int(self.chance("born", who) * 10_000))


_HOUR = timedelta(hours=1)
