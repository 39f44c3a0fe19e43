"""Phone groups: compares the groups of tags that are kept on the phones with what one agent sees, and acts on it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from bot.customers.marks import UNSURE, known_marks
from bot.customers.phone_tags import ordinary_tags, surely_shown
from bot.customers.stages import mark_again
from bot.customers.state import CustomerState
from bot.customers.tag_library import former_tags, phone_groups
from bot.platform.config.settings import Settings
from bot.platform.models import Follow
from bot.platform.work import Work
from bot.sync.tag_snapshot import TagSnapshot, learn_tag_ids
from bot.sync.tags_by_hand import TagsByHand
from sop.tag_sync import GroupDecision, GroupView, MarkedTags, Policy, compare_group


@dataclass(frozen=True)
class GroupComparison:
    """One group of one follow: what either side has, the ids seen, and what is to be done."""

    marked: MarkedTags
    view: GroupView
    decision: GroupDecision
    seen_ids: tuple[str, ...]


def compare_groups(work: Work, state: CustomerState, snapshot: TagSnapshot) -> Iterator[GroupComparison]:
    """Compare group by group; writes nothing but newly learned tag ids."""
    policy = snapshot.policy
    if UNSURE in snapshot.follow.marking and policy == "newest":
        policy = "ahead"
    for marked in phone_groups(work.settings):
        yield _compare(work, state, snapshot, marked, policy)


def _compare(
    work: Work, state: CustomerState, snapshot: TagSnapshot, marked: MarkedTags, policy: Policy
) -> GroupComparison:
    follow, library = snapshot.follow, learn_tag_ids(work.session, marked, snapshot.tags)
    known = library.stages
    seen = [str(tag["tag_id"]) for tag in snapshot.tags if tag.get("tag_id")]
    sure = surely_shown(work.settings, follow, marked, library.ids)
    ours = known_marks(follow, marked.name) | sure
    former = former_tags(work.session, marked) if ours - set(known) else set()
    over = [one for one in seen if one in ours & former]
    if snapshot.changed_at:  # what we set was there when an agent changes something; else only what was seen counts
        sure |= set(follow.marked.get(marked.name, []))
    view = GroupView(
        # what WeCom does not let us make cannot be shown
        ours=frozenset(state.tags.intersection(library.ids)),
        seen=frozenset(known[one] for one in seen if one in known),
        maybe=frozenset(known[one] for one in ours if one in known),
        surely=frozenset(known[one] for one in sure if one in known),
    )
    decision = compare_group(view, policy)
    decision = replace(decision, mark=True) if over else decision
    return GroupComparison(marked, view, decision, tuple(one for one in seen if one in known or one in over))


def take_group(work: Work, state: CustomerState, group: GroupComparison, by_hand: TagsByHand) -> None:
    """Do what was decided about one group: the agent's own changes hold, and every phone follows."""
    remember_group(work.settings, by_hand.follow, group)
    by_hand.take(work, state, group.decision.take)
    by_hand.give(work, state, group.decision.give)
    if group.decision.mark:
        mark_again(work, by_hand.follow, group.marked.name)


def remember_group(settings: Settings, follow: Follow, group: GroupComparison) -> None:
    """Store what was seen of one group as the base of the next comparison."""
    name, ids = group.marked.name, list(group.seen_ids)
    if set(follow.marked.get(name, [])) != set(ids):
        follow.marked = {**follow.marked, name: ids}
    if name not in follow.shown or set(follow.shown[name]) != set(ids):
        follow.shown = {**follow.shown, name: ids}
    if name in follow.marking:
        follow.marking = {key: left for key, left in follow.marking.items() if key != name}
    agents_own = ordinary_tags(settings)
    kept = [tag for tag in follow.tags if tag in agents_own or tag not in group.marked.names]
    if kept != follow.tags:
        follow.tags = kept
