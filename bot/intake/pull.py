"""Pull: read the archive from the stored cursor, open what can be opened, and commit batch by batch."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import delete, update
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.orm import Session

from bot.intake.archive_lag import note_gap
from bot.intake.decrypt import Unopened, open_rows
from bot.intake.messages import Arrived
from bot.intake.pipeline import take_batch
from bot.intake.quarantine import put_aside
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
from bot.platform.environment import SurroundingsError
from bot.platform.failpoints import failpoint
from bot.platform.log import get_logger
from bot.platform.models import ArchiveCursor, Status
from bot.wecom.errors import Remedy, WeComError

if TYPE_CHECKING:
    from bot.system import System

LEASE_SECONDS = 20  # a puller that died is followed by another within this time and the next ring (10 s)
BATCH = 500
TROUBLE = "archive_trouble"
ALARM = "archive.read"  # of the native library, whose calls pass no breaker that would raise one
PAUSE_SECONDS = 300  # asking on with a wrong secret gets the address banned for an hour
TURN_SECONDS = 2.0  # then what was decided meanwhile may leave, and the rest waits behind it
POISON_TRIES = 3  # unfinished tries of a batch before it is taken row by row, and of a row before it is put aside
_log = get_logger(__name__)


@dataclass(frozen=True)
class Reach:
    """Which rows a batch holds: those after the cursor at `after`, from `first` to `last`; pulled_at: before it."""

    after: int
    first: int
    last: int
    pulled_at: datetime | None


@dataclass
class Pulled:
    """What one pull did."""

    rows: int = 0
    quarantined: int = 0
    busy: bool = False
    more: bool = False  # its turn was over before the archive was


def pull(system: System) -> Pulled:
    """Bring the archive up to date, for one turn; returns at once where another process is at it."""
    access = system.environment.needs_wecom()
    name = f"pull:{access.corp_id}"
    with system.store.write() as session:
        held = None if _pausing(session) else take_lease(session, name, system.owner, LEASE_SECONDS)
    if held is None:
        return Pulled(busy=True)
    done, begun = Pulled(), time.monotonic()
    try:
        _open(system)
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


def _open(system: System) -> None:
    """Open the archive and the keys before any row is counted as tried. Raises WeComError where a person must mend
    something: a library that is not named, a key file that is none."""
    try:
        _ = system.archive, system.keyring
    except (SurroundingsError, ValueError, OSError) as error:
        raise WeComError(None, type(error).__name__, Remedy(str(error), pause=True), "archive") from None


def _pausing(session: Session) -> bool:
    trouble = get_status(session, TROUBLE)
    return trouble is not None and datetime.fromisoformat(trouble.value["until"]) > clock.now()


def _note_trouble(system: System, error: WeComError) -> None:
    """For `flask status` and the pages; what only a person can mend is not tried again at once."""
    now = clock.now()
    until = now + timedelta(seconds=PAUSE_SECONDS if error.pause else 0)
    with system.store.write() as session:
        set_status(session, TROUBLE, {"why": str(error), "errcode": error.errcode, "until": until.isoformat()}, now)
        if error.pause and system.environment.needs_wecom().archive == "native":
            raise_alarm(session, ALARM, str(error), now)
    _log.error("archive not read", errcode=error.errcode, error=str(error))


def _well(session: Session, now: datetime) -> None:
    troubled = session.execute(delete(Status).where(Status.name == TROUBLE))
    if troubled.rowcount:  # type: ignore[attr-defined]
        clear_alarm(session, ALARM, now)


def _pull_batch(system: System, corp_id: str, held: HeldLease, done: Pulled) -> bool:
    """One batch from fetch to commit; True while there may be more."""
    seq, unfinished, pulled_at = _cursor(system, corp_id)
    limit = BATCH if unfinished < POISON_TRIES else 1
    rows = system.archive.pull(seq, limit)
    failpoint("pulled")
    if not rows:
        _caught_up(system, corp_id, seq, pulled_at)
        return False
    if unfinished < 2 * POISON_TRIES:
        _count_attempt(system, corp_id)
        opened, unopened = open_rows(system, rows)
    else:  # alone, and still it brings every try down
        opened, unopened = [], [Unopened(row, f"单独处理这一行时出错 {POISON_TRIES} 次") for row in rows]
    failpoint("decrypted")
    reach = Reach(seq, rows[0].seq, rows[-1].seq, pulled_at)
    try:
        if not _commit(system, corp_id, held, reach, opened, unopened):
            return False
    except OperationalError:
        _forgive(system, corp_id)
        raise
    done.rows += len(rows)
    done.quarantined += len(unopened)
    return len(rows) == limit or limit == 1


def _cursor(system: System, corp_id: str) -> tuple[int, int, datetime | None]:
    """The seq stored last, how many tries of what comes after it were begun and not finished, the last pull."""
    with system.store.write() as session:
        insert_new(session, ArchiveCursor, [{"corp_id": corp_id, "seq": 0, "attempts": 0}], ["corp_id"])
        cursor = session.get_one(ArchiveCursor, corp_id)
        return cursor.seq, cursor.attempts, cursor.pulled_at


def _count_attempt(system: System, corp_id: str) -> None:
    """Committed before the work, so that a try which takes the whole process down counts as well."""
    with system.store.write() as session:
        session.get_one(ArchiveCursor, corp_id).attempts += 1


def _forgive(system: System, corp_id: str) -> None:
    """A database that is locked, full or gone makes no message a suspect; where it cannot say so, it stands."""
    with suppress(SQLAlchemyError), system.store.write() as session:
        cursor = session.get_one(ArchiveCursor, corp_id)
        cursor.attempts = max(0, cursor.attempts - 1)


def _commit(
    system: System,
    corp_id: str,
    held: HeldLease,
    reach: Reach,
    opened: Sequence[Arrived],
    unopened: Sequence[Unopened],
) -> bool:
    """One transaction: messages, tags, moves, tasks, outbox, quarantine and cursor, together or not at all."""
    with system.work(point="committed") as work:
        session, now = work.session, work.now
        if not still_held(session, held):
            _log.warning("pull overtaken", seq=reach.after)
            return False
        take_batch(work, opened)
        put_aside(session, unopened, now)
        note_gap(session, corp_id, reach.after, reach.first, reach.pulled_at, now)
        moved = session.execute(
            update(ArchiveCursor)
            .where(ArchiveCursor.corp_id == corp_id, ArchiveCursor.seq == reach.after)
            .values(seq=reach.last, attempts=0, pulled_at=now)
        )
        if not moved.rowcount:  # type: ignore[attr-defined]
            raise RuntimeError("the archive cursor moved under our lease")
        _well(session, now)
        failpoint("cursor")
    return True


def _caught_up(system: System, corp_id: str, seq: int, pulled_at: datetime | None) -> None:
    now = clock.now()
    with system.store.write() as session:
        note_gap(session, corp_id, seq, None, pulled_at, now)
        cursor = session.get_one(ArchiveCursor, corp_id)
        cursor.attempts, cursor.pulled_at = 0, now
        _well(session, now)
        set_status(session, "caught_up", {"seq": cursor.seq}, now)
