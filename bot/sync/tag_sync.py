"""The phone's tags read back: a stage tag changed there moves the card, an ordinary one becomes a Tagging."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from bot.customers.mark_tag import known_marks
from bot.customers.stages import Cause, make_move, mark_again, owner_of
from bot.customers.state import CustomerState
from bot.customers.tag_library import StageTags, save_tags, stage_tags
from bot.customers.tags import TagSource, give_tag, take_tag
from bot.platform.config.settings import Settings
from bot.platform.models import Follow
from bot.platform.work import Work
from bot.sops.enrolment import after_moves
from bot.sops.follow_up import CustomerEvent, follow_up
from sop.playbook import Pipeline
from sop.scope import is_for_agent
from sop.stages import Move, move_to
from sop.syncing import Policy, TagSyncDecision, compare

Tags = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Reading:
    """What one agent's phone shows of his customer: WeCom's tags as {tag_id, tag_name, group_name}.

    changed_at: when it was changed there, where an event told so. stale: we wrote while it was being read.
    """

    follow: Follow
    tags: Tags
    policy: Policy
    changed_at: datetime | None = None
    stale: bool = False


@dataclass(frozen=True)
class Compared:
    """One pipeline of one follow: board, phone and what is to be done."""

    pipeline: Pipeline
    verdict: TagSyncDecision
    ours: str | None
    seen: tuple[str, ...]
    seen_ids: tuple[str, ...]


def compare_stages(work: Work, state: CustomerState, reading: Reading) -> Iterator[Compared]:
    """Hold the stage tags seen against the board, one pipeline after another; changes nothing but what we know
    of tag ids."""
    follow = reading.follow
    for pipeline in work.settings.pipelines:
        if not is_for_agent(pipeline, owner_of(follow.agent)):
            continue
        known = _learn(work.session, pipeline, stage_tags(work.session, pipeline), reading.tags)
        ids = [str(tag["tag_id"]) for tag in reading.tags if str(tag.get("tag_id")) in known.stages]
        seen = tuple(known.stages[tag_id] for tag_id in ids)
        base = [known.stages[tag_id] for tag_id in known_marks(follow, pipeline.name) if tag_id in known.stages]
        placement = state.placements.get(pipeline.name)
        ours, since = (placement.stage, placement.entered_at) if placement else (None, None)
        verdict = compare(pipeline, ours, since, base, seen, reading.policy, reading.changed_at)
        yield Compared(pipeline, verdict, ours, seen, tuple(ids))


def read_back(work: Work, state: CustomerState, reading: Reading) -> bool:
    """Take in what a phone shows and do what follows; False where it must be read again: we wrote meanwhile."""
    for compared in compare_stages(work, state, reading):
        if reading.stale:
            if compared.verdict.do != "nothing":
                return False
            continue
        remember(reading.follow, compared)
        _carry_out(work, state, reading, compared)
    _read_tags(work, state, reading)
    return True


def declared_tags(settings: Settings, tags: Tags) -> set[str]:
    """The tags of [[tags]] groups among those seen: group and name must both be as declared."""
    declared = {(group.group, name) for group in settings.tables.tags for name in group.names}
    return {name for _, name in declared & {(str(t.get("group_name")), str(t.get("tag_name"))) for t in tags}}


def _learn(session: Session, pipeline: Pipeline, known: StageTags, tags: Tags) -> StageTags:
    """A tag of the group that bears a stage's name stands for it, where none did yet: a person has made it."""
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


def remember(follow: Follow, compared: Compared) -> None:
    """Note what the phone shows of one pipeline."""
    name = compared.pipeline.name
    if set(follow.marked.get(name, [])) != set(compared.seen_ids):
        follow.marked = {**follow.marked, name: list(compared.seen_ids)}
    if name in follow.marking:
        follow.marking = {key: ids for key, ids in follow.marking.items() if key != name}


def _carry_out(work: Work, state: CustomerState, reading: Reading, compared: Compared) -> None:
    pipeline, verdict, follow = compared.pipeline, compared.verdict, reading.follow
    if verdict.do == "mark":
        mark_again(work, state, follow, pipeline.name)
    elif verdict.do == "move" and verdict.to is not None:
        decided = move_to(pipeline, compared.ours, verdict.to, "wecom")
        if isinstance(decided, Move):
            evidence = f"{follow.agent.shown_name}：{verdict.why}" if reading.changed_at else verdict.why
            who = follow.agent.userid
            moved = make_move(work, state, pipeline, decided, Cause(who, evidence=evidence))
            after_moves(work, state, [moved], follow.agent)


def _read_tags(work: Work, state: CustomerState, reading: Reading) -> None:
    """Declared ordinary tags: those new on the phone are given, those gone from it end."""
    follow = reading.follow
    seen, before = declared_tags(work.settings, reading.tags), set(follow.tags)
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
