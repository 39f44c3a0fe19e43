"""Known: reads, for many customers at once, what the models look at (taggers.models.records)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from bot.customers.impressions import read_impressions
from bot.customers.known_further import read_acts, read_companies, read_profiles
from bot.platform.config.settings import Settings
from bot.platform.models import Customer, Evidence, Feedback, Message, Tagging
from bot.platform.models import Order as OrderRow
from bot.platform.work import Work
from taggers.models.impression import LIKED, standing
from taggers.models.records import Known, Order, Sign

AT_ONCE = 500  # ids of one IN list
PAID = "paid"


def read_known(work: Work, ids: Sequence[int]) -> dict[int, tuple[datetime, Known]]:
    """By customer: since when they are known, and what the models look at. Eight statements for every 500 of
    them, three more where a target profile asks for fields and companies."""
    found: dict[int, tuple[datetime, Known]] = {}
    for start in range(0, len(ids), AT_ONCE):
        found |= _read(work, ids[start : start + AT_ONCE])
    return found


def topics_of(settings: Settings) -> tuple[str, ...]:
    """The tags that are topics of preference."""
    groups = settings.tables.models.preference.groups
    return tuple(name for group in settings.tables.tags if group.group in groups for name in group.names)


def any_order(session: Session) -> bool:
    """Whether the business has orders at all."""
    return session.scalar(select(OrderRow.id).where(OrderRow.status == PAID).limit(1)) is not None


def _read(work: Work, ids: Sequence[int]) -> dict[int, tuple[datetime, Known]]:
    session, since = work.session, work.now - work.settings.tables.models.talk_window
    talks = _by_customer(_talks(session, ids, since))
    carried = _by_customer(_carried(session, ids))
    orders = _by_customer(_orders(session, ids))
    topics = topics_of(work.settings)
    earned = _by_customer(_earned(session, ids, topics)) if topics else {}
    told = _by_customer(read_impressions(session, ids))
    felt = {one: standing(words) for one, words in told.items()}
    profiles = _by_customer(read_profiles(work, ids))
    companies = _by_customer(read_companies(work, ids))
    acts = _by_customer(read_acts(work, ids))
    people = select(
        Customer.id, Customer.created_at, Customer.last_word_at, Customer.activity, Customer.conversion
    ).where(Customer.id.in_(ids))
    return {
        one: (
            met_at,
            Known(
                tuple(orders.get(one, ())), (*talks.get(one, ()), *([last] if last else ())),
                tuple(carried.get(one, ())), tuple(earned.get(one, ())), activity, conversion,
                LIKED.get(felt.get(one, "")), felt.get(one, ""), dict(profiles.get(one, ())),
                tuple(companies.get(one, ())), tuple(acts.get(one, ())),
            ),
        )
        for one, met_at, last, activity, conversion in session.execute(people)
    }  # fmt: skip


def _talks(session: Session, ids: Sequence[int], since: datetime) -> Iterator[tuple[int, datetime]]:
    said = select(Message.customer_id, Message.sent_at).where(
        Message.customer_id.in_(ids), Message.role == "customer", Message.sent_at > since
    )
    for customer_id, at in session.execute(said):
        if customer_id is not None:
            yield customer_id, at


def _carried(session: Session, ids: Sequence[int]) -> Iterator[tuple[int, Sign]]:
    mine = Tagging.customer_id.in_(ids), Tagging.removed_at.is_(None)
    for customer_id, tag, at in session.execute(
        select(Tagging.customer_id, Tagging.tag, Tagging.tagged_at).where(*mine)
    ):
        yield customer_id, Sign(tag, at)


def _earned(session: Session, ids: Sequence[int], topics: Sequence[str]) -> Iterator[tuple[int, Sign]]:
    hits = select(Evidence.customer_id, Evidence.tag, Evidence.hit_at)
    wrong = exists().where(Feedback.evidence_id == Evidence.id, Feedback.right.is_(False))
    mine = Evidence.customer_id.in_(ids), Evidence.tag.in_(topics), ~wrong
    for customer_id, tag, at in session.execute(hits.where(*mine)):
        yield customer_id, Sign(tag, at)


def _orders(session: Session, ids: Sequence[int]) -> Iterator[tuple[int, Order]]:
    columns = OrderRow.customer_id, OrderRow.source, OrderRow.own_id, OrderRow.amount, OrderRow.product_name
    paid = select(*columns, OrderRow.paid_at, OrderRow.ordered_at).where(
        OrderRow.customer_id.in_(ids), OrderRow.status == PAID
    )
    for row in session.execute(paid):
        at = row.paid_at or row.ordered_at
        yield row.customer_id, Order(row.amount, at, 0, f"{row.source}/{row.own_id}", row.product_name)


def _by_customer(pairs: Iterable[tuple[int, Any]]) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = defaultdict(list)
    for customer_id, one in pairs:
        found[customer_id].append(one)
    return found
