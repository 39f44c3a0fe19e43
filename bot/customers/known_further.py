"""Known further: reads fields, companies and acts of many customers, for the target profile and the quality list."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import select

from bot.platform.models import BusinessEvent, Customer, CustomerField, Follow, LinkOpening, SopTask
from bot.platform.work import Work
from taggers.models.records import Sign


def read_profiles(work: Work, ids: Sequence[int]) -> Iterator[tuple[int, tuple[str, str]]]:
    """The fields that the target profile asks for: (name, value as it is kept)."""
    names = {one.field for one in work.settings.tables.models.target.fields}
    if names:
        kept = select(CustomerField).where(CustomerField.customer_id.in_(ids), CustomerField.name.in_(names))
        for row in work.session.scalars(kept):
            yield row.customer_id, (row.name, row.value)


def read_companies(work: Work, ids: Sequence[int]) -> Iterator[tuple[int, str]]:
    """What their companies are called, by WeCom and by our own people; only where a list of companies is kept."""
    if not work.settings.tables.models.target.accounts:
        return
    own = select(Customer.id, Customer.corp_name).where(Customer.id.in_(ids))
    ours = select(Follow.customer_id, Follow.remark_corp_name)
    ours = ours.where(Follow.customer_id.in_(ids), Follow.ended_at.is_(None))
    for query in (own, ours):
        for customer_id, name in work.session.execute(query):
            if name:
                yield customer_id, name


def read_acts(work: Work, ids: Sequence[int]) -> Iterator[tuple[int, Sign]]:
    """The events that other systems told of and the links that they opened, within the window of the list."""
    since = work.now - work.settings.tables.models.quality.window
    events = select(BusinessEvent.customer_id, BusinessEvent.name, BusinessEvent.at)
    events = events.where(BusinessEvent.customer_id.in_(ids), BusinessEvent.at > since)
    opened = select(SopTask.customer_id, LinkOpening.title, LinkOpening.opened_at)
    opened = opened.join(SopTask, SopTask.id == LinkOpening.task_id)
    opened = opened.where(SopTask.customer_id.in_(ids), LinkOpening.opened_at > since)
    for query in (events, opened):
        for customer_id, name, at in work.session.execute(query):
            yield customer_id, Sign(name, at)
