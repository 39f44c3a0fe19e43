"""Config table [models]: the business's own thresholds and names for what models say of customers."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

from pydantic import Field

from taggers.models.target_terms import QualityTerms, TargetTerms, check_target
from taggers.rule import Duration, Table, Words
from taggers.translatable import Translatable

Where = tuple[str | int, ...]
_DAY, _LONGEST = timedelta(days=1), timedelta(days=1100)


class RfmTerms(Table):
    """[models.rfm]: grades and window; bounds (each one fewer than grades) replace quantiles. amounts: in yuan."""

    grades: int = Field(default=5, ge=2, le=9)
    window: Duration = Field(default=timedelta(days=90), ge=_DAY, le=_LONGEST)
    money: Literal["total", "average"] = "total"
    recency: tuple[Duration, ...] = ()
    frequency: tuple[int, ...] = ()
    amounts: tuple[float, ...] = ()


class Level(Table):
    """One entry of `levels`: a member level and the points from which it is reached."""

    name: str = Field(min_length=1, max_length=20)
    from_: int = Field(alias="from", ge=0)


class WorthTerms(Table):
    """[models.worth]: value, loyalty and member levels. worth_from: yuan a month; loyal_from: orders a month."""

    window: Duration = Field(default=timedelta(days=30), ge=_DAY, le=_LONGEST)
    worth_from: float = Field(default=500, ge=0)
    loyal_from: float = Field(default=10, ge=0)
    per_yuan: float = Field(default=1, ge=0)
    per_order: float = Field(default=5, ge=0)
    levels: tuple[Level, ...] = Field(default=(), max_length=20)


class LifecycleTerms(Table):
    """[models.lifecycle]: mature: acts in 30 days; drop: below which part of former acts a mature one declines."""

    by: Literal["orders", "talks"] = "orders"
    mature: int = Field(default=15, ge=1)
    asleep_after: Duration = Field(default=timedelta(days=30), ge=_DAY)
    gone_after: Duration = Field(default=timedelta(days=90), ge=_DAY)
    drop: float = Field(default=0.5, ge=0, le=1)


class PreferenceTerms(Table):
    """[models.preference]: the tag groups whose tags are topics; what counts half after half_life."""

    groups: tuple[str, ...] = Field(default=(), max_length=50)
    half_life: Duration = Field(default=timedelta(days=30), ge=timedelta(hours=1))


class QuadrantTerms(Table):
    """[models.quadrant]: from how many orders in `window`, and from how many yuan an order, A to E call it high."""

    window: Duration = Field(default=timedelta(days=90), ge=_DAY, le=_LONGEST)
    orders: int = Field(default=3, ge=2)
    ticket: float = Field(default=200, gt=0)
    compare: Duration = Field(default=timedelta(days=30), ge=_DAY, le=_LONGEST)


class TierPlaybook(Table):
    """One entry of `playbooks`: what is done for the customers of S, A, B or C."""

    name: Literal["S", "A", "B", "C"]
    playbook: str = Field(min_length=1, max_length=500)


class TierTerms(Table):
    """[models.tiers]: top: the part of those who pay that is S; pays_from: yuan a month; cooperates_from: score."""

    window: Duration = Field(default=timedelta(days=365), ge=_DAY, le=_LONGEST)
    top: float = Field(default=0.2, gt=0, lt=1)
    pays_from: float = Field(default=100, ge=0)
    cooperates_from: int = 30
    playbooks: tuple[TierPlaybook, ...] = Field(default=(), max_length=4)


class FiveATerms(Table):
    """[models.five_a]: tags that show appeal, questions, acts and advocacy."""

    appeal: Words = ()
    ask: Words = ()
    act: Words = ()
    advocate: Words = ()


class Mindset(Table):
    """One entry of `mindset`: the tags that show a customer is lost, exploring, weighing or deciding."""

    name: Literal["迷茫", "探索", "评估", "决策"]
    tags: Words = Field(min_length=1)


class Credit(Table):
    """One entry of `credit`: a tag that speaks against credit, and the restriction that goes with it."""

    tag: str = Field(min_length=1, max_length=30)
    restriction: str = Field(min_length=1, max_length=200)


class Cell(Table):
    """One entry of `cells`: a cell of the matrix by height of activity and conversion; its name and treatment.

    tag: given to who is in the cell, taken from who left it; sop: begun with who comes there from another cell;
    budget: how many talks we open with them at most ("1/week").
    """

    activity: Literal["high", "low"]
    conversion: Literal["high", "low"]
    name: str = Field(default="", max_length=20)
    tag: str = Field(default="", max_length=30)
    sop: str = Field(default="", max_length=64)
    budget: str = Field(default="", pattern=r"^([1-9]\d?/(day|week))?$")


class MatrixTerms(Table):
    """[models.matrix]: from which scores activity and conversion are high, and what is done in each cell."""

    activity: int = 30
    conversion: int = 50
    cells: tuple[Cell, ...] = Field(default=(), max_length=4)


class PeerTerms(Table):
    """[models.peer]: what raises the suspicion that somebody is a peer or competitor who looks in."""

    tags: Words = ()
    activity: int | None = None
    after: Duration = timedelta(days=60)


class Models(Table):
    """[models]: see the tables in it. All of them may be left out."""

    rfm: RfmTerms = RfmTerms()
    worth: WorthTerms = WorthTerms()
    lifecycle: LifecycleTerms = LifecycleTerms()
    preference: PreferenceTerms = PreferenceTerms()
    quadrant: QuadrantTerms = QuadrantTerms()
    tiers: TierTerms = TierTerms()
    five_a: FiveATerms = FiveATerms()
    mindset: tuple[Mindset, ...] = Field(default=(), max_length=4)
    credit: tuple[Credit, ...] = Field(default=(), max_length=50)
    matrix: MatrixTerms = MatrixTerms()
    peer: PeerTerms = PeerTerms()
    target: TargetTerms = TargetTerms()
    quality: QualityTerms = QualityTerms()

    @property
    def talk_window(self) -> timedelta:
        """How far back talks are looked at."""
        return max(self.rfm.window, self.lifecycle.gone_after, self.quality.window, timedelta(days=60))


@dataclass(frozen=True)
class Around:
    """What else a config has that [models] may name. fields: by what they may be called, their kind."""

    tags: Collection[str] = ()
    groups: Collection[str] = ()
    sops: Collection[str] = ()
    fields: Mapping[str, str] = field(default_factory=dict)


def check_models(models: Models, around: Around) -> Iterator[tuple[Where, str]]:
    """What is wrong with [models], with its place in config.toml."""
    tags, groups, sops = around.tags, around.groups, around.sops
    yield from _check_rfm(models.rfm)
    yield from check_target(models.target, around.fields)
    if models.lifecycle.gone_after <= models.lifecycle.asleep_after:
        yield ("models", "lifecycle", "gone_after"), Translatable("gone_after（离开）要比 asleep_after（衰退）长")
    for i, name in enumerate(models.preference.groups):
        if name not in groups:
            yield ("models", "preference", "groups", i), Translatable("没有标签组「{name}」", name=name)
    for where, tag in _tags(models):
        if tag not in tags:
            yield where, Translatable("没有标签「{name}」；请在 [[tags]] 里声明，或改成已有的标签", name=tag)
    for i, cell in enumerate(models.matrix.cells):
        if cell.sop and cell.sop not in sops:
            yield ("models", "matrix", "cells", i, "sop"), Translatable("没有跟进 {name}", name=cell.sop)
        if (cell.activity, cell.conversion) in [(one.activity, one.conversion) for one in models.matrix.cells[:i]]:
            yield ("models", "matrix", "cells", i), Translatable("这一格已经写过了，请合成一项")


def _check_rfm(terms: RfmTerms) -> Iterator[tuple[Where, str]]:
    for key in ("recency", "frequency", "amounts"):
        bounds = getattr(terms, key)
        if bounds and (len(bounds) != terms.grades - 1 or list(bounds) != sorted(set(bounds))):
            yield (
                ("models", "rfm", key),
                Translatable("分 {grades} 档要写 {n} 个界限，从小到大", grades=terms.grades, n=terms.grades - 1),
            )


def _tags(models: Models) -> Iterator[tuple[Where, str]]:
    for key in ("appeal", "ask", "act", "advocate"):
        for i, tag in enumerate(getattr(models.five_a, key)):
            yield ("models", "five_a", key, i), tag
    for i, one in enumerate(models.mindset):
        for k, tag in enumerate(one.tags):
            yield ("models", "mindset", i, "tags", k), tag
    for i, credit in enumerate(models.credit):
        yield ("models", "credit", i, "tag"), credit.tag
    for i, cell in enumerate(models.matrix.cells):
        if cell.tag:
            yield ("models", "matrix", "cells", i, "tag"), cell.tag
    for table, key, names in (
        ("peer", "tags", models.peer.tags), ("target", "tags", models.target.tags),
        ("target", "lists", models.target.lists), ("quality", "tags", models.quality.tags),
    ):  # fmt: skip
        for i, tag in enumerate(names):
            yield ("models", table, key, i), tag
