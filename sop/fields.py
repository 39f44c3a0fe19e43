"""Customer fields that a company keeps: which there are, how their values are written and shown."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from datetime import date

from sop.playbook import BIRTHDAY, EXPIRY, FieldDefinition
from sop.translatable import Translatable

LONGEST = 200
_DATE = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_NUMBER = re.compile(r"[+-]?\d[\d ,.()-]*")


def known_fields(declared: Iterable[FieldDefinition]) -> dict[str, FieldDefinition]:
    """The fields by name: birthday and expiry, which every config has, and what it declares itself."""
    return {field.name: field for field in (BIRTHDAY, EXPIRY, *declared)}


def yearly_of(fields: Mapping[str, FieldDefinition]) -> frozenset[str]:
    """The names of the dates that come round every year."""
    return frozenset(name for name, field in fields.items() if field.yearly)


def read_value(field: FieldDefinition, text: str) -> str:
    """Bring what a person wrote into the form that is kept (dates as 1990-05-20); raises ValueError saying how."""
    plain = " ".join(text.split())
    if len(plain) > LONGEST:
        raise ValueError(Translatable("最多 {n} 个字", n=LONGEST))
    if field.kind == "date":
        return _read_date(plain).isoformat()
    if text.startswith(_FORMULA) and not _NUMBER.fullmatch(plain):
        raise ValueError(Translatable("以 {text} 开头，像是表格公式，请去掉这个符号", text=repr(text[0])))
    return plain


def show_value(field: FieldDefinition, value: str) -> str:
    """A kept value as people say it: 5月20日, or with the year where the day comes once."""
    if field.kind != "date":
        return value
    day = date.fromisoformat(value)
    return (
        Translatable("{month}月{day}日", month=day.month, day=day.day)
        if field.yearly
        else Translatable("{year}年{month}月{day}日", year=day.year, month=day.month, day=day.day)
    )


def dates_of(fields: Mapping[str, FieldDefinition], values: Mapping[str, str]) -> dict[str, date]:
    """The dates among a customer's values."""
    kinds = {name for name, field in fields.items() if field.kind == "date"}
    return {name: date.fromisoformat(value) for name, value in values.items() if name in kinds}


def find_field(fields: Mapping[str, FieldDefinition], heading: str) -> FieldDefinition | None:
    """The field that a column's heading means: its name or its title."""
    wanted = heading.strip()
    by_title = {field.title: field for field in fields.values() if field.title}
    return fields.get(wanted) or fields.get(wanted.casefold()) or by_title.get(wanted)


def unknown_field(fields: Collection[FieldDefinition], heading: str) -> str:
    """Say that there is no such field, and which there are."""
    names = "、".join(f"{field.name}（{field.title}）" if field.title else field.name for field in fields)
    return Translatable(
        "没有字段「{name}」，可用的有：{names}；新的字段写在配置的 [[fields]] 里", name=heading, names=names
    )


def _read_date(text: str) -> date:
    found = _DATE.fullmatch(text)
    try:
        return date(int(found[1]), int(found[2]), int(found[3])) if found else date.fromisoformat(text)
    except ValueError:
        raise ValueError(Translatable("「{text}」不是日期，写作 1990-05-20", text=text[:30])) from None
