"""Config tables of SOPs: what starts one, whom it is for, and its steps."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from sop.attachments import Attachment
from sop.tables import RATE, Clock, Length, Table, parse_length


def _again(value: object) -> object:
    return value if value in ("always", "never") else parse_length(value)


class Audience(Table):
    """`audience` of an SOP: customers in one of `stages` who carry one of `tags`; what is left out is not asked.

    They must be in one of `segments`, and in none of `not_segments`.
    """

    tags: tuple[str, ...] = Field(default=(), max_length=100)
    stages: tuple[str, ...] = Field(default=(), max_length=100)
    segments: tuple[str, ...] = Field(default=(), max_length=50)
    not_segments: tuple[str, ...] = Field(default=(), max_length=50)

    @property
    def asks_for(self) -> tuple[str, ...]:
        """The segments of which it must be known whether the customer is in them."""
        return self.segments + self.not_segments

    def admits(self, inside: Collection[str]) -> bool:
        """Whether a customer who is in these segments is meant."""
        wanted = not self.segments or not set(self.segments).isdisjoint(inside)
        return wanted and set(self.not_segments).isdisjoint(inside)

    def holds(self, tags: Collection[str], stages: Collection[str]) -> bool:
        """Whether a customer with these tags, who stands in these stages, is meant."""
        return (not self.tags or not set(self.tags).isdisjoint(tags)) and (
            not self.stages or not set(self.stages).isdisjoint(stages)
        )


class Step(Table):
    """[[sops.steps]]: one prompt: when (counted from enrolment), what to say, and how an answer counts.

    With `on_date` it is due on that day (at `at`, or when work begins), and not at all for who comes later.
    `anytime`: it does not wait for work hours (the customer has just spoken and waits for an answer). After
    `valid_for` nobody needs the prompt any more. Customers of a mindset of `not_for` are not prompted for until it
    changes.
    """

    after: Length = timedelta(0)
    at: Clock | None = None
    on_date: date | None = None
    anytime: bool = False
    valid_for: Length = timedelta(days=3)
    say: Annotated[tuple[str, ...], BeforeValidator(lambda v: (v,) if isinstance(v, str) else v)] = Field(
        min_length=1, max_length=10
    )
    attach: tuple[Attachment, ...] = Field(default=(), max_length=9)
    reply_window: Length = timedelta(hours=24)
    on_reply: str | None = None
    on_silence: str | None = None
    not_for: tuple[Literal["迷茫", "探索", "评估", "决策"], ...] = ()

    @model_validator(mode="after")
    def _one_time(self) -> Step:
        if self.on_date is not None and self.after:
            raise ValueError("on_date（固定日子）与 after（开始后多久）二者只写一个")
        return self


class Sop(Table):
    """[[sops]]: a series of prompts that starts when a customer enters `stage` or when `on` happens.

    `again`: whether one who has had it may have it again: always, never, or so long after the last time ("30d").
    `audience` limits it to some customers, whatever starts it; "group" is for group chats, whose owner is prompted.
    By `channel` group-send the agent confirms one mass message to all whose step is due in the same hour; a step that
    names the customer goes by card all the same.
    Of two SOPs that want the same customer on a full day the one of the higher `priority` (1..9) goes first.
    One that is not `enabled` takes nobody in; who is on it already goes on. One in the `shadow`
    takes nobody in either: it is noted with whom it would have begun.
    """

    id: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")
    title: str | None = Field(default=None, max_length=60)
    enabled: bool = True
    shadow: bool = False
    stage: str | None = None
    on: str | None = None
    stop: tuple[str, ...] = ("reply", "left", "lost")
    owner: Literal["follow", "last-talked"] = "follow"
    channel: Literal["card", "group-send"] = "card"
    audience: Audience | Literal["group"] = Audience()
    cap: str = Field(default="1/day", pattern=RATE)
    priority: int = Field(default=5, ge=1, le=9)
    again: Annotated[Length | Literal["always", "never"], BeforeValidator(_again)] = "always"
    steps: tuple[Step, ...] = Field(min_length=1, max_length=100)

    @property
    def for_groups(self) -> bool:
        """Whether it is for group chats, and not for customers."""
        return self.audience == "group"

    def wants(self, tags: Collection[str], stages: Collection[str]) -> bool:
        """Whether a customer with these tags, who stands in these stages, may be on it."""
        return isinstance(self.audience, Audience) and self.audience.holds(tags, stages)

    @model_validator(mode="after")
    def _only_customers_in_the_shadow(self) -> Sop:
        if self.shadow and self.for_groups:
            raise ValueError("给群聊的跟进不能先试听，请去掉 shadow")
        return self

    @model_validator(mode="after")
    def _one_start(self) -> Sop:
        if (self.stage is None) == (self.on is None):
            raise ValueError('SOP 由 stage = "阶段名" 或 on = "@added" 之一启动，二者写且只写一个')
        return self
