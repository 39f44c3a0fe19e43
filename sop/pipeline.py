"""Config tables of lifecycles: pipelines, their stages and timed moves."""

from __future__ import annotations

from datetime import timedelta
from functools import cached_property
from typing import Literal

from pydantic import Field

from sop.tables import Length, Table


class Stage(Table):
    """One column of the board. `on` lists what brings a customer in: tags and @events; [] is by hand only.

    A stage `aside` stands beside the road (考虑价格): going in and out of it is never a step back. One
    `asleep` (沉睡) does too, and a word from the customer wakes them: the card goes back to where it stood.
    Rules (people may always) bring a card here only from the stages of `only_from`, after `min_stay` in the stage
    where it is, of a customer who carries all tags of `needs` and whose conversion score is at least `min_score`.
    A field in `needs` must be known, for people's moves as well; `min_profile` is how much of the pipeline's `fields`
    must be, in percent. Of who comes here, people are asked for one of `reasons`.
    """

    name: str = Field(min_length=1, max_length=30)
    on: tuple[str, ...] | None = None
    won: bool = False
    lost: bool = False
    aside: bool = False
    asleep: bool = False
    only_from: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    min_stay: Length = timedelta(0)
    min_score: int | None = None
    min_profile: int | None = Field(default=None, ge=0, le=100)
    reasons: tuple[str, ...] = Field(default=(), max_length=30)

    @property
    def entered_by(self) -> tuple[str, ...]:
        """The tags and @events that enter the stage: `on`, or the tag of the stage's own name."""
        return (self.name,) if self.on is None else self.on

    @property
    def beside(self) -> bool:
        """Whether the stage stands beside the road."""
        return self.aside or self.asleep


class TimedMove(Table):
    """[[pipelines.moves]]: without a word from the customer for `after`, the card moves on."""

    from_: str = Field(alias="from")
    to: str
    after: Length


class Pipeline(Table):
    """[[pipelines]]: a lifecycle as ordered stages; in WeCom an exclusive tag group of the same name.

    For `hold` after a person has moved a card, rules and the clock leave it where it is. Where `agents` (userids),
    `departments` (ids) or `channels` ("store_*" takes all that begin so) are given, rules bring in only customers of
    these agents, who came by these channels; only these agents' phones carry its tags. `fields` are what should be
    known about a customer who is in it.
    """

    name: str = Field(min_length=1, max_length=30)
    back: Literal["human", "anyone"] = "human"
    hold: Length = timedelta(0)
    agents: tuple[str, ...] = Field(default=(), max_length=1000)
    departments: tuple[int, ...] = Field(default=(), max_length=200)
    channels: tuple[str, ...] = Field(default=(), max_length=500)
    fields: tuple[str, ...] = Field(default=(), max_length=50)
    stages: tuple[Stage, ...] = Field(min_length=1, max_length=50)
    moves: tuple[TimedMove, ...] = ()

    def stage(self, name: str | None) -> Stage | None:
        """Find a stage by name."""
        return None if name is None else self._by_name.get(name)

    @cached_property
    def _by_name(self) -> dict[str, Stage]:
        return {stage.name: stage for stage in reversed(self.stages)}

    @cached_property
    def entries(self) -> dict[str, tuple[Stage, ...]]:
        """The stages that each trigger leads to, in their order."""
        triggers = dict.fromkeys(trigger for stage in self.stages for trigger in stage.entered_by)
        return {one: tuple(stage for stage in self.stages if one in stage.entered_by) for one in triggers}
