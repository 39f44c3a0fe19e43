"""Segment starts: sees who came into the segments that start SOPs, starts these, and fills frozen segments."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import select

from bot.customers.segments import change_members, forget_members, note_members
from bot.customers.state import load_customers
from bot.platform.config.segment_table import Segment, terms_of
from bot.platform.config.settings import Settings
from bot.platform.database.store import get_status, set_status
from bot.platform.models import Customer
from bot.platform.work import Work
from bot.sops.enrolment import start_sops
from bot.sops.held import restored_at
from sop.triggers import Trigger, starts

STATUS = "segments"
EVERY = timedelta(minutes=5)  # between two looks: a look asks of all customers


def watch_segments(work: Work, limit: int) -> int:
    """Look at the segments whose turn it is; returns how many customers came into the fullest one, at most `limit`.

    Who is in a segment at the first look starts nothing, nor after an edit of its conditions or a restore: else an
    SOP would begin with everybody at once. These are put on it by a bulk deed, so many a day.
    """
    status = get_status(work.session, STATUS)
    kept: dict[str, dict[str, str]] = dict(status.value) if status else {}
    wanted = {segment.name: segment for segment in _kept_segments(work.settings)}
    for name in kept.keys() - wanted.keys():
        forget_members(work.session, name)
    looked = {name: _look(work, segment, kept.get(name), limit) for name, segment in wanted.items()}
    after = {name: seen for name, (seen, _) in looked.items()}
    if after != kept:
        set_status(work.session, STATUS, after, work.now)
    return max((came for _, came in looked.values()), default=0)


def freeze(work: Work, segment: Segment) -> int:
    """Fill a frozen segment now; returns how many customers it holds."""
    status = get_status(work.session, STATUS)
    kept = dict(status.value) if status else {}
    kept[segment.name] = _seen(work, segment)
    set_status(work.session, STATUS, kept, work.now)
    return note_members(work, segment)


def _kept_segments(settings: Settings) -> Iterator[Segment]:
    """Those of which the members are stored: frozen ones, and those whose new customers start an SOP."""
    for segment in settings.tables.segments:
        if segment.frozen or starts(settings.tables.sops, Trigger("segment", segment.name)):
            yield segment


def _look(work: Work, segment: Segment, kept: dict[str, str] | None, limit: int) -> tuple[dict[str, str], int]:
    """What is remembered of this look, and how many customers came in."""
    seen = _seen(work, segment)
    if kept is None or kept["terms"] != seen["terms"] or _restored_since(work, kept, segment):
        note_members(work, segment)
        return seen, 0
    if segment.frozen or work.now - datetime.fromisoformat(kept["at"]) < EVERY:
        return kept, 0
    came = change_members(work, segment, limit)
    _start(work, segment, came)
    return (kept if len(came) >= limit else seen), len(came)


def _seen(work: Work, segment: Segment) -> dict[str, str]:
    return {"terms": terms_of(segment, work.settings.segments), "at": work.now.isoformat()}


def _restored_since(work: Work, kept: dict[str, str], segment: Segment) -> bool:
    """Whether a backup was restored since the last look: who came in meanwhile was prompted for in what it lacks."""
    restored = restored_at(work.session)
    return not segment.frozen and restored is not None and datetime.fromisoformat(kept["at"]) <= restored


def _start(work: Work, segment: Segment, came: list[int]) -> None:
    people = work.session.scalars(select(Customer).where(Customer.id.in_(came))).all() if came else ()
    for state in load_customers(work.session, people).values():
        cause = f"segment:{work.now:%Y%m%d%H%M}:{segment.name}"
        start_sops(work, state, Trigger("segment", segment.name), cause)
