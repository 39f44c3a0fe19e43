"""Phone tags: has the tags of groups that say `phone` set on every agent's contact, by the way that stages' tags go.

Whoever gives or takes such a tag notes it here; the calls are put out once for each contact and group, and what to
set is read when they are delivered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import select

from bot.customers.stages import put_mark
from bot.customers.state import CustomerState
from bot.platform.config.settings import Settings
from bot.platform.database.write_rows import write_rows
from bot.platform.models import Follow, Outbox
from bot.platform.work import Work


def phone_tags(settings: Settings) -> frozenset[str]:
    """All tags that are kept on the phones."""
    return frozenset(name for group in settings.tables.tags if group.phone for name in group.names)


def groups_of(settings: Settings, tag: str) -> list[str]:
    """The groups kept on the phones that have this tag."""
    return [group.group for group in settings.tables.tags if group.phone and tag in group.names]


def groups_carried(settings: Settings, state: CustomerState) -> list[str]:
    """The groups kept on the phones of which a customer carries a tag."""
    return [group.group for group in settings.tables.tags if group.phone and state.tags.intersection(group.names)]


def marked_names(settings: Settings, state: CustomerState) -> list[str]:
    """What another agent's contact with this customer has to show: the pipelines they are in, and groups."""
    return [*state.placements, *groups_carried(settings, state)]


def note_tag(work: Work, customer_id: int, tag: str) -> None:
    """Have the phones follow a tag that was given or taken; of a batch at its end."""
    note_tags(work, {customer_id: groups_of(work.settings, tag)})


def note_tags(work: Work, changed: Mapping[int, Sequence[str]]) -> None:
    """The same of many: by customer, the groups of which a tag was given or taken."""
    groups = {customer: names for customer, names in changed.items() if names}
    if work.batch is None:
        _put_out(work, groups)
        return
    for customer, names in groups.items():
        work.batch.retagged.setdefault(customer, set()).update(names)


def settle_phone_tags(work: Work) -> None:
    """Put out what a batch has changed, by a few statements for all of its customers."""
    if work.batch is not None and work.batch.retagged:
        write_rows(work.session)
        _put_out(work, work.batch.retagged)


def _put_out(work: Work, groups: Mapping[int, Sequence[str] | set[str]]) -> None:
    """A call for each present contact and group, unless one waits already, which will read what is true then."""
    if not groups:
        return
    rows = select(Outbox.customer_id, Outbox.agent_id, Outbox.payload).where(
        Outbox.kind == "mark_tag", Outbox.state == "waiting", Outbox.customer_id.in_(groups)
    )
    waiting = {(customer, agent, payload["pipeline"]) for customer, agent, payload in work.session.execute(rows)}
    follows = select(Follow).where(Follow.customer_id.in_(groups), Follow.ended_at.is_(None)).order_by(Follow.id)
    for follow in work.session.scalars(follows):
        for name in sorted(groups[follow.customer_id]):
            if (follow.customer_id, follow.agent_id, name) not in waiting:
                follow.marks += 1
                put_mark(work, follow, name, f"again:{follow.marks}")
