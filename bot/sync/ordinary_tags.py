"""Ordinary tags: what an agent changed on the phone of the tags that are set there by hand alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bot.customers.marks import known_marks
from bot.customers.phone_tags import ordinary_tags
from bot.customers.state import CustomerState
from bot.customers.tag_library import library_tags
from bot.platform.config.settings import Settings
from bot.platform.models import Follow
from bot.platform.work import Work
from bot.sync.tag_snapshot import Tags, TagSnapshot
from sop.tag_sync import MarkedTags


@dataclass(frozen=True)
class OrdinaryChange:
    """The declared ordinary tags that one phone shows, and of these what an agent gave and took since.

    released: groups that were kept on the phones until lately; what we set of them is no agent's doing.
    """

    seen: frozenset[str]
    given: frozenset[str]
    taken: frozenset[str]
    released: tuple[str, ...] = ()


def ordinary_change(work: Work, state: CustomerState, snapshot: TagSnapshot) -> OrdinaryChange:
    """Compare with what was seen the last time; writes nothing."""
    follow, settings = snapshot.follow, work.settings
    seen, before = declared_tags(settings, snapshot.tags), set(follow.tags) & ordinary_tags(settings)
    maybe, released = set[str](), []
    for group in _released(settings, follow):
        known = library_tags(work.session, group).stages
        here = {str(tag.get("tag_id")) for tag in snapshot.tags}
        seen |= {name for one, name in known.items() if one in here}  # though the group was renamed in WeCom
        before |= {known[one] for one in follow.shown.get(group.name, []) if one in known}
        maybe |= {known[one] for one in known_marks(follow, group.name) if one in known}
        released.append(group.name)
    elsewhere = {tag for other in state.active_follows if other is not follow for tag in other.tags}
    return OrdinaryChange(
        frozenset(seen), frozenset(seen - before - maybe), frozenset(before - seen - elsewhere), tuple(released)
    )


def remember_ordinary(settings: Settings, follow: Follow, change: OrdinaryChange) -> None:
    """Store what was seen as the base of the next comparison; a tag that is not declared now stays as it was."""
    seen = sorted(change.seen | (set(follow.tags) - ordinary_tags(settings)))
    if seen != follow.tags:
        follow.tags = seen
    if change.released:
        follow.marked, follow.marking, follow.shown = (
            {name: ids for name, ids in one.items() if name not in change.released}
            for one in (follow.marked, follow.marking, follow.shown)
        )


def declared_tags(settings: Settings, tags: Tags) -> set[str]:
    """The tags of [[tags]] groups among those seen: group and name must both be as declared.

    Without the groups that are kept on the phones, which are compared by themselves (bot.sync.phone_groups).
    """
    declared = {(group.group, name) for group in settings.tables.tags if not group.phone for name in group.names}
    return {name for _, name in declared & {(str(t.get("group_name")), str(t.get("tag_name"))) for t in tags}}


def _released(settings: Settings, follow: Follow) -> Iterator[MarkedTags]:
    """The groups that are not kept on the phones any more, but that this phone may still show our tags of."""
    pipelines = {pipeline.name for pipeline in settings.pipelines}
    for group in settings.tables.tags:
        known = group.group in follow.shown or group.group in follow.marked or group.group in follow.marking
        if known and not group.phone and group.group not in pipelines:
            yield MarkedTags(group.group, group.names)
