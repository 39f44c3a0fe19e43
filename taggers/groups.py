"""Exclusive groups: of such a group a customer carries one tag at a time, the latest hit wins."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from taggers.rule import TagGroup


@dataclass(frozen=True, slots=True)
class TagUpdate:
    """Tags gained and lost, each in the order in which it came about; no tag is in both."""

    gained: tuple[str, ...]
    lost: tuple[str, ...]


def resolve(carried: Iterable[str], hits: Iterable[str], groups: Sequence[TagGroup]) -> TagUpdate:
    """Say what a customer who carries these tags gains and loses by these hits (tags, oldest first)."""
    before = list(dict.fromkeys(carried))
    rivals = _rivals(groups)
    after = list(before)
    for tag in hits:
        after = [one for one in after if one == tag or one not in rivals.get(tag, frozenset())]
        if tag not in after:
            after.append(tag)
    gained = tuple(tag for tag in after if tag not in before)
    return TagUpdate(gained, tuple(tag for tag in before if tag not in after))


def _rivals(groups: Sequence[TagGroup]) -> dict[str, frozenset[str]]:
    rivals: dict[str, frozenset[str]] = {}
    for group in groups:
        if group.exclusive:
            names = frozenset(group.names)
            for name in names:
                rivals[name] = rivals.get(name, frozenset()) | names
    return rivals
