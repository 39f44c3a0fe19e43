"""Answers: the knowledge base of config.toml, what is wrong with it, and which of it may be offered to whom when."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated

from pydantic import Field, model_validator

from sop.attachments import Attachment
from sop.pipeline import Pipeline
from sop.problems import PlaybookProblem
from sop.tables import Table
from sop.translatable import Translatable
from sop.wording import check_wording

_Names = tuple[Annotated[str, Field(min_length=1, max_length=64)], ...]


class AnswerEntry(Table):
    """[[answers]]: what to say when a customer asks one of `ask`, in these or in like words.

    tags, stages: offered to those who carry one of the tags, or stand at one of the stages ("课程转化/考虑价格" where
    two pipelines have one of that name). products: one of them must have been spoken of lately. since, until: the
    days on which it is true, both included; retired: never offered any more.
    """

    id: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")
    category: str = Field(default="", max_length=30)
    ask: tuple[Annotated[str, Field(min_length=2, max_length=200)], ...] = Field(min_length=1, max_length=100)
    say: str = Field(min_length=1, max_length=2000)
    attach: tuple[Attachment, ...] = Field(default=(), max_length=9)
    tags: _Names = ()
    stages: _Names = ()
    products: _Names = ()
    since: date | None = None
    until: date | None = None
    retired: bool = False

    @model_validator(mode="after")
    def _whole(self) -> AnswerEntry:
        if self.since is not None and self.until is not None and self.until < self.since:
            raise ValueError("until（最后一天）比 since（第一天）还早，永远不会用到；交换两个日期")
        if any(one.kind == "miniprogram" for one in self.attach):
            raise ValueError("知识库的回答可以带链接、图片和文件，不能带小程序")
        return self


class Suggestions(Table):
    """[suggestions]: whether past answers of agents are offered as well, once they were said to so many customers
    who went on talking; prices: whether ones that name money may be."""

    history: bool = False
    customers: int = Field(default=2, ge=2, le=100)
    prices: bool = False


@dataclass(frozen=True, slots=True)
class Listener:
    """Whom an answer would be offered to: their tags, their stages by pipeline, and what was said lately."""

    tags: frozenset[str]
    stages: Mapping[str, str]
    said: str = ""


def in_force(entry: AnswerEntry, today: date) -> bool:
    """Whether an answer is true on that local day and not retired."""
    begun = entry.since is None or entry.since <= today
    return begun and (entry.until is None or today <= entry.until) and not entry.retired


def is_for(entry: AnswerEntry, listener: Listener) -> bool:
    """Whether an answer is meant for this customer, at this point of the talk."""
    if entry.tags and listener.tags.isdisjoint(entry.tags):
        return False
    standing = {name for pipeline, stage in listener.stages.items() for name in (stage, f"{pipeline}/{stage}")}
    if entry.stages and standing.isdisjoint(entry.stages):
        return False
    said = listener.said.casefold()
    return not entry.products or any(product.casefold() in said for product in entry.products)


def check_answers(
    answers: Sequence[AnswerEntry], tags: Collection[str], pipelines: Sequence[Pipeline], blanks: Collection[str]
) -> Iterator[PlaybookProblem]:
    """What is wrong with the knowledge base: ids twice, tags and stages that nothing gives, placeholders, the same
    question twice. blanks: placeholders besides the usual ones."""
    stages = {stage.name for pipeline in pipelines for stage in pipeline.stages}
    stages |= {f"{pipeline.name}/{stage.name}" for pipeline in pipelines for stage in pipeline.stages}
    ids: dict[str, int] = {}
    for i, entry in enumerate(answers):
        if ids.setdefault(entry.id, i) != i:
            told = Translatable("回答「{name}」重复了，第 {n} 个已经用了这个名字", name=entry.id, n=ids[entry.id] + 1)
            yield PlaybookProblem(("answers", i, "id"), told)
        for message in check_wording(entry.say, blanks):
            yield PlaybookProblem(("answers", i, "say"), message)
        for k, tag in enumerate(entry.tags):
            if tag not in tags:
                told = Translatable("没有规则或步骤会打标签「{name}」，这条回答用不上", name=tag)
                yield PlaybookProblem(("answers", i, "tags", k), told)
        for k, stage in enumerate(entry.stages):
            if stage not in stages:
                told = Translatable("没有阶段「{name}」，这条回答用不上", name=stage)
                yield PlaybookProblem(("answers", i, "stages", k), told)
    yield from _asked_twice(answers)


def _asked_twice(answers: Sequence[AnswerEntry]) -> Iterator[PlaybookProblem]:
    """The same question of two answers that may be offered to the same people on the same day."""
    known: dict[tuple[str, _Names, _Names, _Names], AnswerEntry] = {}
    for i, entry in enumerate(answers):
        for k, ask in enumerate(entry.ask):
            other = known.setdefault((ask, entry.tags, entry.stages, entry.products), entry)
            if other is not entry and not (entry.retired or other.retired) and _meet(entry, other):
                told = Translatable(
                    "「{ask}」已经由「{name}」回答了；留一处，或写上各自的日期", ask=ask, name=other.id
                )
                yield PlaybookProblem(("answers", i, "ask", k), told)


def _meet(one: AnswerEntry, other: AnswerEntry) -> bool:
    """Whether there is a day on which both are true."""
    first, last = (
        max(one.since or date.min, other.since or date.min),
        min(one.until or date.max, other.until or date.max),
    )
    return first <= last
