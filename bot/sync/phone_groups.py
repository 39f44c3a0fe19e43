"""Phone groups: compares the groups of tags that are kept on the phones with what one agent sees, and acts on it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bot.customers.mark_tag import UNSURE, known_marks
from bot.customers.stages import mark_again
from bot.customers.state import CustomerState
from bot.customers.tag_library import marked_tags
from bot.platform.models import Follow
from bot.platform.work import Work
from bot.sync.tag_snapshot import TagSnapshot, learn_tag_ids
from bot.sync.tags_by_hand import TagsByHand
from sop.tag_sync import GroupDecision, GroupView, MarkedTags, compare_group


@dataclass(frozen=True)
class GroupComparison:
    """One group of one follow: what either side has, the ids seen, and what is to be done."""

    marked: MarkedTags
    view: GroupView
    decision: GroupDecision
    seen_ids: tuple[str, ...]


def compare_groups(work: Work, state: CustomerState, snapshot: TagSnapshot) -> Iterator[GroupComparison]:
    """Compare group by group; writes nothing but newly learned tag ids."""
    follow, policy = snapshot.follow, snapshot.policy
    if UNSURE in follow.marking and policy == "newest":
        policy = "ahead"
    for marked in marked_tags(work.settings):
        if marked.of_stages:
            continue
        known = learn_tag_ids(work.session, marked, snapshot.tags).stages
        ids = tuple(str(tag["tag_id"]) for tag in snapshot.tags if str(tag.get("tag_id")) in known)
        seen_before = frozenset(follow.tags).intersection(marked.names)
        set_before = frozenset(known[one] for one in follow.marked.get(marked.name, []) if one in known)
        maybe = frozenset(known[one] for one in known_marks(follow, marked.name) if one in known)
        view = GroupView(
            ours=frozenset(state.tags.intersection(marked.names)),
            seen=frozenset(known[one] for one in ids),
            maybe=maybe | seen_before,
            # What we set was there when an agent changes something; else only what was seen there counts.
            surely=seen_before | set_before if snapshot.changed_at else seen_before,
        )
        yield GroupComparison(marked, view, compare_group(view, policy), ids)


def take_group(work: Work, state: CustomerState, group: GroupComparison, by_hand: TagsByHand) -> None:
    """Do what was decided about one group: the agent's own changes hold, and every phone follows."""
    remember_group(by_hand.follow, group)
    by_hand.take(work, state, group.decision.take)
    by_hand.give(work, state, group.decision.give)
    if group.decision.mark:
        mark_again(work, by_hand.follow, group.marked.name)


def remember_group(follow: Follow, group: GroupComparison) -> None:
    """Store what was seen of one group as the base of the next comparison."""
    name, others = group.marked.name, set(follow.tags) - set(group.marked.names)
    if set(follow.marked.get(name, [])) != set(group.seen_ids):
        follow.marked = {**follow.marked, name: list(group.seen_ids)}
    if name in follow.marking:
        follow.marking = {key: ids for key, ids in follow.marking.items() if key != name}
    if set(follow.tags) != others | group.view.seen:
        follow.tags = sorted(others | group.view.seen)
