"""Checks of the tag groups that are kept on the phones: WeCom's limits, and names that would run into one another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bot.platform.config import positions
from sop.pipeline import Pipeline
from taggers.rule import TagGroup
from taggers.translatable import Translatable

LONGEST = 30  # characters of a tag's name, by WeCom's add_corp_tag
MOST = 3_000  # corp tags; newer documents say 10 000, and one contact takes 3 000 at most


def check_phone_groups(
    groups: Sequence[TagGroup], pipelines: Sequence[Pipeline]
) -> Iterator[tuple[positions.Path, str]]:
    """What of these groups WeCom would not take, or could not be told apart there; each with its place."""
    taken = {pipeline.name: True for pipeline in pipelines}
    total = sum(len(pipeline.stages) for pipeline in pipelines)
    for i, group in enumerate(groups):
        if not group.phone:
            continue
        if group.group in taken:
            yield ("tags", i, "group"), _same(group.group, taken[group.group])
        taken.setdefault(group.group, False)
        total += len(group.names)
        yield from _check_names(i, group)
        if total > MOST:
            yield (
                ("tags", i, "phone"),
                Translatable(
                    "要放到手机上的标签共 {n} 个，企业微信里最多 {most} 个；有些组去掉 phone，或少写几个标签",
                    n=total,
                    most=MOST,
                ),
            )


def _check_names(i: int, group: TagGroup) -> Iterator[tuple[positions.Path, str]]:
    for k, name in enumerate(group.names):
        where = ("tags", i, "names", k)
        if len(name) > LONGEST:
            yield (
                where,
                Translatable(
                    "「{name}」有 {n} 个字，企业微信的标签最多 {most} 个字；改短，或去掉这一组的 phone",
                    name=name,
                    n=len(name),
                    most=LONGEST,
                ),
            )


def _same(name: str, of_pipeline: bool) -> Translatable:
    if of_pipeline:
        return Translatable("「{name}」已经是流程的名字，手机上会和阶段标签混在一组；给标签组换个名字", name=name)
    return Translatable("要放到手机上的标签组「{name}」写了两次，请合成一组", name=name)
