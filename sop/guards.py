"""Guards: what a rule needs before it may move a customer's card into a stage, and how long a person's move holds."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sop.pipeline import Pipeline, Stage
from sop.translatable import Translatable

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Facts:
    """What guards ask about a customer at `now`. Instants are aware; score is that of conversion.

    known, unknown: the fields with and without a value, by all their names; profile: how much of what the pipeline
    wants is known, in percent.
    """

    now: datetime
    tags: Collection[str] = ()
    score: int = 0
    entered_at: datetime | None = None
    moved_by_person_at: datetime | None = None
    known: Collection[str] = ()
    unknown: Collection[str] = ()
    profile: int = 100


def why_guarded(pipeline: Pipeline, here: Stage | None, to: Stage, facts: Facts) -> str | None:
    """Say (for people) what keeps rules from bringing the card into `to`; None when nothing does."""
    until = held_until(pipeline, facts)
    if until > facts.now:
        return Translatable("员工刚移动过，{length}内规则不改动", length=_length(until - facts.now))
    tags = [n for n in to.needs if not any(n in held for held in (facts.tags, facts.known, facts.unknown))]
    if tags:
        return Translatable("进入「{name}」还缺标签{tags}", name=to.name, tags=_quoted(tags))
    missing = [name for name in to.needs if name in facts.unknown and name not in facts.tags]
    if missing:
        return Translatable("进入「{name}」还不知道客户的{names}", name=to.name, names=_quoted(missing))
    if to.min_profile is not None and facts.profile < to.min_profile:
        return Translatable(
            "进入「{name}」要资料完整度 {least}%，现在 {profile}%",
            name=to.name,
            least=to.min_profile,
            profile=facts.profile,
        )
    if to.min_score is not None and facts.score < to.min_score:
        return Translatable(
            "进入「{name}」要 {min_score} 分，现在 {score} 分",
            name=to.name,
            min_score=to.min_score,
            score=facts.score,
        )
    stayed = _stayed(facts)
    if here is not None and stayed is not None and stayed < to.min_stay:
        left = to.min_stay - stayed
        return Translatable(
            "在「{name}」还没待够，再过 {length}才能进入「{to}」",
            name=here.name,
            length=_length(left),
            to=to.name,
        )
    return None


def still_asked(to: Stage, unknown: Collection[str]) -> str | None:
    """Say (for a person who moves the card) which of the fields that the stage needs they still have to ask for.

    unknown: the fields without a value, by all their names; what else a stage needs binds rules alone.
    """
    missing = [name for name in to.needs if name in unknown]
    if not missing:
        return None
    return Translatable(
        "移到「{name}」之前，还要知道客户的{names}。问到后填在客户页的「资料」里，再移就可以了",
        name=to.name,
        names=_quoted(missing),
    )


def _quoted(names: Collection[str]) -> list[str]:
    return [Translatable("「{name}」", name=name) for name in names]


def _stayed(facts: Facts) -> timedelta | None:
    """How long the card has been in its stage; zero where the clock was set back after it came."""
    return None if facts.entered_at is None else max(facts.now - facts.entered_at, timedelta(0))


def held_until(pipeline: Pipeline, facts: Facts) -> datetime:
    """Say until when a person's move holds against rules and the clock (long ago, if nobody moved the card)."""
    return _LONG_AGO if facts.moved_by_person_at is None else facts.moved_by_person_at + pipeline.hold


def _length(span: timedelta) -> str:
    minutes = -(-span // timedelta(minutes=1))
    if minutes < 60:
        return Translatable("{n} 分钟", n=minutes)
    hours = -(-minutes // 60)
    return Translatable("{n} 小时", n=hours) if hours < 48 else Translatable("{n} 天", n=-(-hours // 24))
