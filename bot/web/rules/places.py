"""Says in words where in the config a problem is: 规则「ask-price」· 必须不命中 · 第 2 个, for rules[3]….miss[2]."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from typing import Any

from bot.platform.config.parsing import ConfigProblem
from bot.web.rules.rule_form import FIELDS
from taggers.translatable import Translatable

_STEP = re.compile(r"([A-Za-z_]+)((?:\[\d+\])*)")
TABLES = {
    "rules": Translatable("规则"),
    "sops": Translatable("SOP"),
    "pipelines": Translatable("流程"),
    "tags": Translatable("标签组"),
    "synonyms": Translatable("同义词"),
    "fields": Translatable("客户字段"),
    "welcome": Translatable("欢迎语"),
    "workspace": Translatable("基本设置"),
    "text": Translatable("词典"),
    "completion": Translatable("完成的判断"),
    "sync": Translatable("和手机的同步"),
    "budget": Translatable("打扰上限"),
    "overdue": Translatable("逾期提醒"),
    "alarms": Translatable("告警"),
    "media": Translatable("文件"),
    "privacy": Translatable("隐私"),
    "models": Translatable("客户模型"),
    "segments": Translatable("分群"),
    "scores": Translatable("分数"),
    "closings": Translatable("收尾的话"),
    "waiting": Translatable("等回复的提醒"),
    "promises": Translatable("承诺"),
    "suggestions": Translatable("建议"),
    "answers": Translatable("话术"),
}
_INSIDE = {
    "steps": Translatable("第 {n} 步"),
    "stages": Translatable("第 {n} 个阶段"),
    "moves": Translatable("第 {n} 条定时移动"),
    "attachments": Translatable("第 {n} 个附件"),
}
_LABELS = {field.name: field.label for field in FIELDS}


def placed(problems: Iterable[ConfigProblem], source: str) -> list[tuple[ConfigProblem, str]]:
    """Each problem with the words for its place."""
    return [(problem, place_of(problem.where, source)) for problem in problems]


def place_of(where: str, source: str) -> str:
    """The words for a problem's `where` in this text; empty for a problem of the whole file."""
    if not where:
        return ""
    table, *inside = [(name, [int(n) for n in re.findall(r"\d+", numbers)]) for name, numbers in _STEP.findall(where)]
    words = [_table(table[0], table[1][:1], source)]
    if table[0] == "rules":
        words += _field_of_a_rule(inside)
    else:
        for name, numbers in inside:
            words += _key(name, numbers)
    named = {f"part{n}": word for n, word in enumerate(words)}
    return Translatable(" · ".join(f"{{{name}}}" for name in named), **named)


def _table(name: str, number: list[int], source: str) -> str:
    title = TABLES.get(name) or Translatable("别的表")
    if not number:
        return title
    called = _called(name, number[0], source)
    if called:
        return Translatable("{table}「{name}」", table=title, name=called)
    return Translatable("第 {n} 个{table}", n=number[0], table=title)


def _called(table: str, number: int, source: str) -> str:
    try:
        entries: Any = tomllib.loads(source).get(table, [])
        entry = entries[number - 1]
        return str(entry.get("id") or entry.get("name") or entry.get("title") or entry.get("group") or "")[:64]
    except (ValueError, LookupError, AttributeError, TypeError, RecursionError):
        return ""


def _field_of_a_rule(inside: list[tuple[str, list[int]]]) -> list[str]:
    path = ".".join(name for name, _ in inside)
    label = _LABELS.get(path) or next((_LABELS[n] for n in _LABELS if path and n.startswith(f"{path}.")), "")
    numbers = inside[-1][1] if inside else []
    words: list[str] = [Translatable(label)] if label else []
    if numbers:
        words.append(Translatable("第 {n} 个", n=numbers[0]))
    return words


def _key(name: str, numbers: list[int]) -> list[str]:
    words: list[str] = []
    if name in _INSIDE and numbers:
        words.append(Translatable(_INSIDE[name].wording, n=numbers[0]))
    elif numbers:
        words.append(Translatable("第 {n} 个", n=numbers[0]))
    return words
