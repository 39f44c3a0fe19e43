"""The reply clock: since which message a customer waits for an answer, and when whom that is told.

The clock is a function of the conversation as it was held. Messages come late, twice, in another order or are
revoked: `wait_of` sorts them by when they were sent, and `advance` says when it has to be asked again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from pydantic import Field

from sop.pipeline import Pipeline
from sop.tables import Length, Table
from sop.translatable import Translatable
from sop.workcalendar import Workcalendar
from sop.working_time import when_worked

Said = Literal["asked", "other", "answer"]
"""What a message is to the clock: one that wants an answer, one that does not, an answer of a person on our side.

Automatic welcomes and mass messages are no answers: they are "other".
"""

HALF_HOUR = timedelta(minutes=30)


class Waiting(Table):
    """[[waiting]]: after how much working time without an answer the agent, and their leader, are told.

    The most exact table counts: that of the stage, that of the pipeline, the one that names neither. A length of 0
    switches its reminder off. group_after: when the owner of a group is told of a question there; for groups the
    table counts that names neither.
    """

    pipeline: str | None = Field(default=None, min_length=1, max_length=30)
    stage: str | None = Field(default=None, min_length=1, max_length=30)
    remind_after: Length = timedelta(minutes=10)
    leader_after: Length = timedelta(minutes=30)
    group_after: Length = timedelta(minutes=15)


Point = tuple[datetime, str]


@dataclass(frozen=True, slots=True, order=True)
class Word:
    """A message of one conversation as the clock sees it, in the order in which it was sent."""

    at: datetime
    msgid: str
    said: Said = "other"


@dataclass(frozen=True, slots=True)
class Wait:
    """The clock of one conversation: the first and the last message that wait for an answer, and the last answer.

    Each is (when, msgid), or None where there is none.
    """

    first: Point | None = None
    last: Point | None = None
    answered: Point | None = None

    @property
    def since(self) -> datetime | None:
        """Since when the customer waits; None where nobody does."""
        return None if self.first is None else self.first[0]


IDLE = Wait()


def wait_of(words: Iterable[Word]) -> Wait:
    """Read the clock off a whole conversation, whatever the order in which its messages are given."""
    wait = IDLE
    for word in sorted(set(words)):
        wait = advance(wait, word) or wait
    return wait


def advance(wait: Wait, word: Word) -> Wait | None:
    """Move the clock by one message that came in any order, once or twice.

    None where only the whole conversation can tell: an answer that came late, between two questions.
    """
    point = (word.at, word.msgid)
    if word.said == "other" or (wait.answered is not None and point <= wait.answered):
        return wait
    if word.said == "asked":
        first = point if wait.first is None else min(wait.first, point)
        last = point if wait.last is None else max(wait.last, point)
        return Wait(first, last, wait.answered)
    if wait.first is None or wait.last is None or point > wait.last:
        return Wait(None, None, point)
    return replace(wait, answered=point) if point < wait.first else None


def forget(wait: Wait, word: Word) -> Wait | None:
    """Take back a message that was revoked; None where only the rest of the conversation can tell."""
    point = (word.at, word.msgid)
    if word.said == "other" or (wait.answered is not None and point < wait.answered):
        return wait
    if word.said == "asked" and wait.first == wait.last == point:
        return Wait(None, None, wait.answered)
    return None


@dataclass(frozen=True, slots=True)
class Asked:
    """A question of the report: when the customer began to wait, when they were answered (None: never), and by "
    "whom."""

    at: datetime
    answered: datetime | None
    by: str
    first: bool


def answers(words: Sequence[tuple[Word, str]]) -> tuple[Asked, ...]:
    """Every wait of a conversation, from its words with who said each; the first one is marked."""
    found: list[Asked] = []
    since: datetime | None = None
    for word, by in sorted(set(words)):
        if word.said == "asked" and since is None:
            since = word.at
        elif word.said == "answer" and since is not None:
            found.append(Asked(since, word.at, by, not found))
            since = None
    if since is not None:
        found.append(Asked(since, None, "", not found))
    return tuple(found)


def threshold(tables: Sequence[Waiting], stages: Iterable[tuple[str, str]]) -> Waiting | None:
    """The table that counts for a customer who stands in these (pipeline, stage): the most exact, of several "
    "the quickest."""
    where = set(stages)
    fitting = [table for table in tables if _fits(table, where)]
    return min(fitting, key=lambda table: (-_exact(table), table.remind_after), default=None)


def check_waiting(
    tables: Sequence[Waiting], pipelines: Sequence[Pipeline]
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Give every table that names a pipeline or a stage that is not there, with its place."""
    for at, table in enumerate(tables):
        named = [one for one in pipelines if table.pipeline in (None, one.name)]
        if not named:
            yield ("waiting", at, "pipeline"), Translatable("没有叫「{name}」的流程", name=table.pipeline)
        elif table.stage is not None and not any(one.stage(table.stage) for one in named):
            yield ("waiting", at, "stage"), Translatable("没有叫「{name}」的阶段", name=table.stage)


def _fits(table: Waiting, where: set[tuple[str, str]]) -> bool:
    if table.pipeline is None and table.stage is None:
        return True
    return any(table.pipeline in (None, pipeline) and table.stage in (None, stage) for pipeline, stage in where)


def _exact(table: Waiting) -> int:
    return 2 * (table.stage is not None) + (table.pipeline is not None)


@dataclass(frozen=True, slots=True)
class Alarm:
    """When the agent, and when their leader, is to be told; None: not at all."""

    agent: datetime | None
    leader: datetime | None


def alarms(since: datetime, table: Waiting, calendar: Workcalendar) -> Alarm:
    """Say when who is told of a customer who waits since then, out of quiet hours."""
    return Alarm(
        _after(since, table.remind_after, calendar),
        _after(since, table.leader_after, calendar),
    )


def alarm_in_group(since: datetime, table: Waiting, calendar: Workcalendar) -> datetime | None:
    """Say when the owner of a group is told of a question that waits there since then; None: not at all."""
    return _after(since, table.group_after, calendar)


def _after(since: datetime, length: timedelta, calendar: Workcalendar) -> datetime | None:
    if not length:
        return None
    at = when_worked(calendar, since, length)
    hops = calendar.quiet_shifts(at)
    return hops[-1].to if hops else at


def may_remind(last: datetime | None, now: datetime) -> bool:
    """Whether a person may be reminded again: once a half hour, however many customers wait."""
    return last is None or now - last >= HALF_HOUR
