"""Tag sync: a stage tag changed in WeCom moves the card, an ordinary tag becomes a Tagging."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from bot.agents.manual_moves import last_move
from bot.customers.mark_tag import UNSURE, known_marks
from bot.customers.stages import Cause, make_move, mark_again, owner_of
from bot.customers.state import CustomerState
from bot.customers.tag_library import StageTags, save_tags, stage_tags
from bot.customers.tags import TagSource, give_tag, take_tag
from bot.platform.config.settings import Settings
from bot.platform.models import Follow
from bot.platform.work import Work
from bot.sops.follow_up import CustomerEvent, follow_up
from bot.sops.undoing import after_hand_move
from sop.playbook import Pipeline
from sop.scope import is_for_agent
from sop.stages import Move, move_to
from sop.tag_sync import Policy, TagSyncDecision, compare

Tags = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class TagSnapshot:
    """WeCom's tags of one agent's customer, as {tag_id, tag_name, group_name}.

    changed_at: when an agent changed them, where an event told so. stale: we wrote while they were being read, so
    that nothing can be concluded from a difference.
    """

    follow: Follow
    tags: Tags
    policy: Policy
    changed_at: datetime | None = None
    stale: bool = False


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
        known = _learn_tag_ids(work.session, pipeline, stage_tags(work.session, pipeline), snapshot.tags)
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
    if UNSURE in snapshot.follow.marking:
        snapshot.follow.marking = {key: ids for key, ids in snapshot.follow.marking.items() if key != UNSURE}
    _read_tags(work, state, snapshot)
    return True


def declared_tags(settings: Settings, tags: Tags) -> set[str]:
    """The tags of [[tags]] groups among those seen: group and name must both be as declared."""
    declared = {(group.group, name) for group in settings.tables.tags for name in group.names}
    return {name for _, name in declared & {(str(t.get("group_name")), str(t.get("tag_name"))) for t in tags}}


def _learn_tag_ids(session: Session, pipeline: Pipeline, known: StageTags, tags: Tags) -> StageTags:
    """Learn the ids of stage tags that a person created in WeCom: right group, a stage's name, no known id yet."""
    fresh = {
        tag["tag_name"]: str(tag["tag_id"])
        for tag in tags
        if tag.get("tag_id")
        and tag.get("group_name") == known.group_name
        and pipeline.stage(tag.get("tag_name")) is not None
        and tag["tag_name"] not in known.ids
        and str(tag["tag_id"]) not in known.stages
    }
    save_tags(
        session,
        [
            {
                "tag_id": tag_id,
                "group_id": "",
                "group_name": known.group_name,
                "name": stage,
                "pipeline": pipeline.name,
                "stage": stage,
            }
            for stage, tag_id in fresh.items()
        ],
    )
    return StageTags(known.group_name, {**known.ids, **fresh})


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


def _read_tags(work: Work, state: CustomerState, snapshot: TagSnapshot) -> None:
    """Give declared ordinary tags that are new in WeCom, and end those that are gone there."""
    follow = snapshot.follow
    seen, before = declared_tags(work.settings, snapshot.tags), set(follow.tags)
    if seen == before:
        return
    follow.tags = sorted(seen)
    who = follow.agent
    elsewhere = {tag for other in state.active_follows if other is not follow for tag in other.tags}
    for tag in sorted(before - seen - elsewhere):
        take_tag(work, state, tag, f"{who.shown_name} 在企业微信里取消")
    given = sorted(seen - before)
    reason = f"{who.shown_name} 在企业微信里打的标签"
    fresh = [tag for tag in given if give_tag(work, state, tag, TagSource("wecom", reason))]
    work.session.flush()
    if given:
        cause = f"wecom:{follow.id}:{int(work.now.timestamp() * 1000)}"
        happened = CustomerEvent(cause, tags=given, fresh=fresh, agent=who, who=who.userid)
        follow_up(work, state, happened)
