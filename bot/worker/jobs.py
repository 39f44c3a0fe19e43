"""The jobs that RQ calls by name: each takes row ids or nothing, and asks the database what there is to do."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from bot.agents.daily_list import put_morning_lists
from bot.agents.overdue import nudge_overdue
from bot.analytics import studies
from bot.customers.stages import timed_moves
from bot.customers.tags import expire_tags
from bot.delivery.outbox import ripe_ids, waiting_ids
from bot.intake import quarantine
from bot.intake.archive_lag import watch_lag
from bot.intake.events import take_event
from bot.intake.media.files import keep_media
from bot.intake.media.store import open_media_store
from bot.intake.pull import Pulled
from bot.intake.pull import pull as pull_archive
from bot.ops.alarms import tell_alarms
from bot.ops.restore import erase_again as finish_restore
from bot.platform import clock
from bot.platform.gateway.call_counts import fold
from bot.platform.gateway.quotas import forget_unused
from bot.platform.log import get_logger
from bot.platform.models import ArchiveCursor, CallbackEvent, LinkOpening
from bot.privacy.retention import keep_search_index, purge_nightly
from bot.sops.behaviour import observe_openings, observe_silences
from bot.sops.completion import close_windows
from bot.sops.dates import start_dated_sops
from bot.sops.enrolment import after_moves, start_silence_sops
from bot.sops.follow_up import CustomerEvent, answer_of, follow_up
from bot.sops.group_sends import watch
from bot.sops.material_uploads import folder_of, keep_warm
from bot.sops.prompts import prompt_due
from bot.sops.stopping import end_finished, expire_unsent
from bot.sync.consent import check_unagreed
from bot.sync.nightly import claim_night, reconcile_nightly
from bot.system import System, current_system
from bot.worker import handlers

EVENT_TRIES = 5
PARTS_KEPT = timedelta(days=7)  # of downloads that nobody took up again; WeCom has forgotten the file by then
CHUNK = 500
_log = get_logger(__name__)


def pull() -> None:
    """Bring the archive up to date."""
    system = current_system()
    system.queue.begin("pull")  # before reading: what arrives from now on rings again
    done = _pull(system)
    if done.busy:
        # Whoever is at it may have read the end already. He looks for our word when he is done; should he be
        # done by now, we go ourselves.
        system.queue.request_rerun("pull")
        done = _pull(system)
        if done.busy:
            return
    while not done.more and system.queue.rerun_requested("pull"):
        done = _pull(system)
    if done.more:  # its turn comes again, behind the cards that wait
        system.queue.enqueue_once("pull")


def _pull(system: System) -> Pulled:
    done = pull_archive(system)
    if done.rows:
        _log.info("pulled", rows=done.rows, quarantined=done.quarantined)
    return done


def handle_events() -> None:
    """Work off the stored callback events, oldest first."""
    system = current_system()
    system.queue.begin("handle_events")
    with system.store.read() as session:
        ids = session.scalars(
            select(CallbackEvent.id).where(CallbackEvent.handled_at.is_(None)).order_by(CallbackEvent.id)
        ).all()
    for event_id in ids:
        handle_event(system, event_id)


def handle_event(system: System, event_id: int) -> None:
    """One event in one transaction; one that fails every time is put aside with its reason."""
    with system.store.write() as session:
        row = session.get(CallbackEvent, event_id, with_for_update=True)
        if row is None or row.handled_at is not None:
            return
        row.attempts += 1
        attempts = row.attempts
    try:
        with system.work() as work:
            row = work.session.get_one(CallbackEvent, event_id, with_for_update=True)
            if row.handled_at is not None:
                return
            take_event(work, row)
    except Exception as error:
        _log.exception("event not handled", event_id=event_id, attempts=attempts)
        if attempts < EVENT_TRIES:
            return
        with system.store.write() as session:
            row = session.get_one(CallbackEvent, event_id)
            row.handled_at, row.outcome = clock.now(), f"failed: {type(error).__name__}: {error}"[:500]


def deliver(row_id: int) -> None:
    """Deliver one outbox row."""
    handlers.deliver(current_system(), row_id)


def due() -> None:
    """Queue the prompts whose hour has come, close reply windows, end what is over."""
    system = current_system()
    system.queue.begin("due")
    with system.store.read() as session:
        ripe = ripe_ids(session, clock.now())
    system.queue.enqueue_missing("deliver", ripe)
    while _due_chunk(system) >= CHUNK:
        pass
    system.call_counts.flush(clock.now())


def _due_chunk(system: System) -> int:
    with system.work() as work:
        came_due = prompt_due(work, CHUNK)
        closed = close_windows(work, CHUNK)
        for state, task, tags in closed:
            silent = [] if task.replied_at is not None else [answer_of(task, replied=False)]
            happened = CustomerEvent(f"window:{task.id}", tags=tags, fresh=tags, answers=silent)
            follow_up(work, state, happened)
        expire_unsent(work, CHUNK)
        end_finished(work, CHUNK)
    return max(came_due, len(closed))


def openings() -> None:
    """Show the rules which tracked links were opened."""
    system = current_system()
    system.queue.begin("openings")
    with system.work() as work:
        observe_openings(work, CHUNK)


def timers() -> None:
    """Timed moves, SOPs that wait for silence or a day, morning lists, nudges, tags whose time is over."""
    system = current_system()
    system.queue.begin("timers")
    with system.store.write() as session:
        watch_lag(session, clock.now())
    while _timers_chunk(system):
        pass
    watch_sends(system)


def watch_sends(system: System) -> None:
    """See to what lies with WeCom (unsettled mass messages, library files it will soon forget), and tell alarms."""
    folder = folder_of(system)
    with system.work() as work:
        watch(work)
        keep_warm(work, folder)
        tell_alarms(work)
        fold(work.session, work.now)
        forget_unused(work.session, work.now)


def _timers_chunk(system: System) -> bool:
    with system.work() as work:
        moved = timed_moves(work, CHUNK)
        for state, made in moved:
            after_moves(work, state, [made])
        started = start_silence_sops(work, CHUNK)
        looked_at = start_dated_sops(work, CHUNK)
        put_morning_lists(work)
        nudged = nudge_overdue(work, CHUNK)
        shown = observe_silences(work, CHUNK)
        expired = expire_tags(work)
    return max(len(moved), started, looked_at, nudged, shown, expired) >= CHUNK


def study() -> None:
    """One piece of a backtest or of a search for rules, then a word to come again: others go first."""
    system = current_system()
    system.queue.begin("study")
    if studies.advance(system, clock.now()):
        system.queue.enqueue_once("study")


def reconcile() -> None:
    """Once a day: compare everything in WeCom with the board."""
    system = current_system()
    system.queue.begin("reconcile")
    reconcile_nightly(system, clock.now())
    _look_after_talks(system)


def _look_after_talks(system: System) -> None:
    """Once a night: who agreed to be archived, and the files to keep while WeCom still has them."""
    with system.work() as work:
        if not claim_night(work, "talks"):
            return
        check_unagreed(work)
        keep_media(work)
    open_media_store(system).clean((work.now - PARTS_KEPT).timestamp())


def replay_quarantine() -> None:
    """Read again what could not be read: somebody asked to on the page."""
    system = current_system()
    system.queue.begin("replay_quarantine")
    freed, held = quarantine.replay_quarantine(system)
    _log.info("quarantine read again", freed=freed, held=held)


def housekeep() -> None:
    """Once a day: purge what is too old; and bring the index of words to what config.toml says; and end a restore."""
    system = current_system()
    system.queue.begin("housekeep")
    finish_restore(system, clock.now())
    purge_nightly(system, clock.now())
    keep_search_index(system, clock.now())


def sweep() -> None:
    """Ring again for everything the database says is to be done: calls that were lost come back here."""
    system = current_system()
    system.queue.begin("sweep")
    now = clock.now()
    with system.store.read() as session:
        outbox = waiting_ids(session, now)
        events = session.scalar(select(CallbackEvent.id).where(CallbackEvent.handled_at.is_(None)).limit(1))
        opened = session.scalar(select(LinkOpening.id).where(LinkOpening.handled_at.is_(None)).limit(1))
        cursor = session.scalars(select(ArchiveCursor)).first()
        studying = studies.any_open(session)
    system.queue.enqueue_missing("deliver", outbox)
    if events is not None:
        system.queue.enqueue_once("handle_events")
    if cursor is None or cursor.pulled_at is None or now - cursor.pulled_at > timedelta(minutes=1):
        system.queue.enqueue_once("pull")
    if opened is not None:
        system.queue.enqueue_once("openings")
    if studying:
        system.queue.enqueue_once("study")
    system.queue.enqueue_once("due")
