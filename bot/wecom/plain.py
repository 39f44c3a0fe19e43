"""Cleans raw values: JSON parsed leniently, text without what databases refuse, numbers and times in range."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from bot.wecom.errors import UnreadableMessageError, WeComError

LONGEST_ID = 64
LARGEST_JSON = 16 * 1024 * 1024
# NUL and other controls (tab, newline and carriage return stay) and lone surrogates: PostgreSQL refuses the
# first, UTF-8 the last.
_UNSTORABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_NUMBER = re.compile(r"[+-]?\d{1,18}")


def read_object(data: bytes) -> dict[str, Any]:
    """The JSON object in `data`; raises UnreadableMessageError.

    Parsed by orjson; by json where orjson refuses it (lone surrogates, large ints, control characters, bad UTF-8).
    """
    if len(data) > LARGEST_JSON:
        raise UnreadableMessageError(f"JSON larger than {LARGEST_JSON} bytes")
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        value = _leniently(data.decode("utf-8", "replace"))
    if not isinstance(value, dict):
        raise UnreadableMessageError("not a JSON object")
    return value


def read_inner(text: object) -> dict[str, Any]:
    """A JSON object that WeCom writes as a string inside JSON (an object is accepted too); {} for anything else."""
    if isinstance(text, dict):
        return text
    try:
        return read_object(text.encode("utf-8", "replace")) if isinstance(text, str) else {}
    except UnreadableMessageError:
        return {}


def _leniently(text: str) -> object:
    try:
        return json.loads(text, strict=False)
    except RecursionError:
        raise UnreadableMessageError("JSON nested too deep") from None
    except ValueError as error:
        raise UnreadableMessageError(f"not JSON: {type(error).__name__}") from None


def clean(value: object) -> str:
    """Text without NUL, controls and lone surrogates; a number as its digits; anything else is ""."""
    if isinstance(value, str):
        return _UNSTORABLE.sub("", value)
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) and _sane(value) else ""


def whole_number(value: object) -> int | None:
    """A whole number below 2**63, also when it comes as a string or as 3.0; None for anything else."""
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        value = int(value)
    if isinstance(value, float) and value.is_integer() and _sane(value):
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63 else None


def _sane(value: float) -> bool:
    return abs(value) < 2**63


def mapping(value: object) -> Mapping[str, Any]:
    """`value` if it is an object, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def items(value: object) -> list[Any]:
    """`value` as a list: a single object or string counts as a list of one, null as none."""
    if isinstance(value, list):
        return value
    return [] if value is None or value == "" else [value]


def list_of(answer: Mapping[str, Any], name: str, api: str) -> list[Any]:
    """A list that a successful answer always has, even if empty; raises WeComError where it is missing.

    Such an answer is not WeCom's: reading it as "none" would, for example, end all known contacts.
    """
    found = answer.get(name)
    if not isinstance(found, list):
        raise WeComError(None, f"answered without {name}", api=api)
    return found


def objects(value: object) -> list[dict[str, Any]]:
    """The objects of a list; anything else in it is left out."""
    return [one for one in items(value) if isinstance(one, dict)]


def texts(value: object) -> list[str]:
    """The texts and numbers of a list as texts, without empty ones."""
    return [text for one in items(value) if (text := clean(one))]


def instant(value: object) -> datetime | None:
    """A datetime from seconds since 1970; None for 0, negative and very large numbers."""
    seconds = whole_number(value)
    return datetime.fromtimestamp(seconds, UTC) if seconds and 0 < seconds < 2**33 else None


def wecom_id(value: object) -> str:
    """An id of WeCom's (of a person, a tag, a group), at most 64 characters; "" for anything else."""
    text = clean(value)
    return text if len(text) <= LONGEST_ID else ""


def small_number(value: object) -> int:
    """A whole number from 0 to 2**31 - 1, as an integer column holds; 0 for anything else."""
    found = whole_number(value)
    return found if found is not None and 0 <= found < 2**31 else 0
