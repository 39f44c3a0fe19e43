"""What the config tables of this room are made of: a frozen table, lengths, times of day, spans of it."""

from __future__ import annotations

import re
from datetime import time, timedelta
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict

from sop.lengths import read_length

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


def read_hours(value: object) -> object:
    """Turn "09:00-21:00" into a span; raises ValueError with the accepted form."""
    if not isinstance(value, str):
        return value
    found = _HOURS.fullmatch(value.strip())
    if found is None:
        raise ValueError('时段写作 "09:00-21:00"')
    return Hours(start=_clock(found[1]), end=_clock(found[2]))


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
