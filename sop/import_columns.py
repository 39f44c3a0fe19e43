"""Columns of an imported table: what each is proposed to be, by its heading, and which one tells the customer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from sop.fields import names_of
from sop.workspace import FieldDefinition

IGNORED, TAGS = "", "tags"
KEY, STAGE, FIELD = "key:", "stage:", "field:"
KEYS = ("external_userid", "unionid", "phone", "remark")  # the surest first
_CALLED = {
    f"{KEY}external_userid": ("external_userid", "客户编号", "客户id", "外部联系人id", "userid"),
    f"{KEY}unionid": ("unionid", "union_id", "微信unionid"),
    f"{KEY}phone": ("手机", "手机号", "手机号码", "电话", "电话号码", "联系电话", "phone", "mobile", "tel"),
    f"{KEY}remark": ("备注", "备注名", "客户备注", "微信备注", "remark"),
    TAGS: ("标签", "客户标签", "tag", "tags"),
    STAGE: ("阶段", "客户阶段", "stage"),
}
_BETWEEN = re.compile(r"[、,，;；|\n]+")
_NO_DIGITS = re.compile(r"[\s\-()（）.]+")


def propose(
    headings: Sequence[str], fields: Mapping[str, FieldDefinition], pipelines: Sequence[str]
) -> tuple[str, ...]:
    """What each column is: "key:phone", "tags", "stage:课程转化", "field:birthday", or "" for one to be left out.

    Of several columns that could tell the customer only the surest is taken; a field that is called like a key
    (电话) is filled by a column that is not needed as one. Nothing is proposed twice.
    """
    called = _by_name(fields, pipelines)
    wanted = [called.get(plain_heading(heading), IGNORED) for heading in headings]
    key = _surest(wanted)
    as_fields = {plain_heading(name): f"{FIELD}{field.name}" for field in fields.values() for name in names_of(field)}
    proposed: list[str] = []
    for heading, target in zip(headings, wanted, strict=True):
        if target.startswith(KEY) and target != key:
            target = as_fields.get(plain_heading(heading), IGNORED)
        proposed.append(target if target not in proposed else IGNORED)
    return tuple(proposed)


def propose_key(headings: Sequence[str]) -> tuple[str, ...]:
    """By column: "key:phone" for the one that tells the customer most surely, "" for all others."""
    called = {plain_heading(name): key for key, names in _CALLED.items() if key.startswith(KEY) for name in names}
    wanted = [called.get(plain_heading(heading), IGNORED) for heading in headings]
    key = _surest(wanted)
    first = wanted.index(key) if key else -1
    return tuple(key if at == first else IGNORED for at in range(len(wanted)))


def _surest(wanted: Sequence[str]) -> str:
    return next((f"{KEY}{name}" for name in KEYS if f"{KEY}{name}" in wanted), IGNORED)


def split_tags(text: str) -> tuple[str, ...]:
    """The tags in a cell, however they are set apart."""
    return tuple(dict.fromkeys(part.strip() for part in _BETWEEN.split(text) if part.strip()))


def plain_phone(text: str) -> str:
    """A phone number as it is compared: digits alone, without the country's code."""
    digits = _NO_DIGITS.sub("", text.strip().lstrip("'")).removeprefix("+")
    return digits.removeprefix("86") if len(digits) == 13 and digits.startswith("86") else digits


def _by_name(fields: Mapping[str, FieldDefinition], pipelines: Iterable[str]) -> dict[str, str]:
    names = list(pipelines)
    found = {plain_heading(name): f"{FIELD}{field.name}" for field in fields.values() for name in names_of(field)}
    found |= {plain_heading(name): f"{STAGE}{name}" for name in names}
    for target, headings in _CALLED.items():
        if target != STAGE:
            found |= {plain_heading(heading): target for heading in headings}
        elif names:
            found |= {plain_heading(heading): f"{STAGE}{names[0]}" for heading in headings}
    return found


def plain_heading(heading: str) -> str:
    """A heading as it is compared."""
    return "".join(heading.split()).casefold()
