"""Consistency audit: checks a live database against the invariants, and, if asked, against WeCom's archive."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.customers.tombstones import without_erased
from bot.intake.decrypt import open_rows
from bot.ops import sealed_values
from bot.ops.invariants import INVARIANTS, Invariant
from bot.ops.snapshot import read_snapshot
from bot.platform.database.store import Store
from bot.platform.models import ArchiveCursor, Message, Quarantine
from bot.wecom.archive import SealedRow

if TYPE_CHECKING:
    from bot.system import System

SHOWN = 5
PAGE = 1000  # rows of the archive asked for at once


@dataclass(frozen=True)
class Violation:
    """An invariant that does not hold: in how many places, and the first few of them."""

    name: str
    says: str
    count: int
    examples: list[str]


def audit(
    store: Store, now: datetime, *, running: bool = True, on_progress: Callable[[Invariant], None] = lambda _: None
) -> list[Violation]:
    """Check every invariant on one snapshot of the database; empty where all hold. Memory does not grow with rows.

    running: also what holds only while workers and scheduler work. on_progress: called as each has been looked at.
    """
    with read_snapshot(store.engine) as connection, Session(connection, autoflush=False) as session:
        return check_invariants(session, now, running=running, on_progress=on_progress)


def check_invariants(
    session: Session,
    now: datetime,
    *,
    running: bool = True,
    on_progress: Callable[[Invariant], None] = lambda _: None,
) -> list[Violation]:
    """As `audit`, in a given session."""
    found = []
    for invariant in INVARIANTS:
        if running or not invariant.running:
            finding = _violation(invariant.name, invariant.says, invariant.find(session, now))
            found += [finding] if finding.count else []
            on_progress(invariant)
    return found


def audit_sealed(store: Store) -> list[Violation]:
    """Open every sealed value; memory does not grow with rows."""
    with read_snapshot(store.engine) as connection, Session(connection, autoflush=False) as session:
        found = _violation(sealed_values.NAME, sealed_values.SAYS, sealed_values.unopened(session, store))
    return [found] if found.count else []


def audit_archive(system: System) -> Violation:
    """Read the archive again from its beginning (as far as WeCom still has it) and miss nothing up to the cursor."""
    return _violation("archive-stored", "存档里的每条消息都已存下或隔离", _lost_messages(system))


def as_json(found: Iterable[Violation]) -> str:
    """The findings as one JSON object."""
    rows = [asdict(finding) for finding in found]
    return json.dumps({"findings": rows, "ok": not rows}, ensure_ascii=False)


def _violation(name: str, says: str, lines: Iterator[str]) -> Violation:
    examples, count = [], 0
    for line in lines:
        count += 1
        if count <= SHOWN:
            examples.append(line)
    return Violation(name, says, count, examples)


def _lost_messages(system: System) -> Iterator[str]:
    corp_id, seq = system.environment.needs_wecom().corp_id, 0
    with system.store.read() as session:
        cursor = session.get(ArchiveCursor, corp_id)
        end = cursor.seq if cursor else 0
    while seq < end:
        rows = system.archive.pull(seq, PAGE)
        if not rows:
            return
        seq = rows[-1].seq
        passed = {row.msgid: row for row in rows if row.seq <= end}
        missing = passed.keys() - _known_msgids(system, passed)
        missing -= _of_erased(system, [passed[msgid] for msgid in missing])
        yield from (f"seq {passed[msgid].seq} {msgid}" for msgid in sorted(missing))


def _of_erased(system: System, rows: Sequence[SealedRow]) -> set[str]:
    """Those that stay away because an erased person said or was told them; WeCom keeps them for some days."""
    if not rows:
        return set()
    opened, _unopened = open_rows(system, rows)
    messages = [row.message for row in opened]
    with system.store.read() as session:
        allowed = without_erased(session, messages)
    return {message.msgid for message, kept in zip(messages, allowed, strict=True) if kept is None}


def _known_msgids(system: System, msgids: Iterable[str]) -> set[str]:
    wanted = list(msgids)
    with system.store.read() as session:
        stored = session.scalars(select(Message.msgid).where(Message.msgid.in_(wanted)))
        held = session.scalars(select(Quarantine.msgid).where(Quarantine.msgid.in_(wanted)))
        return {*stored, *held}
