"""Work on events: one stored callback event, handled in one transaction, given up after a few tries."""

from __future__ import annotations

from contextlib import suppress

from sqlalchemy import update
from sqlalchemy.exc import SQLAlchemyError

from bot.intake.events import apply_event
from bot.ops.given_up import FAILED
from bot.platform import clock
from bot.platform.log import get_logger
from bot.platform.models import CallbackEvent
from bot.platform.surroundings import is_of_surroundings
from bot.system import System

EVENT_TRIES = 5  # then the event is recorded as failed: one that always fails must not be tried for ever
_log = get_logger(__name__)


def handle_event(system: System, event_id: int) -> bool:
    """Handle one event in one transaction; one that fails every time is recorded as failed, with its reason.

    The try is counted in a transaction of its own, so that one which kills the process counts as well. One that
    failed for the surroundings' sake is taken back. False for such a one.
    """
    # By statements that do not load the row: its XML may be what cannot be opened.
    mine = update(CallbackEvent).where(CallbackEvent.id == event_id, CallbackEvent.handled_at.is_(None))
    mine = mine.execution_options(synchronize_session=False)
    counted = mine.values(attempts=CallbackEvent.attempts + 1).returning(CallbackEvent.attempts)
    with system.store.write() as session:
        attempts = session.scalar(counted)
    if attempts is None:  # handled meanwhile
        return True
    try:
        with system.work() as work:
            row = work.session.get_one(CallbackEvent, event_id, with_for_update=True)
            if row.handled_at is None:
                apply_event(work, row)
    except Exception as error:
        _log.exception("event not handled", event_id=event_id, attempts=attempts)
        if is_of_surroundings(error, system.store):
            with suppress(SQLAlchemyError), system.store.write() as session:
                session.execute(mine.values(attempts=CallbackEvent.attempts - 1))
            return False
        if attempts < EVENT_TRIES:
            return True
        outcome = f"{FAILED}{type(error).__name__}: {error}"[:500]
        with system.store.write() as session:
            session.execute(mine.values(handled_at=clock.now(), outcome=outcome))
    return True
