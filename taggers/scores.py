"""Config table [[scores]]: how the ledgers of activity and conversion count, and what gives points besides rules."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import timedelta

from pydantic import Field

from taggers.ledger import ORDER, Award, Ledger, Terms
from taggers.rule import Duration, Table
from taggers.translatable import Translatable

_SHORTEST = timedelta(hours=1)
Where = tuple[str | int, ...]


class Giving(Table):
    """One entry of `give`: points while the customer carries this tag, while this field of theirs is known, or for
    each order of a product (by its code, name or category; "*" for any) that stands."""

    tag: str = Field(default="", max_length=30)
    field: str = Field(default="", max_length=30)
    order: str = Field(default="", max_length=64)
    points: int = Field(ge=-1000, le=1000)

    @property
    def source(self) -> str:
        if self.order:
            return f"{ORDER}{self.order}"
        return f"tag:{self.tag}" if self.tag else f"field:{self.field}"


class Scores(Table):
    """[[scores]]: the terms of one ledger. Without it every point counts, for ever.

    `cap` limits what one source (a rule, a tag, a field, a product) gives on one day; `half_life` is the time after
    which points are worth half.
    """

    ledger: Ledger
    cap: int | None = Field(default=None, ge=1, le=100_000)
    half_life: Duration | None = None
    give: tuple[Giving, ...] = Field(default=(), max_length=200)

    @property
    def terms(self) -> Terms:
        return Terms(self.cap, self.half_life)


def awards_of(tables: Sequence[Scores]) -> tuple[Award, ...]:
    """What stands for points by itself."""
    return tuple(Award(table.ledger, one.source, one.points) for table in tables for one in table.give)


def check_scores(
    tables: Sequence[Scores], tags: Collection[str], fields: Collection[str]
) -> Iterator[tuple[Where, str]]:
    """What is wrong with these tables, with its place in config.toml."""
    for i, table in enumerate(tables):
        where: Where = ("scores", i)
        if table.ledger in [other.ledger for other in tables[:i]]:
            yield (
                (*where, "ledger"),
                Translatable("「{name}」已经写过一张 [[scores]] 了，请合成一张", name=table.ledger),
            )
        if table.half_life is not None and table.half_life < _SHORTEST:
            yield (*where, "half_life"), 'half_life 至少 1 小时，一般是几周，例如 "30d"'
        for k, one in enumerate(table.give):
            yield from _check_giving((*where, "give", k), one, tags, fields)
            if one.source in [other.source for other in table.give[:k]]:
                name = one.tag or one.field or one.order
                yield (*where, "give", k), Translatable("「{name}」在这张表里写了两次", name=name)


def _check_giving(
    where: Where, one: Giving, tags: Collection[str], fields: Collection[str]
) -> Iterator[tuple[Where, str]]:
    if [bool(one.tag), bool(one.field), bool(one.order)].count(True) != 1:
        yield where, "give 的每一项写 tag、field 或 order 其中一个"
    elif one.tag and one.tag not in tags:
        yield (
            (*where, "tag"),
            Translatable("没有标签「{name}」；请在 [[tags]] 里声明，或改成已有的标签", name=one.tag),
        )
    elif one.field and one.field not in fields:
        yield (
            (*where, "field"),
            Translatable("没有字段「{name}」；请在 [[fields]] 里声明，或改成已有的字段", name=one.field),
        )
