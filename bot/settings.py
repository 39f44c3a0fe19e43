"""config.toml as frozen typed values: read whole, checked whole, every problem named with line and column."""

from __future__ import annotations

import hashlib
import re
import tomllib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails
from rapidfuzz import process

from bot import positions
from sop.checks import check_playbook
from sop.playbook import Budget, Completion, Pipeline, Sop, Sync, Welcome, Workspace
from sop.workcalendar import Workcalendar
from taggers.rule import Rule, Synonym, TagGroup, TextTable
from taggers.rulebook import RuleBook, RuleErrors, compile_rulebook

MOST_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a config file: where it stands and how to mend it."""

    file: str
    line: int
    column: int
    where: str
    message: str

    def __str__(self) -> str:
        key = f"{self.where}: " if self.where else ""
        return f"{self.file}:{self.line}:{self.column}: {key}{self.message}"


class ConfigError(Exception):
    """A config file that cannot be used; `problems` holds everything that is wrong with it, in file order."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = sorted(problems, key=lambda p: (p.line, p.column, p.message))
        super().__init__("\n".join(map(str, self.problems)))


class Tables(BaseModel):
    """The whole of config.toml; every table is optional, an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    workspace: Workspace = Workspace()
    text: TextTable = TextTable()
    synonyms: tuple[Synonym, ...] = ()
    tags: tuple[TagGroup, ...] = ()
    rules: tuple[Rule, ...] = ()
    pipelines: tuple[Pipeline, ...] = ()
    sops: tuple[Sop, ...] = ()
    welcome: Welcome | None = None
    completion: Completion = Completion()
    sync: Sync = Sync()
    budget: Budget = Budget()


@dataclass(frozen=True)
class Settings:
    """One config version in force: the tables, the compiled rule book and the text they came from."""

    version: str
    source: str
    tables: Tables
    book: RuleBook
    warnings: tuple[str, ...] = ()

    @property
    def workspace(self) -> Workspace:
        return self.tables.workspace

    @property
    def pipelines(self) -> tuple[Pipeline, ...]:
        return self.tables.pipelines

    @cached_property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.tables.workspace.timezone)

    @cached_property
    def calendar(self) -> Workcalendar:
        return Workcalendar(self.tables.workspace)

    @cached_property
    def sops(self) -> dict[str, Sop]:
        return {sop.id: sop for sop in self.tables.sops}

    @cached_property
    def known_tags(self) -> frozenset[str]:
        """Every tag name the file mentions: declared, given by a rule or a step, or named as a stage."""
        declared = {name for group in self.tables.tags for name in group.names}
        by_rules = {rule.tag for rule in self.tables.rules}
        steps = [step for sop in self.tables.sops for step in sop.steps]
        by_steps = {tag for step in steps for tag in (step.on_reply, step.on_silence) if tag}
        stages = {stage.name for pipeline in self.tables.pipelines for stage in pipeline.stages}
        return frozenset(declared | by_rules | by_steps | stages)


def load_settings(path: Path, *, examples: bool = True) -> Settings:
    """Read and check a config file; raises ConfigError with every problem in it."""
    name = path.name
    try:
        raw = path.read_bytes()
    except OSError as error:
        reason = "文件不存在" if isinstance(error, FileNotFoundError) else f"读不了（{error.strerror}）"
        hint = "；可用 flask init --playbook education 生成一份"
        raise ConfigError([Problem(name, 1, 1, "", reason + hint)]) from None
    if len(raw) > MOST_BYTES:
        raise ConfigError([Problem(name, 1, 1, "", f"文件超过 {MOST_BYTES // 1024 // 1024} MB")])
    try:
        source = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        message = "不是 UTF-8 编码；请在编辑器里另存为 UTF-8"
        raise ConfigError([Problem(name, line, 1, "", message)]) from None
    return parse_settings(source, name, examples=examples)


def parse_settings(source: str, name: str = "config.toml", *, examples: bool = True) -> Settings:
    """Turn a config text into Settings; raises ConfigError with every problem in it."""
    source = source.replace("\r\n", "\n")
    tables = _validate(_parse_toml(source, name), source, name)
    version = hashlib.sha256(source.encode()).hexdigest()[:12]
    found: list[tuple[positions.Path, str]] = []
    book: RuleBook | None = None
    try:
        book = compile_rulebook(
            tables.rules,
            synonyms=tables.synonyms,
            words=tables.text.words,
            tag_groups=tables.tags,
            version=version,
            examples=examples,
        )
    except RuleErrors as error:
        found += [(problem.where, problem.message) for problem in error.errors]
    known = _tags_of(tables)
    found += [(p.where, p.message) for p in check_playbook(tables.pipelines, tables.sops, known, tables.welcome)]
    if found or book is None:
        raise ConfigError(_located(found, source, name))
    warnings = tuple(Workcalendar(tables.workspace).warnings)
    return Settings(version=version, source=source, tables=tables, book=book, warnings=warnings)


def _tags_of(tables: Tables) -> frozenset[str]:
    rules = {rule.tag for rule in tables.rules}
    return frozenset(rules | {name for group in tables.tags for name in group.names})


def _parse_toml(source: str, name: str) -> dict[str, Any]:
    try:
        return tomllib.loads(source)
    except tomllib.TOMLDecodeError as error:
        at = re.search(r"\(at line (\d+), column (\d+)\)", str(error))
        line, column = (int(at[1]), int(at[2])) if at else (source.count("\n") + 1, 1)
        text = re.sub(r"\s*\(at [^)]*\)", "", str(error))
        row = (source.splitlines() or [""])[min(line, source.count("\n") + 1) - 1 : line]
        hint = '；这一行有中文引号或标点，请改成英文的 " = ,' if row and re.search("[“”‘’＝，：【】]", row[0]) else ""
        raise ConfigError([Problem(name, line, column, "", f"TOML 写法有误：{text}{hint}")]) from None


def _validate(values: dict[str, Any], source: str, name: str) -> Tables:
    try:
        return Tables.model_validate(values)
    except ValidationError as error:
        found = [(_path(detail), _in_words(detail)) for detail in error.errors()]
        raise ConfigError(_located(found, source, name)) from None


def _located(found: list[tuple[positions.Path, str]], source: str, name: str) -> list[Problem]:
    known = positions.find_positions(source)
    problems = []
    for path, message in dict.fromkeys(found):
        line, column = positions.nearest(known, path)
        problems.append(Problem(name, line, column, _dotted(path), message))
    return problems


def _dotted(path: positions.Path) -> str:
    """("rules", 3, "any", 0) as people count: rules[4].any[1]."""
    return "".join(f"[{key + 1}]" if isinstance(key, int) else f".{key}" for key in path).lstrip(".")


def _path(detail: ErrorDetails) -> positions.Path:
    return tuple(key for key in detail["loc"] if not (isinstance(key, str) and key.startswith("function-")))


_WORDS = {
    "missing": "缺少这个键，必须写上",
    "string_type": '应是一段文字，用英文引号括起来："…"',
    "int_type": "应是整数",
    "int_parsing": "应是整数",
    "int_from_float": "应是整数",
    "float_type": "应是数字",
    "float_parsing": "应是数字",
    "bool_type": "只能是 true 或 false",
    "bool_parsing": "只能是 true 或 false",
    "tuple_type": '应是一个列表：["甲", "乙"]',
    "model_type": "应是一张表",
    "dict_type": "应是一张表",
    "string_too_short": "不能为空（至少 {min_length} 个字）",
    "string_too_long": "太长了，最多 {max_length} 个字",
    "too_short": "至少要有 {min_length} 项",
    "too_long": "最多 {max_length} 项",
    "greater_than": "必须大于 {gt}",
    "greater_than_equal": "不能小于 {ge}",
    "less_than": "必须小于 {lt}",
    "less_than_equal": "不能大于 {le}",
    "literal_error": "只能是 {expected} 之一",
    "string_pattern_mismatch": "写法不对，应符合 {pattern}",
    "date_type": "应是日期，如 2026-02-17",
    "date_from_datetime_parsing": "应是日期，如 2026-02-17",
    "value_error": "{error}",
}


def _in_words(detail: ErrorDetails) -> str:
    path = _path(detail)
    if detail["type"] == "extra_forbidden":
        return _unknown_key(path)
    template = _WORDS.get(detail["type"])
    if template is None:
        return detail["msg"]
    given = detail.get("input")
    seen = f"，现在是 {given!r}" if isinstance(given, str | int | float) and detail["type"] != "missing" else ""
    return template.format(**detail.get("ctx", {})) + (seen if len(seen) < 80 else "")


def _unknown_key(path: positions.Path) -> str:
    keys = _keys_at(path[:-1])
    best = process.extractOne(str(path[-1]), keys, score_cutoff=60) if keys else None
    hint = f"，是不是想写 {best[0]}？" if best else "。"
    listed = f"这里可用的键：{'、'.join(keys)}" if keys else ""
    return f"不认识的键 {path[-1]}{hint}{listed}"


def _keys_at(path: positions.Path) -> list[str]:
    """The keys that the table at a path knows, as they are written in the file."""
    table: Any = Tables
    for key in path:
        if isinstance(key, str) and isinstance(table, type) and issubclass(table, BaseModel):
            by_alias = {field.alias or name: field for name, field in table.model_fields.items()}
            if key not in by_alias:
                return []
            table = by_alias[key].annotation
        table = _table_inside(table)
    if not (isinstance(table, type) and issubclass(table, BaseModel)):
        return []
    return [field.alias or name for name, field in table.model_fields.items()]


def _table_inside(annotation: Any) -> Any:
    """Unwrap Annotated, Optional and tuple[...] down to the table class they hold."""
    while (origin := get_origin(annotation)) in (Annotated, Union, UnionType, tuple):
        inner = [a for a in get_args(annotation) if a not in (NoneType, Ellipsis)]
        annotation = inner[0] if inner else None
        if origin is None:
            break
    return annotation
