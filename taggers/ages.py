"""Ages of children, read out of a sentence with the day on which they were said."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from taggers.days import Found
from taggers.numbers import whole_number

_H = "零〇一二两三四五六七八九十廿卅"
_N = rf"(?:\d{{1,3}}|[{_H}百]{{1,4}})"
_AGE = re.compile(
    rf"(?<![\d.第几])(?:(?P<years>{_N}(?:\.5)?)\s*(?:周岁|岁)(?P<half>半)?(?:\s*零?(?:(?P<more>{_N})\s*个?月))?"
    rf"|(?P<months>{_N})\s*个(?:半)?月|(?P<weeks>{_N})\s*周(?![岁一二三四五六日天末年])|(?P<days>{_N})\s*天"
    rf"|(?P<word>半岁|满月|百天|周岁))"
)
_WORDS = {"半岁": "6m", "满月": "1m", "百天": "100d", "周岁": "12m"}
_OLDEST = 120
_UNITS = (("months", "m"), ("weeks", "w"), ("days", "d"))


def ages(text: str, day: date) -> Iterator[Found]:
    """Give the ages of a folded text with the day they were said: 8m@2026-03-04 (d days, w weeks, m months)."""
    for found in _AGE.finditer(text):
        length = _length_of(found)
        if length:
            yield Found(f"{length}@{day.isoformat()}", *found.span())


def _length_of(found: re.Match[str]) -> str:
    if found["word"]:
        return _WORDS[found["word"]]
    if found["years"]:
        whole, _, half = found["years"].partition(".")
        years, more = whole_number(whole), whole_number(found["more"] or "") or 0
        if years is None or years > _OLDEST:
            return ""
        return f"{years * 12 + (6 if half or found['half'] else more)}m"
    for name, unit in _UNITS:
        number = whole_number(found[name] or "")
        if number:
            return f"{number}{unit}"
    return ""
