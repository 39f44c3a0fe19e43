"""Words the errors of tomllib and pydantic in plain Chinese: in the syntax, the tables, the values of a config."""

from __future__ import annotations

from collections.abc import Sequence
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import ErrorDetails
from rapidfuzz import process

from bot.platform.config.positions import Path
from sop.tables import RATE
from taggers.translatable import Translatable, sentence

# Messages of Python's TOML parser, by how they begin.
_SYNTAX = {
    "Invalid value": "等号右边的值写得不对；文字要用英文双引号括起来",
    "Expected newline or end of document": "这里多出了内容；一行只写一个键，一组文字要用方括号括起来",
    "Invalid initial character for a key part": "这里应是键名；键名只能用英文字母、数字、- 和 _",
    "Expected '=' after a key": "键名后面少了等号 =",
    "Expected ']]'": "表名少了右边的 ]]",
    "Expected ']'": "表名少了右边的 ]",
    "Unclosed array": "方括号没有配对，或者列表里少了逗号",
    "Unclosed inline table": "花括号没有配对，或者里面少了逗号",
    "Unterminated string": "引号没有配对",
    "Illegal character": "引号没有配对，或者文字里直接换了行",
    "Unescaped": "文字里的反斜杠 \\ 要写成 \\\\，或者改用单引号",
    "Cannot overwrite a value": "这个键前面已经写过了",
    "Duplicate inline table key": "这个键前面已经写过了",
    "Cannot declare": "这张表前面已经写过了；可以写多份的表要用两层方括号 [[…]]",
    "Invalid date": "日期不对，应写作 2026-02-17",
    "Found invalid character": "这里有一个不能出现的字符",
    "Invalid statement": "这一行不是「键 = 值」，也不是 [表名]；键名只能用英文字母，说明文字要以 # 开头",
}


def syntax(text: str) -> str:
    """An error of tomllib in Chinese, the original in brackets."""
    words = next((words for begin, words in _SYNTAX.items() if text.startswith(begin)), None)
    return Translatable("{words}（{text}）", words=Translatable(words), text=text) if words else text


def own(details: Sequence[ErrorDetails]) -> list[ErrorDetails]:
    """Without the "too few items" that pydantic reports for a list whose items are themselves wrong."""
    paths = [path(detail) for detail in details]
    return [
        detail
        for detail, path in zip(details, paths, strict=True)
        if detail["type"] != "too_short" or not any(p[: len(path)] == path != p for p in paths)
    ]


def path(detail: ErrorDetails) -> Path:
    """The key path of an error, without the steps that pydantic inserts for its own functions."""
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
    "value_error": "",
}

_PATTERNS = {
    r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$": "只能用英文字母、数字、- 和 _，以字母或数字开头，最多 64 个",
    RATE: '写作 "1/day" 或 "2/week"',
    r"^https?://\S{1,2040}$": "应是 http:// 或 https:// 开头的网址，中间没有空格",
    r"^([01]\d|2[0-3]):00-([01]\d|2[0-4]):00$": '时段写作整点，如 "09:00-18:00"',
}


_LONG = 74  # characters; a longer value is not quoted in the message


def in_words(detail: ErrorDetails, root: type[BaseModel]) -> str:
    """One error of pydantic in Chinese; `root` is the model of the whole file."""
    place = path(detail)
    if detail["type"] == "extra_forbidden":
        return _unknown_key(place, root)
    given = detail.get("input")
    if detail["type"] == "tuple_type" and isinstance(given, dict):
        return Translatable(
            "要写两层方括号：[[{table}]]", table=".".join(key for key in place if isinstance(key, str))
        )
    if detail["type"] == "model_type" and isinstance(given, list):
        return Translatable("只写一层方括号：[{table}]", table=".".join(key for key in place if isinstance(key, str)))
    template = _PATTERNS.get(detail.get("ctx", {}).get("pattern", ""), _WORDS.get(detail["type"]))
    if template is None:
        return detail["msg"]
    said = _filled(template, detail.get("ctx", {}))
    if not isinstance(given, str | int | float) or detail["type"] == "missing" or len(repr(given)) > _LONG:
        return said
    return Translatable("{said}，现在是 {given}", said=said, given=repr(given))


def _filled(template: str, context: dict[str, Any]) -> Translatable:
    """The template filled from pydantic's context; a check of our own raises a finished sentence, used as it is."""
    if isinstance(context.get("error"), ValueError):
        return sentence(str(context["error"]))
    if "expected" in context:  # 'a', 'b' or 'c'
        context = {**context, "expected": context["expected"].replace(" or ", ", ").split(", ")}
    return Translatable(template, **{name: value for name, value in context.items() if f"{{{name}}}" in template})


def _unknown_key(place: Path, root: type[BaseModel]) -> str:
    keys = _keys_at(place[:-1], root)
    best = process.extractOne(str(place[-1]), keys, score_cutoff=60) if keys else None
    hint = Translatable("，是不是想写 {name}？", name=best[0]) if best else Translatable("。")
    known = Translatable("这里可用的键：{names}", names=keys) if keys else ""
    return Translatable("不认识的键 {name}{hint}{known}", name=place[-1], hint=hint, known=known)


def _keys_at(place: Path, root: type[BaseModel]) -> list[str]:
    """The keys that the table at a path has, as they are written in the file."""
    table: Any = root
    for key in place:
        if isinstance(key, str) and isinstance(table, type) and issubclass(table, BaseModel):
            by_alias = {field.alias or name: field for name, field in table.model_fields.items()}
            if key not in by_alias:
                return []
            table = by_alias[key].annotation
        table = table_inside(table)
    if not (isinstance(table, type) and issubclass(table, BaseModel)):
        return []
    return [field.alias or name for name, field in table.model_fields.items()]


def table_inside(annotation: Any) -> Any:
    """Unwrap Annotated, Optional and tuple[...] down to the table class they hold."""
    while (origin := get_origin(annotation)) in (Annotated, Union, UnionType, tuple):
        inner = [a for a in get_args(annotation) if a not in (NoneType, Ellipsis)]
        annotation = inner[0] if inner else None
        if origin is None:
            break
    return annotation
