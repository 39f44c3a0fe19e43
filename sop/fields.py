"""Customer fields that a company keeps: which there are, how their values are written and shown."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from sop.translatable import Translatable
from sop.workspace import BIRTHDAY, EXPIRY, FieldDefinition

LONGEST = 200
_DATE = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
KEPT_AS = {
    "month": re.compile(r"\d{4}-(?:0[1-9]|1[0-2])"),
    "age": re.compile(r"(?P<number>\d{1,4})(?P<unit>[dwm])@(?P<day>\d{4}-\d\d-\d\d)"),
    "money": re.compile(r"(?=-?\d)(?P<low>\d{1,12}(?:\.\d{1,2})?)?(?P<to>-)?(?P<high>(?<=-)\d{1,12}(?:\.\d{1,2})?)?"),
    "phone": re.compile(r"1[3-9]\d{9}|0\d{2,3}-\d{7,8}"),
    "count": re.compile(r"\d{1,6}"),
}
"""How values of these kinds are kept (taggers.facts writes the same): 2026-08; 8m@2026-03-04, with the day on which
it was said (d days, w weeks, m months); 5000-8000, 5000- (at least), -8000 (at most), in yuan."""
_WRITTEN = {
    "month": "「{text}」不是月份，写作 2026-08",
    "age": "「{text}」看不出多大，写作 8个月、一岁半、20天",
    "money": "「{text}」不是金额，写作 5000、2万-3万、5000以内",
    "phone": "「{text}」不是电话号码，写作 13800000000 或 010-12345678",
    "count": "「{text}」不是数量，写作 3",
}
_NUMBER = re.compile(r"[+-]?\d[\d ,.()-]*")


def known_fields(declared: Iterable[FieldDefinition]) -> dict[str, FieldDefinition]:
    """The fields by name: birthday and expiry, which every config has, and what it declares itself."""
    return {field.name: field for field in (BIRTHDAY, EXPIRY, *declared)}


def yearly_of(fields: Mapping[str, FieldDefinition]) -> frozenset[str]:
    """The names of the dates that come round every year."""
    return frozenset(name for name, field in fields.items() if field.yearly)


def yearly_names(fields: Mapping[str, FieldDefinition]) -> frozenset[str]:
    """The names and titles of the dates that come round every year, as triggers may call them."""
    return frozenset(name for field in fields.values() if field.yearly for name in names_of(field))


def names_of(field: FieldDefinition) -> tuple[str, ...]:
    """What a config may call a field: its name, and its title where it has one."""
    return (field.name, field.title) if field.title else (field.name,)


def known_names(fields: Mapping[str, FieldDefinition], values: Mapping[str, str]) -> frozenset[str]:
    """The names and titles of the fields that have a value."""
    return frozenset(name for key, field in fields.items() if values.get(key) for name in names_of(field))


def unknown_names(fields: Mapping[str, FieldDefinition], values: Mapping[str, str]) -> frozenset[str]:
    """The names and titles of the fields that have none."""
    return frozenset(name for key, field in fields.items() if not values.get(key) for name in names_of(field))


@dataclass(frozen=True, slots=True)
class Completeness:
    """How much is known of what should be: both by the words of the config."""

    wanted: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()

    @property
    def percent(self) -> int:
        """100 where nothing is wanted."""
        return 100 * (len(self.wanted) - len(self.missing)) // len(self.wanted) if self.wanted else 100


def completeness(wanted: Iterable[str], known: Collection[str]) -> Completeness:
    """Say how many of the fields that a pipeline wants are among the `known` ones."""
    names = tuple(dict.fromkeys(wanted))
    return Completeness(names, tuple(name for name in names if name not in known))


def read_value(field: FieldDefinition, text: str) -> str:
    """Bring what a person wrote into the form that is kept (dates as 1990-05-20); raises ValueError saying how."""
    plain = " ".join(text.split())
    if len(plain) > LONGEST:
        raise ValueError(Translatable("最多 {n} 个字", n=LONGEST))
    if field.kind == "date":
        return _read_date(plain).isoformat()
    if field.kind == "choice":
        return _read_choice(field, plain)
    if field.kind in KEPT_AS and not KEPT_AS[field.kind].fullmatch(plain):
        raise ValueError(Translatable(_WRITTEN[field.kind], text=plain[:30]))
    if text.startswith(_FORMULA) and not _NUMBER.fullmatch(plain):
        raise ValueError(Translatable("以 {text} 开头，像是表格公式，请去掉这个符号", text=repr(text[0])))
    return plain


def show_value(field: FieldDefinition, value: str, today: date | None = None) -> str:
    """A kept value as people say it: 5月20日, or with the year where the day comes once; an age as it is `today`."""
    if field.kind in _SHOWN and KEPT_AS[field.kind].fullmatch(value):
        return _SHOWN[field.kind](value, today)
    if field.kind != "date":
        return value
    day = date.fromisoformat(value)
    return (
        Translatable("{month}月{day}日", month=day.month, day=day.day)
        if field.yearly
        else Translatable("{year}年{month}月{day}日", year=day.year, month=day.month, day=day.day)
    )


def dates_of(fields: Mapping[str, FieldDefinition], values: Mapping[str, str]) -> dict[str, date]:
    """The dates among a customer's values, by the names of their fields and by the titles."""
    found: dict[str, date] = {}
    for name, value in values.items():
        field = fields.get(name)
        if field is not None and field.kind == "date":
            found.update(dict.fromkeys(names_of(field), date.fromisoformat(value)))
    return found


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


def _read_choice(field: FieldDefinition, text: str) -> str:
    if text not in field.choices:
        choices = [Translatable("「{name}」", name=choice) for choice in field.choices]
        raise ValueError(Translatable("「{text}」不在可选的里面：{choices}", text=text[:30], choices=choices))
    return text


def _show_month(value: str, _today: date | None) -> str:
    year, month = value.split("-")
    return Translatable("{year}年{month}月", year=int(year), month=int(month))


def _show_money(value: str, _today: date | None) -> str:
    low, dash, high = value.partition("-")
    if not dash:
        return Translatable("{sum} 元", sum=low)
    if low and high:
        return Translatable("{low}-{high} 元", low=low, high=high)
    return Translatable("{sum} 元以上", sum=low) if low else Translatable("{sum} 元以内", sum=high)


def _show_age(value: str, today: date | None) -> str:
    """An age as it is now: what was said, and the time since; without `today` as it was said."""
    found = KEPT_AS["age"].fullmatch(value)
    assert found is not None
    number, unit, said = int(found["number"]), found["unit"], date.fromisoformat(found["day"])
    passed = max(((today or said) - said).days, 0)
    if unit == "w":
        return Translatable("{n} 周", n=number + passed // 7)
    if unit == "d" and number + passed < 100:
        return Translatable("{n} 天", n=number + passed)
    months = number + _months_between(said, today or said) if unit == "m" else (number + passed) * 12 // 365
    if months < 24 and months % 12:
        return Translatable("{n} 个月", n=months)
    years, rest = divmod(months, 12)
    return Translatable("{n} 岁", n=years) if not rest else Translatable("{n} 岁 {m} 个月", n=years, m=rest)


def _months_between(first: date, last: date) -> int:
    return max((last.year - first.year) * 12 + last.month - first.month - (last.day < first.day), 0)


_SHOWN: dict[str, Callable[[str, date | None], str]] = {
    "month": _show_month,
    "money": _show_money,
    "age": _show_age,
}
