"""The field for the amounts of a rule: sums or a range as one line of text, and back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_BETWEEN = re.compile(r"[、，,;；\s]+")
_RANGE = re.compile(r"(\d+(?:\.\d+)?)?\s*(?:-|~|～|—|到|至)\s*(\d+(?:\.\d+)?)?")


def show_amount(value: Any) -> str:
    """What stands in the field: 9.9、199, or 100-300, 100- and -300."""
    if isinstance(value, Mapping):
        return f"{value.get('from', '')}-{value.get('to', '')}"
    if isinstance(value, list):
        return "、".join(map(str, value))
    return "" if value is None else str(value)


def parse_amount(text: str) -> Any:
    """The value as the file has it; what cannot be read is handed on, for the check of the file names it."""
    found = _RANGE.fullmatch(text.strip())
    if found is not None and (found[1] or found[2]):
        return {key: _number(part) for key, part in zip(("from", "to"), found.groups(), strict=True) if part}
    return [_number(part) for part in _BETWEEN.split(text.strip()) if part]


def _number(part: str) -> Any:
    if part.isdecimal() and part.isascii():
        return int(part)
    whole, point, decimals = part.partition(".")
    return float(part) if point and (whole + decimals).isdecimal() and part.isascii() and len(part) < 20 else part
