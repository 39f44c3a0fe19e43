"""The tables of config.toml that say what follows: [workspace], [welcome], [completion], [[pipelines]], [[sops]]."""

from __future__ import annotations

import re
from datetime import date, time, timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

_LENGTH = re.compile(r"(\d{1,6})\s*([smhdw])")
_UNIT = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_HOURS = re.compile(r"(\d{1,2}:\d{2})\s*-\s*(\d{1,2}:\d{2})")


def _length(value: object) -> timedelta:
    if isinstance(value, timedelta):
        return value
    found = _LENGTH.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        raise ValueError('write a length of time as a number and a unit: "30m", "24h", "7d" or "2w"')
    return timedelta(seconds=int(found[1]) * _UNIT[found[2]])


def _clock(value: object) -> time:
    if isinstance(value, time):
        return value
    try:
        hour, minute = str(value).split(":")
        return time(int(hour), int(minute))
    except ValueError:
        raise ValueError('write a time of day as "10:00"') from None


def _hours(value: object) -> object:
    if not isinstance(value, str):
        return value
    found = _HOURS.fullmatch(value.strip())
    if found is None:
        raise ValueError('write hours as "09:00-21:00"')
    return Hours(start=_clock(found[1]), end=_clock(found[2]))


Length = Annotated[timedelta, BeforeValidator(_length)]
Clock = Annotated[time, BeforeValidator(_clock)]


class Table(BaseModel):
    """A frozen table of config.toml; a key it does not know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Hours(Table):
    """A span of the day; an end before the start runs over midnight (quiet hours 22:00-08:00)."""

    start: Clock
    end: Clock


class Workspace(Table):
    """[workspace]: whose company this is and when its people work."""

    name: str = Field(default="我的企业", max_length=60)
    timezone: str = "Asia/Shanghai"
    work_hours: Annotated[Hours, BeforeValidator(_hours)] = Hours(start=time(9), end=time(21))
    workdays: Literal["china", "mon-fri", "everyday"] = "china"
    holidays: tuple[date, ...] = ()
    extra_workdays: tuple[date, ...] = ()

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f'no time zone "{name}"; use a name such as "Asia/Shanghai"') from None
        return name


class Attachment(Table):
    """Something sent along with a text; a link today."""

    kind: Literal["link"]
    title: str = Field(min_length=1, max_length=64)
    url: str = Field(pattern=r"^https?://\S{1,2040}$")


class Welcome(Table):
    """[welcome]: what WeCom sends a customer within 20 seconds of being added."""

    say: str = Field(min_length=1, max_length=1300)
    attach: tuple[Attachment, ...] = Field(default=(), max_length=9)


class Completion(Table):
    """[completion]: how near an agent's text must be to the planned one (similarity 0..1) to count."""

    exact: float = Field(default=0.97, gt=0, le=1)
    edited: float = Field(default=0.6, gt=0, le=1)
    look_back: Length = timedelta(days=3)

    @model_validator(mode="after")
    def _ordered(self) -> Completion:
        if self.edited > self.exact:
            raise ValueError("edited must not be above exact")
        return self


class Stage(Table):
    """One column of the board. `on` lists what brings a customer in: tag names and @events."""

    name: str = Field(min_length=1, max_length=30)
    on: tuple[str, ...] | None = None
    won: bool = False
    lost: bool = False

    @property
    def entered_by(self) -> tuple[str, ...]:
        """The tags and @events that enter the stage: `on`, or the tag of the stage's own name."""
        return (self.name,) if self.on is None else self.on


class TimedMove(Table):
    """[[pipelines.moves]]: without a word from the customer for `after`, the card moves on."""

    from_: str = Field(alias="from")
    to: str
    after: Length


class Pipeline(Table):
    """[[pipelines]]: a lifecycle as ordered stages; in WeCom an exclusive tag group of the same name."""

    name: str = Field(min_length=1, max_length=30)
    back: Literal["human", "anyone"] = "human"
    stages: tuple[Stage, ...] = Field(min_length=1, max_length=50)
    moves: tuple[TimedMove, ...] = ()


class Step(Table):
    """[[sops.steps]]: one prompt: when (counted from enrolment), what to say, and how an answer counts."""

    after: Length = timedelta(0)
    at: Clock | None = None
    say: Annotated[tuple[str, ...], BeforeValidator(lambda v: (v,) if isinstance(v, str) else v)] = Field(
        min_length=1, max_length=10
    )
    attach: tuple[Attachment, ...] = Field(default=(), max_length=9)
    reply_window: Length = timedelta(hours=24)
    on_reply: str | None = None
    on_silence: str | None = None


class Sop(Table):
    """[[sops]]: an ordered series of prompts that starts when a customer enters `stage` or when `on` happens."""

    id: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")
    title: str | None = Field(default=None, max_length=60)
    stage: str | None = None
    on: str | None = None
    stop: tuple[str, ...] = ("reply", "left", "lost")
    owner: Literal["follow", "last-talked"] = "follow"
    channel: Literal["card"] = "card"
    cap: str = Field(default="1/day", pattern=r"^[1-9]\d?/(day|week)$")
    steps: tuple[Step, ...] = Field(min_length=1, max_length=100)

    @model_validator(mode="after")
    def _one_start(self) -> Sop:
        if (self.stage is None) == (self.on is None):
            raise ValueError('an SOP starts by one of `stage = "…"` and `on = "@added"`; give exactly one')
        return self
