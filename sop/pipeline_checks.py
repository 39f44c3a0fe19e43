"""Checks of pipelines before they come into force: stages, what enters them, moves by the clock."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from sop.business import is_business, what_is_wrong
from sop.known_names import check_known
from sop.pipeline import Pipeline
from sop.problems import PlaybookProblem, Where
from sop.translatable import Translatable
from sop.triggers import EVENTS


def check_pipeline(
    where: Where, pipeline: Pipeline, known_tags: Collection[str], facts: Collection[str]
) -> Iterator[PlaybookProblem]:
    """Check one pipeline; `facts` are the names of fields that stages and `fields` may ask for."""
    yield from _check_stages(where, pipeline, known_tags, facts)
    yield from _check_wanted(where, pipeline, facts)
    yield from _check_moves(where, pipeline)


def _check_wanted(where: Where, pipeline: Pipeline, facts: Collection[str]) -> Iterator[PlaybookProblem]:
    for k, name in enumerate(pipeline.fields):
        yield from check_known((*where, "fields", k), name, facts, "字段「{name}」")


def _check_stages(
    where: Where, pipeline: Pipeline, known_tags: Collection[str], facts: Collection[str] = ()
) -> Iterator[PlaybookProblem]:
    names = [stage.name for stage in pipeline.stages]
    taken: dict[str, str] = {}
    for j, stage in enumerate(pipeline.stages):
        at = (*where, "stages", j)
        if stage.name in names[:j]:
            yield PlaybookProblem(
                (*at, "name"),
                Translatable("阶段「{name}」在「{pipeline}」里重复了", name=stage.name, pipeline=pipeline.name),
            )
        if stage.won and stage.lost:
            yield PlaybookProblem(
                (*at, "lost"), Translatable("阶段「{name}」不能既是成交（won）又是流失（lost）", name=stage.name)
            )
        if stage.on is None and stage.name not in known_tags and not _entered_in_time(pipeline, stage.name):
            yield PlaybookProblem(
                (*at, "name"),
                Translatable(
                    "没有什么能让客户进入「{name}」：声明同名标签，或写 on；只由人工移动就写 on = []", name=stage.name
                ),
            )
        for k, trigger in enumerate(stage.on or ()):
            yield from _check_trigger_name((*at, "on", k), trigger, known_tags)
        for trigger in dict.fromkeys(stage.entered_by):
            other = taken.setdefault(trigger, stage.name)
            if other != stage.name:
                yield PlaybookProblem(
                    (*at, "on"),
                    Translatable(
                        "「{trigger}」已经用来进入「{other}」，一个条件只能进一个阶段", trigger=trigger, other=other
                    ),
                )
        for k, name in enumerate(stage.only_from):
            yield from check_known((*at, "only_from", k), name, names, "阶段「{name}」")
        for k, tag in enumerate(stage.needs):
            yield from check_known((*at, "needs", k), tag, {*known_tags, *facts}, "标签或字段「{name}」")
        if stage.min_profile is not None and not pipeline.fields:
            yield PlaybookProblem((*at, "min_profile"), "流程没有写要知道哪些资料（fields），min_profile 无从算起")


def _entered_in_time(pipeline: Pipeline, name: str) -> bool:
    return any(move.to == name for move in pipeline.moves)


def _check_trigger_name(where: Where, trigger: str, known_tags: Collection[str]) -> Iterator[PlaybookProblem]:
    if is_business(trigger):
        yield from (PlaybookProblem(where, wrong) for wrong in [what_is_wrong(trigger)] if wrong)
    elif trigger.startswith("@"):
        yield from check_known(where, trigger, EVENTS, "事件「{name}」")
    else:
        yield from check_known(where, trigger, known_tags, "标签「{name}」")


def _check_moves(where: Where, pipeline: Pipeline) -> Iterator[PlaybookProblem]:
    names = [stage.name for stage in pipeline.stages]
    for j, move in enumerate(pipeline.moves):
        at = (*where, "moves", j)
        yield from check_known((*at, "from"), move.from_, names, "阶段「{name}」")
        yield from check_known((*at, "to"), move.to, names, "阶段「{name}」")
        if not move.after:
            yield PlaybookProblem((*at, "after"), "after 要大于 0，例如 7d")
        if any(m.from_ == move.from_ and m.after <= move.after for m in pipeline.moves[:j]):
            yield PlaybookProblem(
                (*at, "after"),
                Translatable("从「{stage}」出发已有一条更早到期的移动，这一条永远轮不到", stage=move.from_),
            )
        path = _loop(pipeline, move.to, move.from_)
        if path:
            yield PlaybookProblem(
                (*at, "to"),
                Translatable("定时移动绕成了圈：{way}，客户会来回移动", way=" → ".join((move.from_, *path))),
            )


def _loop(pipeline: Pipeline, start: str, goal: str) -> tuple[str, ...]:
    """The stages by which the clock alone carries a card from `start` to `goal`; empty if it does not."""
    next_of: dict[str, str] = {}
    for move in sorted(pipeline.moves, key=lambda move: move.after):
        next_of.setdefault(move.from_, move.to)
    path = [start]
    while path[-1] != goal:
        following = next_of.get(path[-1])
        if following is None or following in path:
            return ()
        path.append(following)
    return tuple(path)
