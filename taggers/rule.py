"""The tables of config.toml that say what is noticed: [text], [[synonyms]], [[tags]] and [[rules]]."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

_DURATION = re.compile(r"(\d{1,6})\s*([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def parse_duration(value: object) -> timedelta:
    """Turn "30m", "24h" or "7d" into a timedelta; raises ValueError with the accepted forms."""
    if isinstance(value, timedelta):
        return value
    matched = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    if matched is None:
        raise ValueError('write a length of time as a number and a unit: "30m", "24h", "7d" or "2w"')
    return timedelta(**{_UNITS[matched[2]]: int(matched[1])})


Duration = Annotated[timedelta, BeforeValidator(parse_duration)]
Words = tuple[Annotated[str, Field(min_length=1, max_length=64)], ...]


class Table(BaseModel):
    """A frozen table of config.toml; a key it does not know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class TextTable(Table):
    """[text]: words added to this rule book's own jieba dictionary."""

    words: Words = ()


class Synonym(Table):
    """[[synonyms]]: a named set of words; rules refer to it as @name, other sets may too."""

    name: str = Field(min_length=1, max_length=32)
    words: Words = Field(min_length=1)


class TagGroup(Table):
    """[[tags]]: a named group of tags; of an exclusive group a customer carries one at a time."""

    group: str = Field(min_length=1, max_length=30)
    exclusive: bool = False
    names: Words = Field(min_length=1)


class Near(Table):
    """Words that must all stand within so many characters of each other, in any order."""

    words: Words = Field(min_length=2)
    within: int = Field(default=6, ge=1, le=200)


class Examples(Table):
    """Sentences checked at every load: a rule that fails its own examples is refused."""

    hit: tuple[str, ...] = ()
    miss: tuple[str, ...] = ()


class Score(Table):
    """Points a hit adds to the customer's ledgers."""

    activity: int = Field(default=0, ge=-1000, le=1000)
    conversion: int = Field(default=0, ge=-1000, le=1000)


class Rule(Table):
    """[[rules]]: when a message (or an occurrence) earns the customer a tag."""

    id: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")
    tag: str = Field(min_length=1, max_length=30)
    any: Words = ()
    all: Words = ()
    none: Words = ()
    near: Near | None = None
    regex: str | None = Field(default=None, max_length=500)
    match: Literal["word", "text"] = "word"
    negated: Literal["skip", "match", "only"] = "skip"
    question: Literal["any", "only", "never"] = "any"
    sound: bool = False
    from_: Literal["customer", "agent", "both"] = Field(default="customer", alias="from")
    times: int = Field(default=1, ge=1, le=1000)
    within: Duration | None = None
    expires: Duration | None = None
    score: Score = Score()
    reply: str | None = Field(default=None, max_length=2000)
    examples: Examples = Examples()
