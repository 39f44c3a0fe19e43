"""Values of config.toml in the fields of a form: read as people type them, kept as the file has them spelt."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from bot.platform.config.toml_tables import Values
from bot.web.layout.languages import translate
from bot.web.rules.sop_rows import length_words
from sop.lengths import read_length

LONGEST = 20_000  # characters of a text
_LENGTHS = ("after", "valid_for", "reply_window", "again", "hold", "min_stay")
_SETS = ("stop", "on", "only_from", "needs")  # lists whose order says nothing


def line_of(form: Mapping[str, str], name: str, longest: int = 200) -> str:
    """A field of one line, trimmed."""
    return form.get(name, "").strip()[:longest]


def lines_of(form: Mapping[str, str], name: str) -> list[str]:
    """A field of one entry a line."""
    return [line.strip() for line in form.get(name, "")[:LONGEST].splitlines() if line.strip()]


def number_of(text: str) -> int | str:
    """A whole number; what cannot be read as it is."""
    return int(text) if text.isdecimal() and text.isascii() and len(text) < 6 else text


def day_of(text: str) -> date | str:
    """A day; what cannot be read as it is."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return text


def length_of(text: str) -> str:
    """A length as the file writes it; what cannot be read as it is."""
    length = read_length(text)
    return text if length is None else short_length(length)


_RATE = re.compile(
    r"每?(?:(?P<day>天|日)|(?:周|星期|礼拜))(?:最多)?(?P<times>\d{1,2})次?|(?P<number>\d{1,2})a(?:(?P<a_day>day)|week)"
)


def rate_of(text: str) -> str:
    """每天 2 次 or 2 a day as the file writes it, 2/day; what cannot be read as it is."""
    found = _RATE.fullmatch(re.sub(r"\s", "", text))
    if found is None:
        return text
    return f"{found['times'] or found['number']}/{'day' if found['day'] or found['a_day'] else 'week'}"


def show_rate(value: str) -> str:
    """A rate in words; what cannot be read as it is."""
    times, _, per = value.partition("/")
    words = {"day": translate("每天 {n} 次", n=times), "week": translate("每周 {n} 次", n=times)}
    return words.get(per, value)


def short_length(length: timedelta) -> str:
    """A length as the file writes it, by the largest unit that fits evenly: 30m, 24h, 7d."""
    seconds = int(length.total_seconds())
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def show_length(value: object, default: timedelta | None = None) -> str:
    """A length in words; what cannot be read as it is, nothing for the default."""
    length = read_length(str(value)) if value is not None else default
    return str(value or "") if length is None else length_words(length)


def kept(new: Values, old: Values, defaults: Values) -> Values:
    """The new values in the old one's order and spelling, without defaults that the old one did not write."""
    made = {key: value for key, value in new.items() if key in old or not _same(key, value, defaults.get(key))}
    for key, value in old.items():
        if _same(key, made.get(key, defaults.get(key)), value):
            made[key] = value
    return {**{key: made[key] for key in old if key in made}, **made}


def _same(key: str, value: Any, other: Any) -> bool:
    return other is not None and bool(_meaning(key, value) == _meaning(key, other))


def _meaning(key: str, value: Any) -> Any:
    if key in _LENGTHS and isinstance(value, str):
        length = read_length(value)
        return value if length is None else length
    if key == "say" and isinstance(value, str):
        return [value]
    if key == "at":
        return str(value)[:5].rjust(5, "0")
    if key in _SETS and isinstance(value, list):
        return sorted(map(str, value))
    return str(value) if isinstance(value, date) else value
