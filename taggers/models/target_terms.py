"""Config tables [models.target] and [models.quality]: whom the business wants, who is worth an agent's time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta

from pydantic import Field

from taggers.rule import Duration, Table, Words
from taggers.translatable import Translatable

Where = tuple[str | int, ...]
_DAY, _LONGEST = timedelta(days=1), timedelta(days=1100)


class TargetField(Table):
    """One entry of `fields`: what a field must be: one of `is`, a text with one of `has`, or `from` to `to`."""

    field: str = Field(min_length=1, max_length=30)
    is_: Words = Field(default=(), alias="is")
    has: Words = ()
    from_: float | None = Field(default=None, alias="from", ge=0)
    to: float | None = Field(default=None, ge=0)


class TargetTerms(Table):
    """[models.target]: whom the business wants: by fields and tags, or by name. accounts: names of companies (ABM);
    lists: tags that are such lists."""

    fields: tuple[TargetField, ...] = Field(default=(), max_length=20)
    tags: Words = ()
    accounts: tuple[str, ...] = Field(default=(), max_length=5_000)
    lists: Words = ()

    def __bool__(self) -> bool:
        return bool(self.fields or self.tags or self.accounts or self.lists)


class QualityTerms(Table):
    """[models.quality]: signs: how many of four put a customer on the list; tags: those that show participation.

    revisit: after so long without a word of ours the agent is reminded of somebody on the list, of at most `per_day`
    a working day; without it nobody is.
    """

    signs: int = Field(default=2, ge=1, le=4)
    window: Duration = Field(default=timedelta(days=30), ge=_DAY, le=timedelta(days=90))
    talks: int = Field(default=3, ge=1)
    acts: int = Field(default=1, ge=1)
    tags: Words = ()
    revisit: Duration | None = Field(default=None, ge=_DAY, le=_LONGEST)
    per_day: int = Field(default=5, ge=1, le=100)


def check_target(terms: TargetTerms, kinds: Mapping[str, str]) -> Iterator[tuple[Where, str]]:
    """What is wrong with [models.target]. kinds: of each field, by its name."""
    for i, one in enumerate(terms.fields):
        where: Where = ("models", "target", "fields", i)
        ranged = one.from_ is not None or one.to is not None
        if one.field not in kinds:
            yield (
                (*where, "field"),
                Translatable("没有字段「{name}」；请在 [[fields]] 里声明，或改成已有的字段", name=one.field),
            )
        elif ranged == bool(one.is_ or one.has):
            yield where, Translatable("画像的每一项写 is、has（要有的字），或 from、to（从多少到多少）")
        elif ranged and kinds[one.field] not in ("money", "count"):
            yield where, Translatable("字段「{name}」不是金额也不是数量，请写 is 或 has", name=one.field)
        elif one.from_ is not None and one.to is not None and one.to < one.from_:
            yield (*where, "to"), Translatable("to 要不小于 from")
