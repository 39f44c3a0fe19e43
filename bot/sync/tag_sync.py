"""Tag sync: a stage tag changed in WeCom moves the card, an ordinary tag becomes a Tagging."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bot.customers.marks import UNSURE, known_marks
from bot.customers.stages import Cause, make_move, mark_again, owner_of
from bot.customers.state import CustomerState, last_move
from bot.platform.models import Follow
from bot.platform.work import Work
from bot.sops.undoing import after_hand_move
from bot.sync.ordinary_tags import ordinary_change, remember_ordinary
from bot.sync.phone_groups import compare_groups, take_group
from bot.sync.tag_snapshot import TagSnapshot, learn_tag_ids
from bot.sync.tags_by_hand import TagsByHand
from sop.pipeline import Pipeline
from sop.scope import is_for_agent
from sop.stages import Move, move_to
from sop.tag_sync import TagSyncDecision, compare, tags_of_stages


@dataclass(frozen=True)
class StageComparison:
    """One pipeline of one follow: the board's stage, the tags in WeCom, and what is to be done."""

    pipeline: Pipeline
    decision: TagSyncDecision
    ours: str | None
    seen: tuple[str, ...]
    seen_ids: tuple[str, ...]


def compare_stages(work: Work, state: CustomerState, snapshot: TagSnapshot) -> Iterator[StageComparison]:
    """Compare the stage tags seen with the board, pipeline by pipeline; writes nothing but newly learned tag ids."""
    follow, policy = snapshot.follow, snapshot.policy
    if UNSURE in follow.marking and policy == "newest":
        policy = "ahead"
    for pipeline in work.settings.pipelines:
        if not is_for_agent(pipeline, owner_of(follow.agent)):
            continue
        known = learn_tag_ids(work.session, tags_of_stages(pipeline), snapshot.tags)
        ids = [str(tag["tag_id"]) for tag in snapshot.tags if str(tag.get("tag_id")) in known.stages]
        seen = tuple(known.stages[tag_id] for tag_id in ids)
        base = [known.stages[tag_id] for tag_id in known_marks(follow, pipeline.name) if tag_id in known.stages]
        placement = state.placements.get(pipeline.name)
        ours, since = (placement.stage, placement.entered_at) if placement else (None, None)
        decision = compare(pipeline, ours, since, base, seen, policy, snapshot.changed_at)
        yield StageComparison(pipeline, decision, ours, seen, tuple(ids))


def read_back(work: Work, state: CustomerState, snapshot: TagSnapshot) -> bool:
    """Take in the tags of one agent's customer and do what follows; False where they must be read again (stale)."""
    for compared in compare_stages(work, state, snapshot):
        if snapshot.stale:
            if compared.decision.do != "nothing":
                return False
            continue
        remember(snapshot.follow, compared)
        _apply(work, state, snapshot, compared)
    by_hand = TagsByHand(snapshot.follow)
    for group in compare_groups(work, state, snapshot):
        if snapshot.stale and not group.decision.agrees:
            return False
        if not snapshot.stale:
            take_group(work, state, group, by_hand)
    if UNSURE in snapshot.follow.marking:
        snapshot.follow.marking = {key: ids for key, ids in snapshot.follow.marking.items() if key != UNSURE}
    return _read_tags(work, state, snapshot, by_hand)


def remember(follow: Follow, compared: StageComparison) -> None:
    """Store the stage tags seen of one pipeline as the base of the next comparison."""
    name = compared.pipeline.name
    if set(follow.marked.get(name, [])) != set(compared.seen_ids):
        follow.marked = {**follow.marked, name: list(compared.seen_ids)}
    if name in follow.marking:
        follow.marking = {key: ids for key, ids in follow.marking.items() if key != name}


def _apply(work: Work, state: CustomerState, snapshot: TagSnapshot, compared: StageComparison) -> None:
    pipeline, decision, follow = compared.pipeline, compared.decision, snapshot.follow
    if decision.do == "mark":
        mark_again(work, follow, pipeline.name)
    elif decision.do == "move" and decision.to is not None:
        move = move_to(pipeline, compared.ours, decision.to, "wecom")
        if isinstance(move, Move):
            evidence = f"{follow.agent.shown_name}：{decision.why}" if snapshot.changed_at else decision.why
            who = follow.agent.userid
            before = last_move(work.session, state, pipeline.name)
            moved = make_move(work, state, pipeline, move, Cause(who, evidence=evidence))
            after_hand_move(work, state, moved, before, follow.agent)


def _read_tags(work: Work, state: CustomerState, snapshot: TagSnapshot, by_hand: TagsByHand) -> bool:
    """Give declared ordinary tags that are new in WeCom, and end those that are gone there; False as read_back."""
    change = ordinary_change(work, state, snapshot)
    if snapshot.stale and change.released:  # what we set of them is not settled yet
        return False
    remember_ordinary(work.settings, snapshot.follow, change)
    by_hand.take(work, state, change.taken)
    by_hand.give(work, state, change.given)
    by_hand.settle(work, state)
    return True
