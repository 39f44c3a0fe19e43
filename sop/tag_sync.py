"""Stage sync: what is to be done where a customer's stage and the stage tags an agent sees in WeCom differ."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sop.playbook import Pipeline

Policy = Literal["newest", "ours", "wecom", "ahead"]
Deed = Literal["nothing", "mark", "move", "leave"]


@dataclass(frozen=True, slots=True)
class TagSyncDecision:
    """What to do: nothing; mark (set the board's stage tag in WeCom); move the card `to`; leave it without a tag.

    `why` is for people and empty where the two agree.
    """

    do: Deed
    to: str | None = None
    why: str = ""


AGREED = TagSyncDecision("nothing")


def compare(
    pipeline: Pipeline,
    ours: str | None,
    ours_since: datetime | None,
    base: Collection[str],
    seen: Collection[str],
    policy: Policy,
    seen_at: datetime | None = None,
) -> TagSyncDecision:
    """Decide for one agent's customer; all stages by name.

    ours: where the card stands, and since when. seen: the stages whose tags WeCom shows now. base: the stages whose
    tags we last set, are just setting, or last saw there; a tag seen beyond these was set by somebody else.
    seen_at: when it was changed, to the second, where an event told so. policy "ahead": the base is not to be
    trusted, as after a restore: what is seen may be an older tag of ours; only a stage further along moves the card.
    """
    standing = pipeline.stage(ours)
    if set(seen) == ({ours} if standing else set()):
        return AGREED
    fresh = [stage.name for stage in pipeline.stages if stage.name in seen and stage.name not in {*base, ours}]
    if fresh and policy == "ahead":
        return _ahead(pipeline, fresh[-1], ours if standing else None)
    if fresh:
        return _changed(fresh[-1], ours, ours in base, ours_since, policy, seen_at)
    if standing is None:
        return (
            AGREED
            if not seen
            else TagSyncDecision("mark", None, f"客户不在「{pipeline.name}」里，手机上却有它的标签")
        )
    if ours not in seen:
        return _missing(standing.name, base, seen, policy)
    extra = "、".join(f"「{name}」" for name in seen if name != ours)
    return TagSyncDecision("mark", ours, f"手机上多出标签{extra}")


def _changed(
    to: str, ours: str | None, settled: bool, ours_since: datetime | None, policy: Policy, seen_at: datetime | None
) -> TagSyncDecision:
    """Decide about another stage's tag on the phone: by policy; with "newest", the later change wins."""
    what = f"手机上改成了「{to}」"
    if policy == "ours":
        return TagSyncDecision("mark", ours, f"{what}，以看板为准改回")
    if policy == "wecom" or ours is None or settled or _is_later(seen_at, ours_since):
        return TagSyncDecision("move", to, what)
    return TagSyncDecision("mark", ours, f"{what}，但看板在那之后移到了「{ours}」")


def _ahead(pipeline: Pipeline, to: str, ours: str | None) -> TagSyncDecision:
    names = [stage.name for stage in pipeline.stages]
    if ours is None or names.index(to) > names.index(ours):
        return TagSyncDecision("move", to, f"手机上是「{to}」")
    return TagSyncDecision("mark", ours, f"手机上还是「{to}」")


def _missing(ours: str, base: Collection[str], seen: Collection[str], policy: Policy) -> TagSyncDecision:
    if seen:
        return TagSyncDecision("mark", ours, f"手机上还是{'、'.join(f'「{name}」' for name in seen)}")
    if ours not in base:
        return TagSyncDecision("leave" if policy == "wecom" else "mark", ours, f"手机上还没有「{ours}」")
    if policy == "wecom":
        return TagSyncDecision("leave", ours, f"手机上去掉了「{ours}」，按设置不补")
    return TagSyncDecision("mark", ours, f"手机上去掉了「{ours}」，补上：客户总在某个阶段里")


def _is_later(seen_at: datetime | None, ours_since: datetime | None) -> bool:
    """WeCom's times are whole seconds; within the same second the agent's change wins."""
    if seen_at is None or ours_since is None:
        return False
    return seen_at >= ours_since.replace(microsecond=0)
