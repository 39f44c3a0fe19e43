"""Jobs: what RQ calls by name; each takes a row id or nothing, and asks the database what there is to do."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from bot.agents import bulk_job
from bot.analytics import studies
from bot.customers.nightly_portraits import portray_nightly
from bot.customers.nightly_scores import rescore_nightly
from bot.delivery.rows import just_due_ids, waiting_ids
from bot.intake import quarantine
from bot.intake.archive_lag import watch_lag
from bot.intake.pull import PullResult
from bot.intake.pull import pull as pull_archive
from bot.ops.given_up import watch_given_up
from bot.ops.log_alarm import watch_log
from bot.ops.log_digest import send_digest
from bot.ops.restore import erase_again as finish_restore
from bot.platform import clock
from bot.platform.disk import must_wait
from bot.platform.log import get_logger
from bot.platform.models import ArchiveCursor, CallbackEvent, LinkOpening, MessageLinkOpening
from bot.platform.queued_job import allow
from bot.privacy.erasure import continue_erasures
from bot.privacy.retention import keep_search_index, purge_nightly
from bot.sops.behaviour import observe_openings
from bot.sops.message_links import observe_message_openings
from bot.sync.nightly import reconcile_nightly
from bot.system import System, current_system
from bot.worker import handlers
from bot.worker.event_work import handle_event
from bot.worker.refusals import end_old_alarm
from bot.worker.timed_work import (
    CHUNK,
    due_chunk,
    follow_edits,
    maintain_conversations,
    portraits_chunk,
    segments_chunk,
    timers_chunk,
    watch_sends,
)

STUMBLES = 3  # events in a row that failed for the surroundings' sake
_log = get_logger(__name__)


def pull() -> None:
    """Bring the archive up to date."""
    system = current_system()
    system.queue.begin("pull")  # before reading: what arrives from now on is enqueued again
    done = _pull(system)
    if done.busy:
        # The worker that is reading may have passed the end already. It looks for this request when it is done;
        # should it be done by now, nobody would, so try once more.
        system.queue.request_rerun("pull")
        done = _pull(system)
        if done.busy:
            return
    while not done.more and system.queue.rerun_requested("pull"):
        done = _pull(system)
    if done.more:  # go on later, behind the outbox rows that wait
        system.queue.enqueue_once("pull")


def _pull(system: System) -> PullResult:
    done = pull_archive(system)
    if done.rows:
        _log.info("pulled", rows=done.rows, quarantined=done.quarantined)
    return done


def handle_events() -> None:
    """Handle the stored callback events, oldest first."""
    system = current_system()
    system.queue.begin("handle_events")
    with system.store.read() as session:
        ids = session.scalars(
            select(CallbackEvent.id).where(CallbackEvent.handled_at.is_(None)).order_by(CallbackEvent.id)
        ).all()
    stumbled = 0
    for event_id in ids:
        stumbled = 0 if handle_event(system, event_id) else stumbled + 1
        if stumbled == STUMBLES:
            return  # the machine has to be mended first; the sweep enqueues this job again


def deliver(row_id: int) -> None:
    """Deliver one outbox row."""
    handlers.deliver(current_system(), row_id)


def due() -> None:
    """Put out the prompts whose time has come, close reply windows, end what is over."""
    system = current_system()
    system.queue.begin("due")
    with system.store.read() as session:
        just_due = just_due_ids(session, clock.now())
    system.queue.enqueue_missing("deliver", just_due)
    follow_edits(system)
    while due_chunk(system) >= CHUNK:
        pass
    system.call_counts.flush(clock.now())


def openings() -> None:
    """Show the rules which tracked links were opened."""
    system = current_system()
    system.queue.begin("openings")
    with system.work() as work:
        observe_openings(work, CHUNK)
        observe_message_openings(work, CHUNK)


def timers() -> None:
    """Make timed moves, start SOPs that wait for silence or a day, put out daily lists and reminders, expire tags."""
    system = current_system()
    system.queue.begin("timers")
    with system.store.write() as session:
        watch_lag(session, clock.now())
        watch_given_up(session, clock.now())
        end_old_alarm(session, clock.now())
    while timers_chunk(system):
        pass
    while portraits_chunk(system):
        pass
    while segments_chunk(system):
        pass
    watch_sends(system)


def study() -> None:
    """Do one piece of a backtest or of a search for rules, then enqueue the next: other jobs go first."""
    system = current_system()
    system.queue.begin("study")
    if must_wait(system.environment):  # the sweep asks again
        return
    if studies.advance(system, clock.now()):
        system.queue.enqueue_once("study")


def bulk() -> None:
    """Do one piece of a deed on many customers, then enqueue the next: other jobs go first."""
    system = current_system()
    system.queue.begin("bulk")
    if bulk_job.advance(system, clock.now()):
        system.queue.enqueue_once("bulk")


def reconcile() -> None:
    """Once a day: compare everything in WeCom with the board."""
    system = current_system()
    system.queue.begin("reconcile")
    reconcile_nightly(system, clock.now())
    rescore_nightly(system, clock.now())
    portray_nightly(system, clock.now())
    maintain_conversations(system)


def replay_quarantine() -> None:
    """Read again what could not be read; somebody asked for it on the page."""
    system = current_system()
    system.queue.begin("replay_quarantine")
    freed, held = quarantine.replay_quarantine(system)
    _log.info("quarantine read again", freed=freed, held=held)


def housekeep() -> None:
    """Finish restores and erasures, purge nightly what is too old, watch over the logs, keep the search index."""
    system = current_system()
    system.queue.begin("housekeep")
    finish_restore(system, clock.now())
    continue_erasures(system, clock.now())
    watch_log(system, clock.now(), whole=purge_nightly(system, clock.now()))
    with system.work() as work:
        send_digest(work, system.environment)
    if not must_wait(system.environment):
        keep_search_index(system, clock.now())


def sweep() -> None:
    """Enqueue everything the database says is to be done, so that calls which Redis lost come back."""
    system = current_system()
    system.queue.begin("sweep")
    now = clock.now()
    with system.store.read() as session:
        outbox = waiting_ids(session, now)
        events = session.scalar(select(CallbackEvent.id).where(CallbackEvent.handled_at.is_(None)).limit(1))
        opened = [
            session.scalar(select(table.id).where(table.handled_at.is_(None)).limit(1))
            for table in (LinkOpening, MessageLinkOpening)
        ]
        cursor = session.scalars(select(ArchiveCursor)).first()
        studying = studies.any_open(session)
        many = bulk_job.any_due(session, now)
    system.queue.enqueue_missing("deliver", outbox)
    if events is not None:
        system.queue.enqueue_once("handle_events")
    if cursor is None or cursor.pulled_at is None or now - cursor.pulled_at > timedelta(minutes=1):
        system.queue.enqueue_once("pull")
    if any(opened):
        system.queue.enqueue_once("openings")
    if studying:
        system.queue.enqueue_once("study")
    if many:
        system.queue.enqueue_once("bulk")
    system.queue.enqueue_once("due")


# What may be called through the queue. A function that is not here is refused, whoever asks for it.
JOBS = allow(
    bulk, deliver, due, handle_events, housekeep, openings, pull, reconcile, replay_quarantine, study, sweep, timers
)  # fmt: skip
