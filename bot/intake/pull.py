"""Pull: read the archive from the stored cursor, open what can be opened, and commit batch by batch."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import delete, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from bot.intake.archive_lag import CursorPosition, note_gap
from bot.intake.decrypt import UnreadableRow, open_rows
from bot.intake.messages import OpenedRow
from bot.intake.odd_rows import sort_out
from bot.intake.pipeline import process_batch
from bot.intake.quarantine import quarantine_rows
from bot.intake.read_ahead import read_ahead_of
from bot.intake.repeated_messages import OTHER_WORDS
from bot.platform import clock
from bot.platform.database.alarms import clear_alarm, raise_alarm
from bot.platform.database.store import (
    HeldLease,
    get_status,
    insert_new,
    release_lease,
    set_status,
    still_held,
    take_lease,
)
from bot.platform.encryption import DataKeyError
from bot.platform.environment import SurroundingsError
from bot.platform.failpoints import failpoint
from bot.platform.garbage import looked_at_after
from bot.platform.log import get_logger
from bot.platform.models import ArchiveCursor, Status
from bot.platform.surroundings import is_of_surroundings
from bot.wecom.archive import LARGEST_PULL, SealedRow
from bot.wecom.errors import Remedy, WeComError

if TYPE_CHECKING:
    from bot.system import System

LEASE_SECONDS = 20  # after a process died here, the scheduler's next call (every 10 s) past this time takes over
BATCH = LARGEST_PULL  # the more at once, the less is read twice of customers who keep talking
TROUBLE = "archive_trouble"
ALARM = "archive.read"  # for the native library, whose calls pass no circuit breaker that would raise one
PAUSE_SECONDS = 300  # WeCom bans an address for an hour that keeps asking with a wrong secret
TURN_SECONDS = 2.0  # then the job ends, so that outbox rows already waiting are delivered before the rest is read
_AFTER_FAILURES = (BATCH, BATCH // 10, BATCH // 100)  # rows at once by unfinished tries: few stay beside a bad row
POISON_TRIES = len(_AFTER_FAILURES)  # then it is read row by row, and after so many more a row is quarantined
_log = get_logger(__name__)


@dataclass(frozen=True)
class Batch:
    """The rows that follow the cursor, as far as they could be read."""

    cursor: CursorPosition
    rows: Sequence[SealedRow]
    opened: Sequence[OpenedRow]
    unopened: Sequence[UnreadableRow]


@dataclass
class PullResult:
    """What one pull did. busy: another process holds the lease; more: it ended by time, not at the archive's end."""

    rows: int = 0
    quarantined: int = 0
    busy: bool = False
    more: bool = False


def pull(system: System) -> PullResult:
    """Read the archive for one turn (TURN_SECONDS) at most; returns at once where another process is reading it."""
    access = system.environment.needs_wecom()
    if not access.has_archive:  # nothing is amiss: status, doctor and pages say that it is still to be set up
        return PullResult()
    name = f"pull:{access.corp_id}"
    with system.store.write() as session:
        held = None if _is_paused(session, clock.now()) else take_lease(session, name, system.owner, LEASE_SECONDS)
    if held is None:
        return PullResult(busy=True)
    done, begun = PullResult(), time.monotonic()
    try:
        _open_archive(system)
        while held is not None and _pull_batch(system, access.corp_id, held, done):
            if time.monotonic() - begun > TURN_SECONDS:
                done.more = True
                break
            with system.store.write() as session:
                held = take_lease(session, name, system.owner, LEASE_SECONDS)
    except WeComError as error:
        _note_trouble(system, error)
    finally:
        if held is not None:
            with system.store.write() as session:
                release_lease(session, held)
    return done


def _open_archive(system: System) -> None:
    """Open the archive and the keys before any row is counted as tried.

    Raises WeComError where a person must mend something: a library that is not configured, an unreadable key file.
    """
    try:
        _ = system.archive, system.keyring
    except (SurroundingsError, ValueError, OSError) as error:
        raise _needs_a_person(error) from None


def _needs_a_person(error: Exception) -> WeComError:
    return WeComError(None, type(error).__name__, Remedy(str(error), pause=True), "archive")


def _is_paused(session: Session, now: datetime) -> bool:
    trouble = get_status(session, TROUBLE)
    return trouble is not None and datetime.fromisoformat(trouble.value["until"]) > now


def _note_trouble(system: System, error: WeComError) -> None:
    """Record the error for `flask status` and the pages; what only a person can mend pauses the reading."""
    now = clock.now()  # a moment of its own: a call to WeCom lies between it and the job's beginning
    until = now + timedelta(seconds=PAUSE_SECONDS if error.pause else 0)
    with system.store.write() as session:
        set_status(session, TROUBLE, {"why": str(error), "errcode": error.errcode, "until": until.isoformat()}, now)
        if error.pause and system.environment.needs_wecom().archive == "native":
            raise_alarm(session, ALARM, str(error), now)
    _log.error("archive not read", errcode=error.errcode, error=str(error))


def _clear_trouble(session: Session, now: datetime) -> None:
    troubled = session.execute(delete(Status).where(Status.name == TROUBLE))
    if troubled.rowcount:  # type: ignore[attr-defined]
        clear_alarm(session, ALARM, now)


def _pull_batch(system: System, corp_id: str, held: HeldLease, done: PullResult) -> bool:
    """One batch from fetch to commit; True while there may be more."""
    cursor = _read_cursor(system, corp_id)
    limit = _AFTER_FAILURES[cursor.attempts] if cursor.attempts < POISON_TRIES else 1
    ahead = read_ahead_of(system)
    page = ahead.take(cursor.seq, limit) if not cursor.attempts else None
    fetched = page.rows if page is not None else system.archive.pull(cursor.seq, limit)
    failpoint("pulled")
    rows, odd = sort_out(fetched, cursor.seq)
    if odd:
        _set_aside(system, odd)
    if not rows:
        _note_end(system, cursor)
        return False
    _count_attempt(system, corp_id)
    try:
        if cursor.attempts < 2 * POISON_TRIES:
            whole = page is not None and not odd
            opened, unopened = (page.opened, page.unopened) if page is not None and whole else open_rows(system, rows)
        else:  # read alone, this row failed every try: quarantine it unopened
            opened, unopened = [], [UnreadableRow(row, f"单独处理这一行时出错 {POISON_TRIES} 次") for row in rows]
        failpoint("decrypted")
        if len(rows) == BATCH and not cursor.attempts:  # a page that failed is read alone
            ahead.begin(system, rows[-1].seq, BATCH)
        with looked_at_after():
            committed = _commit_batch(system, held, Batch(cursor, rows, opened, unopened))
        if not committed:
            return False
    except Exception as error:
        if is_of_surroundings(error, system.store):
            _uncount_attempt(system, corp_id)
            if isinstance(error, DataKeyError):
                raise _needs_a_person(error) from None
        raise
    done.rows += len(rows)
    done.quarantined += len(unopened)
    return len(rows) == limit or limit == 1


def _read_cursor(system: System, corp_id: str) -> CursorPosition:
    """Where reading stands; the first pull of all begins at seq 0."""
    owed, system.tries_owed = system.tries_owed, 0
    with system.store.write() as session:
        insert_new(session, ArchiveCursor, [{"corp_id": corp_id, "seq": 0, "attempts": 0}], ["corp_id"])
        cursor = session.get_one(ArchiveCursor, corp_id)
        cursor.attempts = max(0, cursor.attempts - owed)
        return CursorPosition(corp_id, cursor.seq, cursor.attempts, cursor.pulled_at)


def _count_attempt(system: System, corp_id: str) -> None:
    """Count a try before it is made, so that one which kills the whole process counts as well."""
    with system.store.write() as session:
        session.get_one(ArchiveCursor, corp_id).attempts += 1


def _uncount_attempt(system: System, corp_id: str) -> None:
    """Take back a try that failed for the surroundings' sake, which is no fault of the rows.

    Where the database cannot take this either (the disk is full), this process owes it and makes up for it later.
    """
    try:
        with system.store.write() as session:
            cursor = session.get_one(ArchiveCursor, corp_id)
            cursor.attempts = max(0, cursor.attempts - 1)
    except SQLAlchemyError:
        system.tries_owed += 1


def _commit_batch(system: System, held: HeldLease, batch: Batch) -> bool:
    """Commit messages, tags, moves, tasks, outbox, quarantine and cursor in one transaction; False if overtaken."""
    cursor = batch.cursor
    with system.work(point="committed") as work:
        session, now = work.session, work.now
        if not still_held(session, held):
            _log.warning("pull overtaken", seq=cursor.seq)
            return False
        changed = process_batch(work, batch.opened)
        quarantine_rows(session, [*batch.unopened, *_as_received(batch.rows, changed)], now)
        note_gap(session, cursor, batch.rows[0].seq, now)
        moved = session.execute(
            update(ArchiveCursor)
            .where(ArchiveCursor.corp_id == cursor.corp_id, ArchiveCursor.seq == cursor.seq)
            .values(seq=batch.rows[-1].seq, attempts=0, pulled_at=now)
        )
        if not moved.rowcount:  # type: ignore[attr-defined]
            raise RuntimeError("the archive cursor moved under our lease")
        _clear_trouble(session, now)
        failpoint("cursor")
    return True


def _as_received(rows: Sequence[SealedRow], changed: Sequence[OpenedRow]) -> list[UnreadableRow]:
    """The rows whose words are not those that came first, as they were received."""
    theirs = [(item.seq, item.message.msgid) for item in changed]
    return [UnreadableRow(row, OTHER_WORDS) for row in rows if (row.seq, row.msgid) in theirs]


def _set_aside(system: System, odd: Sequence[UnreadableRow]) -> None:
    """Keep rows whose seq nobody follows; they come again with every page until the archive forgets them."""
    with system.store.write() as session:
        quarantine_rows(session, odd, clock.now())


def _note_end(system: System, cursor: CursorPosition) -> None:
    now = clock.now()  # after the call to WeCom
    with system.store.write() as session:
        note_gap(session, cursor, None, now)
        row = session.get_one(ArchiveCursor, cursor.corp_id)
        row.attempts, row.pulled_at = 0, now
        _clear_trouble(session, now)
        set_status(session, "caught_up", {"seq": row.seq}, now)
