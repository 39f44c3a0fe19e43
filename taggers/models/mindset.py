"""Mindset: 迷茫, 探索, 评估 or 决策, by the latest tag that shows it; and restrictions that bad credit brings.

Formula: of the tags carried that an entry of `mindset` names, the latest counts; of several of one moment the one
further along. Who is lost in the fog (迷茫) needs an answer and no promotion: steps may say not_for = ["迷茫"].
Credit is never a number: a tag that speaks against it stands only with the restriction that goes with it.
Source: the house's articles.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from taggers.models.records import Sign
from taggers.models.terms import Credit, Mindset
from taggers.translatable import Translatable

MINDSETS = (Translatable("迷茫"), Translatable("探索"), Translatable("评估"), Translatable("决策"))


@dataclass(frozen=True, slots=True)
class Mind:
    """A mindset ("" where nothing shows one) and why."""

    name: str
    why: str = ""


def mindset_of(carried: Iterable[Sign], mindsets: Sequence[Mindset]) -> Mind:
    """What the customer is about, by the tags they carry."""
    meant: Mapping[str, int] = {tag: MINDSETS.index(one.name) for one in mindsets for tag in one.tags}
    shown: list[tuple[datetime, int, str]] = [
        (one.at, meant[one.tag], one.tag) for one in carried if one.tag in meant
    ]
    if not shown:
        return Mind("")
    _, which, tag = max(shown)
    return Mind(MINDSETS[which], Translatable("带着标签「{name}」", name=tag))


def restrictions(carried: Iterable[Sign], credit: Sequence[Credit]) -> tuple[Credit, ...]:
    """The restrictions that stand for a customer with these tags."""
    tags = {one.tag for one in carried}
    return tuple(one for one in credit if one.tag in tags)
