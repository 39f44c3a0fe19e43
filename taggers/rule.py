"""Config tables for tagging: [text], [[synonyms]], [[tags]] and [[rules]]."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from taggers.amount import Amounts, read_amounts
from taggers.lengths import read_length
from taggers.utterance import Scope


def parse_duration(value: object) -> timedelta:
    """Turn "30m", "24h", "7d" or "30天" into a timedelta; raises ValueError with the accepted forms."""
    if isinstance(value, timedelta):
        return value
    length = read_length(value) if isinstance(value, str) else None
    if length is None:
        raise ValueError('时长写成数字加单位，例如 "30m"、"24h"、"3d"、"2w"，或者 "30分钟"、"2小时"、"3天"、"一周"')
    return length


Duration = Annotated[timedelta, BeforeValidator(parse_duration)]
Words = tuple[Annotated[str, Field(min_length=1, max_length=64)], ...]


Amount = Annotated[Amounts, BeforeValidator(read_amounts)]
Triggers = tuple[Annotated[str, Field(min_length=1, max_length=100)], ...]


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
    """[[tags]]: a named group of tags; of an exclusive group a customer carries one at a time.

    phone: every agent sees these tags on the customer in WeCom, kept like those of stages; a tag that an agent takes
    off by hand goes everywhere.
    """

    group: str = Field(min_length=1, max_length=30)
    exclusive: bool = False
    phone: bool = False
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


class Condition(Table):
    """[rules.when] / [rules.unless]: what must, or must not, be true of the customer at that moment.

    Of `when` every key that is given must hold, of `unless` one that holds is enough to keep the rule off; within a
    key one of its values is enough. A stage is written "考虑价格" or, where two
    pipelines have one of that name, "课程转化/考虑价格". `hours` is local time, "09:00-18:00", and may pass midnight.
    `fields` are known facts (by name or title); `profile` is how much of what their pipelines need is known, at
    least, in percent.
    """

    tags: Words = ()
    stages: Words = ()
    pipelines: Words = ()
    channels: Words = ()
    fields: Words = ()
    profile: int | None = Field(default=None, ge=0, le=100)
    hours: str | None = Field(default=None, pattern=r"^([01]\d|2[0-3]):00-([01]\d|2[0-4]):00$")


class Rule(Table):
    """[[rules]]: when a message (or an occurrence) earns the customer a tag, fills a field of theirs, or both.

    `field` names one of [[fields]]: its value is read out of the sentence that hits (taggers.facts), or is what the
    named group of `regex` holds.

    A rule about words hits when every condition it gives holds in one part of the message: one of `any`, each of
    `all`, `near`, one of `amount`, `regex`, and nothing of `none`. @name stands for a synonym set wherever a word
    may stand. `amount` is money, in yuan, however it is written: [9.9, 199] or { from = 100, to = 300 }.

    `scope` says which parts of a message are read: what was typed and the text beside a picture (mixed), unless told
    otherwise. Quotes, forwarded chat records, link cards, notices and file names are there to be chosen.

    `in` says in which talks it listens: single, group or both. Without it both are heard, but what is said in a group
    moves no card.

    A rule of `kind` conduct hears what agents say to customers (`from` agent) and leads to a leader's list
    (taggers.conduct), where it is called by its `title`. It gives no tag and fills no field, and nothing follows
    for the customer.

    A rule in the `shadow` is tried on what really comes in: its hits are kept, counted and judged by people, and
    nothing follows from them.

    A rule about behaviour gives `on` instead of words. It hits when one of these occurs:

        "@added" "@deleted" "@joined" "@left"     the customer was added, deleted the agent, joined or left a group
        "@added:门店二维码"                        ... by this channel (the `state` of the contact way)
        "@first-message"                          the first message ever
        "@night" "@night:22-6"                    a message between these local hours (23-6 unless told)
        "kind:image" "kind:voice" ...             a message of this kind (as in the archive: file, location, ...)
        "link:opened" "link:opened:报价单"         a tracked link was opened (any, or this one)
        "reply:price-nurture"  "reply:price-nurture/2"   answered this SOP (its 2nd step) within the window
        "no-reply:price-nurture/2"                let the window of that step pass
        "silence:3d"                              said nothing for so long
    """

    id: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")
    kind: Literal["tag", "conduct"] = "tag"
    title: str = Field(default="", max_length=30)
    tag: str = Field(default="", max_length=30)
    field: str = Field(default="", max_length=30)
    any: Words = ()
    all: Words = ()
    none: Words = ()
    near: Near | None = None
    amount: Amount | None = None
    regex: str | None = Field(default=None, max_length=500)
    on: Triggers = ()
    scope: tuple[Scope, ...] = Field(default=("typed", "mixed"), min_length=1)
    when: Condition = Condition()
    unless: Condition = Condition()
    match: Literal["word", "text"] = "word"
    negated: Literal["skip", "match", "only"] = "skip"
    question: Literal["any", "only", "never"] = "any"
    sound: bool = False
    from_: Literal["customer", "agent", "both"] = Field(default="customer", alias="from")
    in_: Literal["single", "group", "both"] | None = Field(default=None, alias="in")
    times: int = Field(default=1, ge=1, le=1000)
    within: Duration | None = None
    expires: Duration | None = None
    score: Score = Score()
    reply: str | None = Field(default=None, max_length=2000)
    shadow: bool = False
    examples: Examples = Examples()
