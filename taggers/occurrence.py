"""Occurrences: what customers do besides talking, and the triggers of a rule's `on` that one meets."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from taggers.rule import parse_duration
from taggers.translatable import Translatable

Happening = Literal[
    "added", "deleted", "joined", "left", "message", "link-opened", "replied", "not-replied", "silence"
]


@dataclass(frozen=True, slots=True)
class Occurrence:
    """Something that happened at `at` (aware). Only the fields that the kind needs are filled in.

    added           channel: the `state` of the contact way, or ""
    message         message_kind (text, image, voice, ...), hour (local), first (the first one ever)
    link-opened     link: its name or id
    replied, not-replied    sop, step (counted from 1)
    silence         length: since the customer's last word; previous: the length at the last look (0 at first)
    """

    kind: Happening
    at: datetime
    id: str = ""
    channel: str = ""
    message_kind: str = ""
    hour: int | None = None
    first: bool = False
    link: str = ""
    sop: str = ""
    step: int | None = None
    length: timedelta = timedelta()
    previous: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class OccurrenceTrigger:
    """One entry of `on`, ready to be asked. `says` is its meaning in words."""

    written: str
    kind: Happening
    says: str
    met: Callable[[Occurrence], bool]


def _always(_: Occurrence) -> bool:
    return True


def _plain(kind: Happening, says: str) -> Callable[[str, re.Match[str]], OccurrenceTrigger]:
    def build(written: str, matched: re.Match[str]) -> OccurrenceTrigger:
        name = matched[1]
        if kind == "added" and name:
            return OccurrenceTrigger(written, kind, f"{says}（渠道 {name}）", lambda seen: seen.channel == name)
        return OccurrenceTrigger(written, kind, says, _always)

    return build


def _first(written: str, _: re.Match[str]) -> OccurrenceTrigger:
    return OccurrenceTrigger(written, "message", "第一条消息", lambda seen: seen.first)


def _night(written: str, matched: re.Match[str]) -> OccurrenceTrigger:
    begin, end = int(matched[1] or 23), int(matched[2] or 6)
    if begin > 23 or end > 24 or begin == end:
        raise ValueError("夜间时段写成 @night:22-6，小时在 0 到 23 之间")
    if begin < end:
        return OccurrenceTrigger(
            written,
            "message",
            f"{begin} 点到 {end} 点来消息",
            lambda seen: seen.hour is not None and begin <= seen.hour < end,
        )
    return OccurrenceTrigger(
        written,
        "message",
        f"{begin} 点到 {end} 点来消息",
        lambda seen: seen.hour is not None and (seen.hour >= begin or seen.hour < end),
    )


def _kind(written: str, matched: re.Match[str]) -> OccurrenceTrigger:
    kind = matched[1]
    return OccurrenceTrigger(written, "message", f"发来 {kind}", lambda seen: seen.message_kind == kind)


def _link(written: str, matched: re.Match[str]) -> OccurrenceTrigger:
    name = matched[1]
    if name is None:
        return OccurrenceTrigger(written, "link-opened", "打开了链接", _always)
    return OccurrenceTrigger(written, "link-opened", f"打开了链接 {name}", lambda seen: seen.link == name)


def _reply(written: str, matched: re.Match[str]) -> OccurrenceTrigger:
    kind: Happening = "not-replied" if matched[1] else "replied"
    sop, step = matched[2], int(matched[3]) if matched[3] else None
    says = f"{'未回复' if matched[1] else '回复了'} {sop}" + (f" 第 {step} 步" if step else "")
    return OccurrenceTrigger(written, kind, says, lambda seen: seen.sop == sop and step in (None, seen.step))


def _silence(written: str, matched: re.Match[str]) -> OccurrenceTrigger:
    length = parse_duration(matched[1])
    return OccurrenceTrigger(
        written, "silence", f"沉默满 {matched[1]}", lambda seen: seen.previous < length <= seen.length
    )


_FORMS: tuple[tuple[re.Pattern[str], Callable[[str, re.Match[str]], OccurrenceTrigger]], ...] = (
    (re.compile(r"@added(?::(.+))?"), _plain("added", "被添加为客户")),
    (re.compile(r"@deleted()"), _plain("deleted", "删除了员工")),
    (re.compile(r"@joined()"), _plain("joined", "进群")),
    (re.compile(r"@left()"), _plain("left", "退群")),
    (re.compile(r"@first-message"), _first),
    (re.compile(r"@night(?::(\d{1,2})-(\d{1,2}))?"), _night),
    (re.compile(r"kind:([a-z_]+)"), _kind),
    (re.compile(r"link:opened(?::(.+))?"), _link),
    (re.compile(r"(no-)?reply:([A-Za-z0-9][A-Za-z0-9_-]*)(?:/(\d{1,3}))?"), _reply),
    (re.compile(r"silence:(\w+)"), _silence),
)


def parse_trigger(written: str) -> OccurrenceTrigger:
    """Read one entry of `on`; raises ValueError that lists the accepted forms."""
    for form, build in _FORMS:
        matched = form.fullmatch(written)
        if matched is not None:
            return build(written, matched)
    raise ValueError(
        Translatable(
            "不认识的触发条件「{written}」。可以写：@added、@added:渠道、@deleted、@joined、@left、@first-message、@night、"
            "kind:image、link:opened、link:opened:名称、reply:SOP/步、no-reply:SOP/步、silence:3d",
            written=written,
        )
    )
