"""Config table [[segments]]: named groups of customers, by the conditions of the customer list."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from pydantic import Field

from bot.platform.config import positions
from sop.playbook import Audience, Sop
from sop.tables import Table
from taggers.translatable import Translatable

NUMBERS = frozenset({
    "silent", "spoke", "added", "score", "activity", "value", "recent", "frequent", "spends", "orders", "spent",
    "order-within", "order-before",
})  # fmt: skip
PLAIN = frozenset({"waiting", "peace", "peer", "no-peer", "quality"})
TEXTS = frozenset({
    "stage", "no-stage", "tag", "no-tag", "channel", "sop", "no-sop", "field", "no-field", "cell", "phase", "rfm",
    "tier", "quadrant", "level", "five_a", "mindset", "taste", "felt", "target", "moved", "segment", "no-segment",
    "order", "no-order",
})  # fmt: skip
"""Conditions that a segment may have. Not whom an agent follows, nor a name: ids and names do not belong here."""
OTHERS = ("segment", "no-segment")


class Segment(Table):
    """[[segments]]: customers for whom all conditions of `where` hold, such as { tag = "高意向" } or { silent = 3 }.

    { segment = "…" } asks for those of another segment, which stands further up. A frozen one holds whom the
    conditions found when it was frozen, on that day.
    """

    name: str = Field(min_length=1, max_length=30)
    where: tuple[dict[str, str | int], ...] = Field(min_length=1, max_length=20)
    frozen: date | None = None

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """The conditions as an address of the customer list has them."""
        return tuple((kind, str(int(value) if isinstance(value, bool) else value))
                     for one in self.where for kind, value in one.items())  # fmt: skip


def check_segments(segments: Sequence[Segment]) -> Iterator[tuple[positions.Path, str]]:
    """What is wrong with these tables, with its place in config.toml."""
    for i, segment in enumerate(segments):
        above = [one.name for one in segments[:i]]
        if segment.name in above:
            yield ("segments", i, "name"), Translatable("已经有叫「{name}」的分群了", name=segment.name)
        for k, one in enumerate(segment.where):
            for kind, value in one.items():
                if problem := _wrong(kind, str(value), above):
                    yield ("segments", i, "where", k, kind), problem


def _wrong(kind: str, value: str, above: Sequence[str]) -> str:
    if kind not in NUMBERS | PLAIN | TEXTS:
        return Translatable("没有条件「{name}」；条件的写法见 docs/config.zh-CN.md 的 [[segments]]", name=kind)
    if kind in NUMBERS and not (value.isascii() and value.isdigit() and len(value) < 10):
        return Translatable("条件「{name}」要写 0 以上的整数", name=kind)
    if kind in OTHERS and value not in above:
        return Translatable("前面没有叫「{name}」的分群；一个分群只能用写在它前面的", name=value)
    return ""


def terms_of(segment: Segment, segments: Mapping[str, Segment]) -> str:
    """Who is meant by a segment, in a word that changes where its conditions do, or those of one it names."""
    named = [segments[value] for kind, value in segment.pairs if kind in OTHERS and value in segments]
    said = repr((segment.frozen, segment.pairs, [terms_of(one, segments) for one in named]))
    return hashlib.sha256(said.encode()).hexdigest()[:12]


def check_segment_uses(segments: Sequence[Segment], sops: Sequence[Sop]) -> Iterator[tuple[positions.Path, str]]:
    """What SOPs ask of segments that there are not, or that cannot be."""
    known = {segment.name: segment for segment in segments}
    for i, sop in enumerate(sops):
        audience = sop.audience if isinstance(sop.audience, Audience) else Audience()
        for key, names in (("segments", audience.segments), ("not_segments", audience.not_segments)):
            for j, name in enumerate(names):
                if name not in known:
                    yield ("sops", i, "audience", key, j), Translatable("没有叫「{name}」的分群", name=name)
        started_by = (sop.on or "").partition(":")
        if started_by[0].strip() != "segment":
            continue
        name = started_by[2].strip()
        if name and name not in known:
            yield ("sops", i, "on"), Translatable("没有叫「{name}」的分群", name=name)
        elif name and known[name].frozen:
            yield (
                ("sops", i, "on"),
                Translatable("「{name}」是定格的，不会再有人进去；换一个没有定格的分群", name=name),
            )
