"""Warns of tags that are named somewhere and declared nowhere: most often a slip of the pen."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from rapidfuzz import process

from sop.business import is_business
from sop.pipeline import Pipeline
from taggers.rule import Rule, TagGroup
from taggers.translatable import Translatable

_CLOSE = 60


def declared_tags(groups: Sequence[TagGroup], pipelines: Sequence[Pipeline]) -> list[str]:
    """Every tag of [[tags]], every stage, and every tag by which a stage is entered, in the order of the file."""
    tags = [name for group in groups for name in group.names]
    stages = [stage for pipeline in pipelines for stage in pipeline.stages]
    entered = [
        name for stage in stages for name in stage.entered_by if not name.startswith("@") and not is_business(name)
    ]
    return list(dict.fromkeys((*tags, *(stage.name for stage in stages), *entered)))


def nearest_tag(tag: str, declared: Collection[str]) -> str:
    """The declared tag that was probably meant; empty where none is like it."""
    best = process.extractOne(tag, declared, score_cutoff=_CLOSE) if declared else None
    return best[0] if best else ""


def undeclared_tag(tag: str, declared: Collection[str]) -> str:
    """What to say of a tag that is not declared; empty where it is, or where the file declares none at all."""
    if not declared or tag in declared:
        return ""
    near = nearest_tag(tag, declared)
    hint = (
        Translatable("是不是想写「{near}」？", near=near)
        if near
        else Translatable("如果就要用它，请在 [[tags]] 的 names 里加上它")
    )
    return Translatable("标签「{tag}」没有声明过，命中后会成为一个新标签；{hint}", tag=tag, hint=hint)


def undeclared_tags(
    rules: Sequence[Rule], groups: Sequence[TagGroup], pipelines: Sequence[Pipeline]
) -> Iterator[str]:
    """A warning for each tag that a rule gives or asks for and that is declared nowhere."""
    declared = declared_tags(groups, pipelines)
    given = {*declared, *(rule.tag for rule in rules if rule.tag)}
    for rule in rules:
        said = undeclared_tag(rule.tag, declared) if rule.tag else None
        if said:
            yield Translatable("规则 {rule}：{said}", rule=rule.id, said=said)
        for tag in dict.fromkeys((*rule.when.tags, *rule.unless.tags)):
            if declared and tag not in given:
                yield Translatable(
                    "规则 {rule}：条件里的标签「{tag}」没有声明，也没有规则会打它{hint}",
                    rule=rule.id, tag=tag, hint=_or_nearest(tag, given),
                )  # fmt: skip


def _or_nearest(tag: str, given: Collection[str]) -> str:
    near = nearest_tag(tag, given)
    return Translatable("；是不是想写「{near}」？", near=near) if near else ""
