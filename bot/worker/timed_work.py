"""Work that time brings about, a transaction at a time: prompts come due, timed moves, reminders, the night."""

from __future__ import annotations

from datetime import timedelta

from bot.agents.conduct_notices import tell_of_conduct
from bot.agents.daily_list import put_daily_lists
from bot.agents.group_waiting import remind_group_owners
from bot.agents.handover_brief import tell_handovers
from bot.agents.overdue import nudge_overdue
from bot.agents.own_reminders import remind_of_own
from bot.agents.promises import remind_promises
from bot.agents.revisits import plan_revisits
from bot.agents.waiting import remind_waiting
from bot.agents.weekly import put_weeks
from bot.customers.nightly_portraits import refresh_changed
from bot.customers.stages import timed_moves
from bot.customers.tags import expire_tags
from bot.intake.media.files import keep_media
from bot.intake.media.store import open_media_store
from bot.ops.alarms import tell_alarms
from bot.ops.disk_alarm import watch_disk
from bot.ops.pilot import watch_pilot
from bot.platform import clock
from bot.platform.disk import must_wait
from bot.platform.gateway.call_counts import fold
from bot.platform.gateway.quotas import forget_unused
from bot.sops.behaviour import observe_silences
from bot.sops.cell_treatment import treat_cells
from bot.sops.completion import close_windows
from bot.sops.dates import start_dated_sops
from bot.sops.enrolment import after_moves, start_silence_sops
from bot.sops.follow_up import CustomerEvent, answer_of, follow_up
from bot.sops.group_sends import watch_open
from bot.sops.group_sops import plan_group_sops, prompt_group_owners
from bot.sops.material_uploads import folder_of, named_by_agents, read_materials, refresh_uploads
from bot.sops.never_spoken import take_up_never_spoken
from bot.sops.prompts import prompt_due
from bot.sops.replanning import find_edits, follow_edit, note_followed, plans_follow
from bot.sops.segment_starts import watch_segments
from bot.sops.stopping import end_finished, expire_unsent
from bot.sync.consent import check_unagreed
from bot.sync.nightly import claim_night
from bot.system import System

PARTS_KEPT = timedelta(days=7)  # of downloads that nobody took up again; WeCom has forgotten the file by then
CHUNK = 500  # rows for each transaction: a longer one would keep the other workers waiting on SQLite


def follow_edits(system: System) -> None:
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


def due_chunk(system: System) -> int:
    """Put out what has come due, close reply windows; how many rows of the kind that had the most."""
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


def watch_sends(system: System) -> None:
    """Check what lies with WeCom (open mass messages, uploaded materials that expire soon), and send out alarms."""
    with system.store.read() as session:
        named = named_by_agents(session)
    files = read_materials(system.settings, folder_of(system), named)
    with system.work() as work:
        watch_disk(work.session, system.environment, work.now)
        watch_open(work)
        refresh_uploads(work, files)
        tell_alarms(work)
        watch_pilot(work, system.environment.base_url)
        fold(work.session, work.now)
        forget_unused(work.session, work.now)


def timers_chunk(system: System) -> bool:
    """One transaction of what time brings about; whether there may be more of it."""
    with system.work() as work:
        moved = timed_moves(work, CHUNK)
        for state, made in moved:
            after_moves(work, state, [made])
        started = start_silence_sops(work, CHUNK)
        looked_at = start_dated_sops(work, CHUNK)
        plan_revisits(work)
        put_daily_lists(work)
        put_weeks(work)
        nudged = nudge_overdue(work, CHUNK)
        waiting = remind_waiting(work, CHUNK) + remind_group_owners(work, CHUNK)
        owed = remind_promises(work, CHUNK) + tell_handovers(work, CHUNK)
        tell_of_conduct(work)
        shown = observe_silences(work, CHUNK)
        never_spoken = take_up_never_spoken(work, CHUNK)
        in_groups = plan_group_sops(work, CHUNK) + prompt_group_owners(work, CHUNK)
        expired = expire_tags(work)
    done = (len(moved), started, looked_at, nudged, waiting, owed, shown, never_spoken, in_groups, expired)
    return max(done) >= CHUNK


def portraits_chunk(system: System) -> bool:
    """Bring the models of changed customers up to date; whether there may be more of them."""
    with system.work() as work:
        return max(refresh_changed(work, CHUNK), treat_cells(work, CHUNK)) >= CHUNK


def segments_chunk(system: System) -> bool:
    """See who came into the segments that start SOPs, and fill frozen ones; whether there may be more to do."""
    with system.work() as work:
        return watch_segments(work, CHUNK) >= CHUNK


def maintain_conversations(system: System) -> None:
    """Once a night: check who agreed to be archived, and fetch the files to keep while WeCom still has them."""
    if must_wait(system.environment):
        return
    with system.work() as work:
        if not claim_night(work, "talks"):
            return
        check_unagreed(work)
        keep_media(work)
    open_media_store(system).remove_stale_parts((work.now - PARTS_KEPT).timestamp())
