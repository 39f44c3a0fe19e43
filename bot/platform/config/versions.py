"""Config versions: which came into force when, by whom, and what each changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import SequenceMatcher

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.platform.database.store import insert_new
from bot.platform.models import ConfigChange, ConfigVersion

AROUND = 3  # unchanged lines that are shown around a change


def newest_change(session: Session) -> ConfigChange | None:
    """The latest change, or None."""
    return session.scalar(select(ConfigChange).order_by(ConfigChange.id.desc()).limit(1))


def record_change(session: Session, version: str, author: str, what: str, now: datetime) -> bool:
    """Record that a version comes into force after the newest one; False where another process was first.

    Several processes notice one edited file: each inserts a row with the same `follows`, which is unique.
    """
    newest = newest_change(session)
    if newest is not None and newest.version == version:
        return False
    row = {"follows": newest.id if newest else 0, "version": version, "author": author, "what": what[:200], "at": now}
    return insert_new(session, ConfigChange, [row], ["follows"]) == 1


def changes_before(session: Session, before: int | None, limit: int) -> Sequence[ConfigChange]:
    """Changes, newest first, or those before the one with this id."""
    query = select(ConfigChange).order_by(ConfigChange.id.desc()).limit(limit)
    return session.scalars(query if before is None else query.where(ConfigChange.id < before)).all()


def version_text(session: Session, version: str) -> str | None:
    """The whole text of a version, or None where it was never in force."""
    return session.scalar(select(ConfigVersion.text).where(ConfigVersion.version == version))


@dataclass(frozen=True)
class DiffLine:
    """A line of a diff. kind: same | gone | new | gap (unchanged lines left out); numbers count from 1."""

    kind: str
    text: str
    before: int | None = None
    after: int | None = None


def compare(before: str, after: str, around: int = AROUND) -> tuple[DiffLine, ...]:
    """The diff from `before` to `after`; empty where they are equal."""
    old, new = before.splitlines(), after.splitlines()
    found: list[DiffLine] = []
    groups = SequenceMatcher(None, old, new, autojunk=False).get_grouped_opcodes(around)
    for number, group in enumerate(groups):
        if number or group[0][1]:
            found.append(DiffLine("gap", ""))
        for tag, i1, i2, j1, j2 in group:
            if tag == "equal":
                found += [DiffLine("same", old[i], i + 1, j1 + i - i1 + 1) for i in range(i1, i2)]
            else:
                found += [DiffLine("gone", old[i], i + 1) for i in range(i1, i2)]
                found += [DiffLine("new", new[j], None, j + 1) for j in range(j1, j2)]
    return tuple(found)
