"""Behaviour: turns silences and opened links into tags, and lets moves and SOPs follow from them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import select

from bot.customers.behaviour import observe
from bot.customers.state import CustomerState, load_customer, load_customers
from bot.platform.config.settings import Settings
from bot.platform.models import Customer, Evidence, LinkOpening, SopTask
from bot.platform.work import Work
from bot.sops.follow_up import CustomerEvent, follow_up
from taggers.occurrence import Occurrence
from taggers.rule import Rule, parse_duration

_SILENCE = re.compile(r"silence:(\w+)")
_LOOK_BACK = timedelta(days=14)  # a longer silence had begun before the rule was written


def observe_and_follow(work: Work, state: CustomerState, seen: Occurrence) -> list[str]:
    """Show one occurrence to the rules and carry out what follows from its tags; returns the tags."""
    before = state.tags
    tags = observe(work, state, seen)
    if tags:
        fresh = [tag for tag in tags if tag not in before]
        follow_up(work, state, CustomerEvent(seen.id, tags=tags, fresh=fresh))
    return tags


def observe_event(work: Work, state: CustomerState, seen: Occurrence, event: CustomerEvent) -> None:
    """An occurrence that is an event as well: what follows from the event, and from the tags it confirms."""
    before = state.tags
    tags = observe(work, state, seen)
    follow_up(work, state, replace(event, tags=tags, fresh=[tag for tag in tags if tag not in before]))


def observe_silences(work: Work, limit: int = 500) -> int:
    """Show every silence that has just grown as long as a rule waits for; returns how many there were."""
    shown = 0
    for rule, length in silence_rules(work.settings):
        noticed = select(Evidence.id).where(
            Evidence.customer_id == Customer.id, Evidence.rule_id == rule.id, Evidence.hit_at > Customer.last_word_at
        )
        quiet = select(Customer).where(
            Customer.last_word_at <= work.now - length,
            Customer.last_word_at > work.now - length - _LOOK_BACK,
            ~noticed.exists(),
        )
        for state in load_customers(work.session, work.session.scalars(quiet.limit(limit)).all()).values():
            spoke = state.customer.last_word_at or work.now
            key = f"silence:{int(spoke.timestamp())}:{int(length.total_seconds())}"
            seen = Occurrence("silence", work.now, key, length=length, previous=length - timedelta(seconds=1))
            shown += bool(observe_and_follow(work, state, seen))
    return shown


def observe_openings(work: Work, limit: int = 500) -> int:
    """Show the openings of tracked links that were not handled yet; returns how many there were."""
    rows = work.session.scalars(select(LinkOpening).where(LinkOpening.handled_at.is_(None)).limit(limit)).all()
    for row in rows:
        state = load_customer(work.session, work.session.get_one(SopTask, row.task_id).customer)
        seen = Occurrence("link-opened", row.opened_at, f"link:{row.id}", link=row.title)
        observe_and_follow(work, state, seen)
        row.handled_at = work.now
    return len(rows)


def silence_rules(settings: Settings) -> Iterator[tuple[Rule, timedelta]]:
    for rule in settings.tables.rules:
        for written in rule.on:
            matched = _SILENCE.fullmatch(written)
            if matched is not None:
                yield rule, parse_duration(matched[1])
