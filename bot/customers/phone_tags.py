"""Phone tags: has the tags of groups that say `phone` set on every agent's contact, by the way that stages' tags go.

Whoever gives or takes such a tag notes it here; the calls are put out once for each contact and group, and what to
set is read when they are delivered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import select

from bot.customers.marks import known_marks
from bot.customers.stages import put_mark
from bot.customers.state import CustomerState
from bot.platform.config.settings import Settings
from bot.platform.database.write_rows import write_rows
from bot.platform.models import Follow
from bot.platform.work import Work
from sop.tag_sync import MarkedTags


def groups_of(settings: Settings, tag: str) -> list[str]:
    """The groups kept on the phones that have this tag."""
    return [group.group for group in settings.tables.tags if group.phone and tag in group.names]


def ordinary_tags(settings: Settings) -> frozenset[str]:
    """The tags of groups that are not kept on the phones, which agents set there as they like."""
    return frozenset(name for group in settings.tables.tags if not group.phone for name in group.names)


def surely_shown(settings: Settings, follow: Follow, marked: MarkedTags, ids: Mapping[str, str]) -> set[str]:
    """The ids of a group's tags that were seen on this phone and not taken off by us since.

    ids: by name. Of a group that was not kept on the phones until now: what was seen there as an agent's own.
    """
    if marked.name in follow.shown:
        return set(follow.shown[marked.name])
    seen = set(follow.tags) - ordinary_tags(settings)
    return {ids[tag] for tag in seen if tag in ids}


def groups_to_show(settings: Settings, state: CustomerState, follow: Follow) -> list[str]:
    """The groups kept on the phones of which a customer carries a tag, or this contact may still show one."""
    groups = (group for group in settings.tables.tags if group.phone)
    return [g.group for g in groups if state.tags.intersection(g.names) or known_marks(follow, g.group)]


def marked_names(settings: Settings, state: CustomerState, follow: Follow) -> list[str]:
    """What another agent's contact with this customer has to show: the pipelines they are in, and groups."""
    return [*state.placements, *groups_to_show(settings, state, follow)]


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
    """A call for each present contact and group, unless one was put out in this very transaction.

    One that waits since before is not enough: it may be taken right now, with what was true until now.
    """
    if not groups:
        return
    mine = ((row.payload["follow_id"], row.payload["pipeline"]) for row in work.leaving if row.kind == "mark_tag")
    waiting = set(mine)
    follows = select(Follow).where(Follow.customer_id.in_(groups), Follow.ended_at.is_(None)).order_by(Follow.id)
    for follow in work.session.scalars(follows):
        for name in sorted(groups[follow.customer_id]):
            if (follow.id, name) not in waiting:
                follow.marks += 1
                put_mark(work, follow, name, f"again:{follow.marks}")
