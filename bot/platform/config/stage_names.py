"""Renames a stage in the text of config.toml: where it stands and wherever else a stage is meant; all else stays.

The tag of the stage's old name goes on being a tag, and goes on bringing customers in.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bot.platform.config.list_text import Entry, change_list, entries_of
from bot.platform.config.pipeline_text import change_pipeline, find_pipeline
from bot.platform.config.positions import Path, find_strings
from bot.platform.config.rule_text import UnknownRuleError
from bot.platform.config.toml_tables import Values, written
from taggers.translatable import Translatable

_ELSEWHERE = re.compile(
    r"(sops/\d+/(stage|audience/stages/\d+)|rules/\d+/(when|unless)/stages/\d+|waiting/\d+/stage"
    r"|answers/\d+/stages/\d+|segments/\d+/where/\d+/(no-)?stage)"
)
_INSIDE = re.compile(r"pipelines/\d+/(stages/\d+/(name|only_from/\d+)|moves/\d+/(from|to))")
_GROUP = "阶段标签"  # where the tag of a stage's old name is declared


@dataclass(frozen=True)
class RenamedText:
    """The whole config with the new name. where: the tables that named the stage, and how many places in each."""

    text: str
    where: dict[str, int]


def rename_stage(source: str, pipeline: str, old: str, new: str) -> RenamedText:
    """Give a stage of a pipeline another name; raises UnknownRuleError where it is not there or not told apart."""
    block = find_pipeline(source, pipeline)
    if all(stage.get("name") != old for stage in block.values.get("stages", [])):
        raise UnknownRuleError(Translatable("流程「{pipeline}」里没有阶段「{stage}」", pipeline=pipeline, stage=old))
    tables = tomllib.loads(source)
    if _is_tag(tables, old):
        source = _with_its_tag(source, pipeline, old)
    raw, where = source.encode(), dict[str, int]()
    for path, start, end in sorted(_places(source, pipeline, old), key=lambda place: -place[1]):
        value = str(tomllib.loads(f"x = {raw[start:end].decode()}")["x"])
        fresh = f"{pipeline}/{new}" if value == f"{pipeline}/{old}" else new
        raw = raw[:start] + str(written(fresh)).encode() + raw[end:]
        where[str(path[0])] = where.get(str(path[0]), 0) + 1
    return RenamedText(raw.decode(), where)


def _places(source: str, pipeline: str, old: str) -> Iterator[tuple[Path, int, int]]:
    """The path and bytes of each string by which the stage is meant."""
    tables = tomllib.loads(source)
    mine = next(i for i, one in enumerate(tables["pipelines"]) if one.get("name") == pipeline)
    shared = [one["name"] for i, one in enumerate(tables["pipelines"]) if i != mine and _has(one, old)]
    for path, (start, end) in find_strings(source).items():
        value, name = _value(tables, path), "/".join(map(str, path))
        if _INSIDE.fullmatch(name) and path[1] == mine and value == old:
            yield path, start, end
        elif _ELSEWHERE.fullmatch(name) and value in (old, f"{pipeline}/{old}") and _may_be(tables, path, pipeline):
            if value == old and shared:
                told = Translatable(
                    "流程「{other}」也有阶段「{stage}」，而别处只写了「{stage}」：先在文件里写成「流程/阶段」，再改名",
                    other=shared[0],
                    stage=old,
                )
                raise UnknownRuleError(told)
            yield path, start, end


def _may_be(tables: Values, path: Path, pipeline: str) -> bool:
    """Whether a place is about this pipeline, or does not say about which."""
    return path[0] != "waiting" or str(tables["waiting"][path[1]].get("pipeline", pipeline)) == pipeline


def _has(pipeline: Values, stage: str) -> bool:
    return any(one.get("name") == stage for one in pipeline.get("stages", []))


def _value(tables: Any, path: Path) -> Any:
    for key in path:
        tables = tables[key]
    return tables


def _is_tag(tables: Values, name: str) -> bool:
    """Whether anything in the config gives or declares a tag of this name."""
    steps = [step for sop in tables.get("sops", []) for step in sop.get("steps", [])]
    given = [rule.get("tag") for rule in tables.get("rules", [])]
    given += [step.get(key) for step in steps for key in ("on_reply", "on_silence")]
    return name in given or _is_declared(tables, name)


def _is_declared(tables: Values, name: str) -> bool:
    return any(name in group.get("names", []) for group in tables.get("tags", []))


def _with_its_tag(source: str, pipeline: str, stage: str) -> str:
    """The text in which the tag of the stage's name is declared by itself and named as what brings customers in."""
    values = find_pipeline(source, pipeline).values
    stages = [{**one, "on": one.get("on", [stage])} if one.get("name") == stage else one for one in values["stages"]]
    source = change_pipeline(source, pipeline, {**values, "stages": stages})
    tables = tomllib.loads(source)
    if _is_declared(tables, stage):
        return source
    groups = entries_of(source, "tags")
    at = next((i for i, group in enumerate(groups) if group.get("group") == _GROUP), None)
    names = [*groups[at]["names"], stage] if at is not None else [stage]
    group = {**(groups[at] if at is not None else {"group": _GROUP}), "names": names}
    return change_list(source, "tags", [Entry(at, group)], []).text
