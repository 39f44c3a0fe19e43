"""Config tables for SOPs: workspace, welcome, completion, budget, pipelines and sops."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import date, time, timedelta
from functools import cached_property
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from sop.attachments import Attachment
from sop.lengths import read_length
from sop.translatable import Translatable

FIELD_NAME = r"^[a-z\u4e00-\u9fff][a-z0-9_\u4e00-\u9fff]{0,29}$"
RATE = r"^[1-9]\d?/(day|week)$"
_HOURS = re.compile(r"(\d{1,2}:\d{2})\s*-\s*(\d{1,2}:\d{2})")


def parse_length(value: object) -> timedelta:
    """Turn "30m", "24h", "7d" or "30天" into a timedelta; raises ValueError with the accepted forms."""
    if isinstance(value, timedelta):
        return value
    length = read_length(value) if isinstance(value, str) else None
    if length is None:
        raise ValueError('时长写作数字加单位，例如 "30m"、"24h"、"7d"、"2w"，或者 "30分钟"、"2小时"、"7天"、"一周"')
    return length


def _clock(value: object) -> time:
    if isinstance(value, time):
        return value
    try:
        hour, minute = str(value).split(":")
        return time(int(hour), int(minute))
    except ValueError:
        raise ValueError('时刻写作 "10:00"') from None


def _hours(value: object) -> object:
    if not isinstance(value, str):
        return value
    found = _HOURS.fullmatch(value.strip())
    if found is None:
        raise ValueError('时段写作 "09:00-21:00"')
    return Hours(start=_clock(found[1]), end=_clock(found[2]))


def _again(value: object) -> object:
    return value if value in ("always", "never") else parse_length(value)


Length = Annotated[timedelta, BeforeValidator(parse_length)]
Clock = Annotated[time, BeforeValidator(_clock)]


class Table(BaseModel):
    """A frozen table of config.toml; a key it does not know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Hours(Table):
    """A span of the day; an end before the start runs over midnight (quiet hours 22:00-08:00)."""

    start: Clock
    end: Clock

    def holds(self, clock: time) -> bool:
        """Whether a time of day lies in the span; the start does, the end does not."""
        if self.start < self.end:
            return self.start <= clock < self.end
        return clock >= self.start or clock < self.end

    def __str__(self) -> str:
        return f"{self.start:%H:%M}-{self.end:%H:%M}"


class Workspace(Table):
    """[workspace]: whose company this is and when its people work.

    `workdays`: china = statutory holidays and make-up days; festivals = every day save statutory holidays
    (weekends are worked); mon-fri; everyday. `holidays` and `extra_workdays` override it day by day.
    In `quiet_hours` ("22:00-08:00") nobody is prompted at all, not even by an `anytime` step. `materials` is the
    folder of pictures and files to send along, seen from where config.toml lies.

    Where `silent_since` is given, customers who never said a word are silent too: since they were added, or since
    that day. Each SOP and rule that waits for a silence takes up at most `silent_ramp` of them a day.

    weekly_summary: whether leaders get a card with their team's figures on the first working day of a week.

    pilot: where it is given, everything is judged, and only the customers of these agents are prompted and marked.
    """

    name: str = Field(default="我的企业", max_length=60)
    timezone: str = "Asia/Shanghai"
    work_hours: Annotated[Hours, BeforeValidator(_hours)] = Hours(start=time(9), end=time(21))
    quiet_hours: Annotated[Hours | None, BeforeValidator(_hours)] = None
    workdays: Literal["china", "festivals", "mon-fri", "everyday"] = "china"
    holidays: tuple[date, ...] = Field(default=(), max_length=366)
    extra_workdays: tuple[date, ...] = Field(default=(), max_length=366)
    materials: str = Field(default="materials", min_length=1, max_length=200)
    silent_since: date | None = None
    silent_ramp: int = Field(default=200, ge=1, le=100_000)
    weekly_summary: bool = True
    pilot: tuple[Annotated[str, Field(min_length=1, max_length=64)], ...] | None = Field(
        default=None, max_length=1000
    )

    @field_validator("materials")
    @classmethod
    def _below(cls, folder: str) -> str:
        parts = folder.replace("\\", "/").split("/")
        if "\0" in folder or parts[0] in ("", "~") or ".." in parts or not set(parts) - {"."}:
            raise ValueError("素材文件夹要写成相对于配置文件的下级文件夹，例如 materials（不能用 .. 或绝对路径）")
        return folder

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(Translatable('没有时区 "{name}"，可写例如 "Asia/Shanghai"', name=name)) from None
        return name


class Welcome(Table):
    """[welcome]: what WeCom sends a customer within 20 seconds of being added."""

    say: str = Field(min_length=1, max_length=1300)
    attach: tuple[Attachment, ...] = Field(default=(), max_length=9)


class Completion(Table):
    """[completion]: how near an agent's text must be to the planned one (similarity 0..1) to count."""

    exact: float = Field(default=0.97, gt=0, le=1)
    edited: float = Field(default=0.6, gt=0, le=1)
    look_back: Length = timedelta(days=3)
    late_after: Length = timedelta(hours=24)

    @model_validator(mode="after")
    def _ordered(self) -> Completion:
        if self.edited > self.exact:
            raise ValueError("edited（改写）不能高于 exact（原文）")
        return self


class Budget(Table):
    """[budget]: how much reaches one customer and one agent, whatever SOP or sender it comes from.

    `customer` counts the talks we open with them: prompts sent, and agents' words not within `talk_hold` of the word
    before; for so long after a word the agent is taken to be still talking with them. An agent gets one card per
    `agent_gap`; more wait and come together. `digest_at` is when they get the list of the day. Prompts that a time of
    day (and not the customer's own moment) makes due for many at once are spread over `spread`.
    """

    customer: str = Field(default="2/day", pattern=RATE)
    talk_hold: Length = timedelta(minutes=10)
    agent_gap: Length = timedelta(minutes=30)
    digest_at: Clock = time(9)
    spread: Length = Field(default=timedelta(0), le=timedelta(hours=4))


class Overdue(Table):
    """[overdue]: what happens about a prompt that the agent does not follow; a length of 0 switches it off.

    `leaders` (userids) are told where WeCom names no direct leader of the agent.
    """

    remind_after: Length = timedelta(hours=2)
    reminders: int = Field(default=2, ge=0, le=10)
    leader_after: Length = timedelta(0)
    leaders: tuple[str, ...] = Field(default=(), max_length=20)


class FieldDefinition(Table):
    """[[fields]]: a fact about customers beyond what WeCom knows; {customer.name-of-it} in texts.

    A date may start SOPs (`on = "date:birthday-3d"`): every year where `yearly` (birthdays are), else once. A choice
    is one of `choices`. A date or month heard without its year is the next one, or the last one where it has `past`.
    """

    name: str = Field(pattern=FIELD_NAME)
    title: str = Field(default="", max_length=30)
    kind: Literal["text", "date", "month", "age", "money", "phone", "count", "choice"] = "text"
    choices: tuple[str, ...] = Field(default=(), max_length=100)
    yearly: bool = False
    past: bool = False


BIRTHDAY = FieldDefinition(name="birthday", title="生日", kind="date", yearly=True)
EXPIRY = FieldDefinition(name="expiry", title="到期日", kind="date")


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


class Sync(Table):
    """[sync]: who is right where the board and the tags in WeCom differ.

    newest: the later change; ours: the board; wecom: the phone. `reconcile_at` is when, once a day, everything is
    compared.
    """

    policy: Literal["newest", "ours", "wecom"] = "newest"
    reconcile_at: Clock = time(3, 30)


class Alarms(Table):
    """[alarms]: who (userids) is told by an app message of what a person must mend, once a day while it lasts.

    digest: send them once a day where the log of actions ends, signed, so that it cannot be cut or altered unseen.
    """

    agents: tuple[str, ...] = Field(default=(), max_length=20)
    digest: bool = False


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
