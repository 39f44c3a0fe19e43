"""Tag sync: what is to be done where the board and the tags that an agent sees on a customer in WeCom differ."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sop.pipeline import Pipeline

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


@dataclass(frozen=True, slots=True)
class MarkedTags:
    """Tags that are kept on the agents' phones, in WeCom's group `name`: the stages of a pipeline, or a group."""

    name: str
    names: tuple[str, ...]
    of_stages: bool = False


def tags_of_stages(pipeline: Pipeline) -> MarkedTags:
    """The tags of a pipeline's stages."""
    return MarkedTags(pipeline.name, tuple(stage.name for stage in pipeline.stages), of_stages=True)


@dataclass(frozen=True, slots=True)
class GroupDecision:
    """What to do about one group of tags: give and take these, as an agent did by hand; mark: set the phone anew."""

    give: tuple[str, ...] = ()
    take: tuple[str, ...] = ()
    mark: bool = False

    @property
    def agrees(self) -> bool:
        return self == IN_AGREEMENT


IN_AGREEMENT = GroupDecision()


@dataclass(frozen=True, slots=True)
class GroupView:
    """One group of tags of one agent's customer, by name.

    ours: what the customer carries. seen: what WeCom shows now. maybe: what we last set, are just setting or last
    saw there: a tag beyond these was added by somebody else. surely: what was there for sure, so that its absence
    means that somebody took it off; a call of ours that did not get through means nothing.
    """

    ours: frozenset[str]
    seen: frozenset[str]
    maybe: frozenset[str]
    surely: frozenset[str]


def compare_group(view: GroupView, policy: Policy) -> GroupDecision:
    """Decide about a group that is kept on the phones: what a person did there by hand holds, else the board does.

    policy "ours": the board holds in any case. "ahead": as after a restore, what is missing was perhaps never set.
    """
    added = view.seen - view.maybe - view.ours if policy != "ours" else frozenset()
    gone = (view.ours & view.surely) - view.seen if policy in ("newest", "wecom") else frozenset()
    wanted = (view.ours | added) - gone
    return GroupDecision(tuple(sorted(added)), tuple(sorted(gone)), mark=wanted != view.seen)


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
