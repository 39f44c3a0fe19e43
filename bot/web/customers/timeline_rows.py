"""A customer's timeline: moves on the board, tags given and taken, SOPs begun and ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.platform.models import SopEnrolment, StageMove, Tagging
from bot.web.layout.actors import actor_names

PAGE = 30
_SAYS_ENOUGH = ("drag", "api", "undo")  # beside who did it; what is stored as the reason repeats both


@dataclass(frozen=True)
class TimelineEntry:
    """Something that happened. kind: move | tag | untag | sop | sop-end.

    code: the move's cause or who gave the tag, as stored; who: a person's name, if it was one; undo: the move's id
    where it is the newest of its pipeline.
    """

    at: datetime
    kind: str
    name: str
    before: str = ""
    code: str = ""
    why: str = ""
    who: str = ""
    undo: int | None = None


@dataclass(frozen=True)
class Timeline:
    """Entries, newest first; `earlier` is the moment to ask for what came before, or None."""

    entries: tuple[TimelineEntry, ...]
    earlier: datetime | None


def read_timeline(
    session: Session, customer_id: int, sops: Mapping[str, str], before: datetime | None = None, limit: int = PAGE
) -> Timeline:
    """The newest entries (those before a moment). sops: titles by id. Six queries, each by the customer's index."""
    found = [
        *_moves(session, customer_id, before, limit),
        *_tags(session, customer_id, before, limit),
        *_sops(session, customer_id, sops, before, limit),
    ]
    found.sort(key=lambda entry: entry.at, reverse=True)
    shown = found[:limit]
    if len(found) > limit:  # what happened at one moment stays together
        shown += [entry for entry in found[limit:] if entry.at == shown[-1].at]
    return Timeline(tuple(shown), shown[-1].at if len(found) > len(shown) else None)


def _moves(session: Session, customer_id: int, before: datetime | None, limit: int) -> list[TimelineEntry]:
    query = select(StageMove).where(StageMove.customer_id == customer_id)
    if before is not None:
        query = query.where(StageMove.moved_at < before)
    rows = session.scalars(query.order_by(StageMove.moved_at.desc(), StageMove.id.desc()).limit(limit + 1)).all()
    names = actor_names(session, [row.actor for row in rows])
    newest: dict[str, StageMove] = {}
    for row in rows if before is None else ():
        newest.setdefault(row.pipeline, row)
    return [
        TimelineEntry(
            row.moved_at, "move", row.to_stage, row.from_stage or "", row.cause,
            "" if row.cause in _SAYS_ENOUGH else row.evidence or ("" if row.trigger == row.to_stage else row.trigger),
            names.get(row.actor, ""),
            row.id if newest.get(row.pipeline) is row and row.from_stage else None,
        )
        for row in rows
    ]  # fmt: skip


def _tags(session: Session, customer_id: int, before: datetime | None, limit: int) -> list[TimelineEntry]:
    mine = select(Tagging).where(Tagging.customer_id == customer_id)
    given, gone = mine, mine.where(Tagging.removed_at.is_not(None))
    if before is not None:
        given, gone = given.where(Tagging.tagged_at < before), gone.where(Tagging.removed_at < before)
    came = session.scalars(given.order_by(Tagging.tagged_at.desc()).limit(limit + 1))
    went = session.scalars(gone.order_by(Tagging.removed_at.desc()).limit(limit + 1))
    return [
        *(TimelineEntry(row.tagged_at, "tag", row.tag, code=row.by, why=row.reason) for row in came),
        *(
            TimelineEntry(row.removed_at, "untag", row.tag, why=row.removed_because or "")
            for row in went
            if row.removed_at
        ),
    ]


def _sops(
    session: Session, customer_id: int, titles: Mapping[str, str], before: datetime | None, limit: int
) -> list[TimelineEntry]:
    mine = select(SopEnrolment).where(SopEnrolment.customer_id == customer_id)
    begun, over = mine, mine.where(SopEnrolment.ended_at.is_not(None))
    if before is not None:
        begun, over = begun.where(SopEnrolment.enrolled_at < before), over.where(SopEnrolment.ended_at < before)
    started = session.scalars(begun.order_by(SopEnrolment.enrolled_at.desc()).limit(limit + 1))
    ended = session.scalars(over.order_by(SopEnrolment.ended_at.desc()).limit(limit + 1))
    return [
        *(TimelineEntry(row.enrolled_at, "sop", titles.get(row.sop_id, row.sop_id)) for row in started),
        *(
            TimelineEntry(row.ended_at, "sop-end", titles.get(row.sop_id, row.sop_id), why=row.ended_because or "")
            for row in ended
            if row.ended_at
        ),
    ]
