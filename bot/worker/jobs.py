"""Jobs: what RQ calls by name; each takes a row id or nothing, and asks the database what there is to do."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

from sqlalchemy import select, update
from sqlalchemy.exc import SQLAlchemyError

from bot.agents import bulk_job
from bot.agents.daily_list import put_daily_lists
from bot.agents.group_waiting import remind_group_owners
from bot.agents.overdue import nudge_overdue
from bot.agents.own_reminders import remind_of_own
from bot.agents.promises import remind_promises
from bot.agents.waiting import remind_waiting
from bot.analytics import studies
from bot.customers.nightly_portraits import portray_nightly, refresh_changed
from bot.customers.nightly_scores import rescore_nightly
from bot.customers.stages import timed_moves
from bot.customers.tags import expire_tags
from bot.delivery.rows import just_due_ids, waiting_ids
from bot.intake import quarantine
from bot.intake.archive_lag import watch_lag
from bot.intake.events import apply_event
from bot.intake.media.files import keep_media
from bot.intake.media.store import open_media_store
from bot.intake.pull import PullResult
from bot.intake.pull import pull as pull_archive
from bot.ops.alarms import tell_alarms
from bot.ops.disk_alarm import watch_disk
from bot.ops.given_up import FAILED, watch_given_up
from bot.ops.log_alarm import watch_log
from bot.ops.log_digest import send_digest
from bot.ops.restore import erase_again as finish_restore
from bot.platform import clock
from bot.platform.disk import must_wait
from bot.platform.gateway.call_counts import fold
from bot.platform.gateway.quotas import forget_unused
from bot.platform.log import get_logger
from bot.platform.models import ArchiveCursor, CallbackEvent, LinkOpening, MessageLinkOpening
from bot.platform.queued_job import allow
from bot.platform.surroundings import is_of_surroundings
from bot.privacy.erasure import continue_erasures
from bot.privacy.retention import keep_search_index, purge_nightly
from bot.sops.behaviour import observe_openings, observe_silences
from bot.sops.cell_treatment import treat_cells
from bot.sops.completion import close_windows
from bot.sops.dates import start_dated_sops
from bot.sops.enrolment import after_moves, start_silence_sops
from bot.sops.follow_up import CustomerEvent, answer_of, follow_up
from bot.sops.group_sends import watch_open
from bot.sops.group_sops import plan_group_sops, prompt_group_owners
from bot.sops.material_uploads import folder_of, read_materials, refresh_uploads
from bot.sops.message_links import observe_message_openings
from bot.sops.never_spoken import take_up_never_spoken
from bot.sops.prompts import prompt_due
from bot.sops.replanning import find_edits, follow_edit, note_followed, plans_follow
from bot.sops.stopping import end_finished, expire_unsent
from bot.sync.consent import check_unagreed
from bot.sync.nightly import claim_night, reconcile_nightly
from bot.system import System, current_system
from bot.worker import handlers
from bot.worker.refusals import end_old_alarm

EVENT_TRIES = 5  # then the event is recorded as failed: one that always fails must not be tried for ever
STUMBLES = 3  # events in a row that failed for the surroundings' sake
PARTS_KEPT = timedelta(days=7)  # of downloads that nobody took up again; WeCom has forgotten the file by then
CHUNK = 500  # rows for each transaction: a longer one would keep the other workers waiting on SQLite
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
    _follow_edits(system)
    while _due_chunk(system) >= CHUNK:
        pass
    system.call_counts.flush(clock.now())


def _follow_edits(system: System) -> None:
    """Bring plans to SOPs that were edited, before any of their steps is prompted."""
    with system.look(clock.now()) as look:
        if plans_follow(look):
            return
        edits, version = find_edits(look), look.settings.version
    for edit in edits:
        while True:
            with system.work() as work:
                if follow_edit(work, edit) == 0:
                    break
    with system.work() as work:
        note_followed(work, version)


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
        own = remind_of_own(work, CHUNK)
    return max(came_due, len(closed), own)


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
    while _timers_chunk(system):
        pass
    while _portraits_chunk(system):
        pass
    watch_sends(system)


def watch_sends(system: System) -> None:
    """Check what lies with WeCom (open mass messages, uploaded materials that expire soon), and send out alarms."""
    files = read_materials(system.settings, folder_of(system))
    with system.work() as work:
        watch_disk(work.session, system.environment, work.now)
        watch_open(work)
        refresh_uploads(work, files)
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
        put_daily_lists(work)
        nudged = nudge_overdue(work, CHUNK)
        waiting = remind_waiting(work, CHUNK) + remind_group_owners(work, CHUNK)
        owed = remind_promises(work, CHUNK)
        shown = observe_silences(work, CHUNK)
        never_spoken = take_up_never_spoken(work, CHUNK)
        in_groups = plan_group_sops(work, CHUNK) + prompt_group_owners(work, CHUNK)
        expired = expire_tags(work)
    done = (len(moved), started, looked_at, nudged, waiting, owed, shown, never_spoken, in_groups, expired)
    return max(done) >= CHUNK


def _portraits_chunk(system: System) -> bool:
    with system.work() as work:
        return max(refresh_changed(work, CHUNK), treat_cells(work, CHUNK)) >= CHUNK


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
    _maintain_conversations(system)


def _maintain_conversations(system: System) -> None:
    """Once a night: check who agreed to be archived, and fetch the files to keep while WeCom still has them."""
    if must_wait(system.environment):
        return
    with system.work() as work:
        if not claim_night(work, "talks"):
            return
        check_unagreed(work)
        keep_media(work)
    open_media_store(system).remove_stale_parts((work.now - PARTS_KEPT).timestamp())


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
