"""Behaviour: what customers do besides talking is shown to the rules that have `on`, and tags them like words do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.customers.state import Case, Wake, open_case, open_cases
from bot.customers.tags import Occasion, context_of, record_hits
from bot.platform.config.settings import Settings
from bot.platform.models import Customer, Evidence, LinkOpening, Message, SopTask
from bot.sops.follow_up import Happened, follow_up
from taggers.occurrence import Occurrence
from taggers.rule import Rule, parse_duration

_SILENCE = re.compile(r"silence:(\w+)")
_LOOK_BACK = timedelta(days=14)  # older silences were there before the rule was


def observe(
    session: Session, settings: Settings, case: Case, seen: Occurrence, now: datetime, message: Message | None = None
) -> list[str]:
    """Show one occurrence to the rules; returns the tags it confirmed. The same occurrence counts once."""
    hits = settings.book.observe(seen, context_of(settings, case, seen.at))
    if not hits:
        return []
    mine = select(Evidence.rule_id).where(
        Evidence.customer_id == case.customer.id, Evidence.occasion == seen.id[:128]
    )
    counted = set(session.scalars(mine))
    occasion = Occasion(seen.id, seen.at, message.id if message else None, message.msgid if message else None)
    return record_hits(session, settings, case, [h for h in hits if h.rule_id not in counted], occasion, now)


def observe_message(
    session: Session, settings: Settings, case: Case, message: Message, now: datetime, *, first: bool
) -> list[str]:
    """The message itself as behaviour: its kind, its hour, whether it is the first ever."""
    hour = message.sent_at.astimezone(settings.zone).hour
    seen = Occurrence("message", message.sent_at, message.msgid, message_kind=message.kind, hour=hour, first=first)
    return observe(session, settings, case, seen, now, message)


def observe_window(
    session: Session, settings: Settings, case: Case, task: SopTask, now: datetime, *, replied: bool
) -> list[str]:
    """A sent step was answered within its window, or the window closed in silence."""
    at = (task.replied_at if replied else task.window_until) or now
    seen = Occurrence(
        "replied" if replied else "not-replied",
        at,
        f"window:{task.id}",
        sop=task.enrolment.sop_id,
        step=task.step + 1,
    )
    return observe(session, settings, case, seen, now)


def observe_and_follow(
    session: Session, settings: Settings, case: Case, seen: Occurrence, now: datetime, wake: Wake
) -> list[str]:
    """An occurrence on its own, with everything that follows from its tags."""
    before = case.tags
    tags = observe(session, settings, case, seen, now)
    if tags:
        fresh = [tag for tag in tags if tag not in before]
        follow_up(session, settings, case, Happened(seen.id, tags=tags, fresh=fresh), now, wake)
    return tags


def observe_silences(session: Session, settings: Settings, now: datetime, wake: Wake, limit: int = 500) -> int:
    """Show every silence that has just grown as long as a rule waits for; returns how many there were."""
    shown = 0
    for rule, length in _silence_rules(settings):
        noticed = select(Evidence.id).where(
            Evidence.customer_id == Customer.id, Evidence.rule_id == rule.id, Evidence.hit_at > Customer.last_word_at
        )
        quiet = select(Customer).where(
            Customer.last_word_at <= now - length,
            Customer.last_word_at > now - length - _LOOK_BACK,
            ~noticed.exists(),
        )
        for case in open_cases(session, session.scalars(quiet.limit(limit)).all()).values():
            spoke = case.customer.last_word_at or now
            key = f"silence:{int(spoke.timestamp())}:{int(length.total_seconds())}"
            seen = Occurrence("silence", now, key, length=length, previous=length - timedelta(seconds=1))
            shown += bool(observe_and_follow(session, settings, case, seen, now, wake))
    return shown


def observe_openings(session: Session, settings: Settings, now: datetime, wake: Wake, limit: int = 500) -> int:
    """Show the openings of tracked links that nobody has looked at yet; returns how many there were."""
    rows = session.scalars(select(LinkOpening).where(LinkOpening.handled_at.is_(None)).limit(limit)).all()
    for row in rows:
        case = open_case(session, session.get_one(SopTask, row.task_id).customer)
        seen = Occurrence("link-opened", row.opened_at, f"link:{row.id}", link=row.title)
        observe_and_follow(session, settings, case, seen, now, wake)
        row.handled_at = now
    return len(rows)


def _silence_rules(settings: Settings) -> Iterator[tuple[Rule, timedelta]]:
    for rule in settings.tables.rules:
        for written in rule.on:
            matched = _SILENCE.fullmatch(written)
            if matched is not None:
                yield rule, parse_duration(matched[1])
