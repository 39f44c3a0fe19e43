"""Triggers that start an SOP (a stage, an event, a tag, a segment, a silence, an answer, a day), parsed from text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Literal

from rapidfuzz import fuzz, process

from sop.business import is_business, what_is_wrong
from sop.playbook import Sop
from sop.tables import parse_length
from sop.translatable import Translatable, sentence

EVENTS = {
    "@added": "客户添加了员工",
    "@lost": "客户删除了员工",
    "@spoke": "客户说了话",
    "@woken": "沉睡的客户又说了话",
    "@joined": "客户进了群",
    "@quit": "客户退了群",
    "@approved": "客户同意存档会话",
}
GROUP_EVENTS = {"@made": "建了群"}
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LAST_DAY = "last"

_FORMS = Translatable(
    '"@added"、"tag:高意向"、"segment:分群"、"silence:3d"、"reply:跟进的 id/2"、"no-reply:跟进的 id/2"、'
    '"date:birthday"、"date:expiry-7d"、"date:2026-06-01"、"every:mon"、"every:15"、"every:last"、'
    '"order:2999课"、"refund:*"、"event:完成试听"'
)
_DATE_FIELD = re.compile(r"([a-z\u4e00-\u9fff][A-Za-z0-9_\u4e00-\u9fff]{0,29})(?:([+-])(\d{1,3})d)?")
_STEP = re.compile(r"([A-Za-z0-9][A-Za-z0-9_-]*)(?:/([1-9]\d{0,2}))?")

TriggerKind = Literal["stage", "event", "tag", "segment", "silence", "date", "every", "reply", "no-reply", "business"]


@dataclass(frozen=True, slots=True)
class Trigger:
    """What happened, or what is waited for.

    name: the stage, "@event", tag, segment, date field, day of the week ("mon") or month ("15", "last"), SOP
    answered, or what other systems tell, as it is written ("order:2999课").
    length: of a silence, or how long after a date field (before it: negative). day: a fixed date. step: the step
    answered, counted from 0; None where any step will do.
    """

    kind: TriggerKind
    name: str = ""
    length: timedelta | None = None
    day: date | None = None
    step: int | None = None

    def is_met_by(self, happened: Trigger) -> bool:
        """Whether what happened is what is waited for."""
        if self.kind in ("reply", "no-reply") and self.step is None:
            return (self.kind, self.name) == (happened.kind, happened.name)
        return self == happened


class TriggerError(ValueError):
    """A trigger that cannot be read; the message says how to write it."""


@lru_cache(maxsize=1_000)  # asked of every SOP for every message
def parse_trigger(text: str) -> Trigger:
    """Read what an SOP's `on` says, such as "@added", "tag:X" or "silence:3d"; raises TriggerError."""
    kind, colon, name = (part.strip() for part in text.strip().partition(":"))
    if kind.startswith("@") and not colon:
        return _event(kind)
    if is_business(text.strip()):
        return _business(text.strip())
    reader = _READERS.get(kind)
    if reader is None or not name:
        raise TriggerError(Translatable('看不懂触发条件 "{text}"，可以写 {forms}', text=text, forms=_FORMS))
    return reader(name)


def trigger_of(sop: Sop) -> Trigger:
    """Give the trigger of an SOP: its `stage`, or its `on`; raises TriggerError."""
    return Trigger("stage", sop.stage) if sop.stage is not None else parse_trigger(sop.on or "")


class Starts:
    """SOPs by what starts them: it is asked for every message, and most wait for something else."""

    def __init__(self, sops: Iterable[Sop]) -> None:
        self._waiting: dict[TriggerKind, list[tuple[Trigger, Sop]]] = {}
        for sop in sops:
            if _may_begin(sop):
                trigger = trigger_of(sop)
                self._waiting.setdefault(trigger.kind, []).append((trigger, sop))

    def by(self, happened: Trigger) -> tuple[Sop, ...]:
        """Give the SOPs that a happening starts, in the order in which they were given."""
        waiting = self._waiting.get(happened.kind, ())
        return tuple(sop for trigger, sop in waiting if trigger.is_met_by(happened))


def starts(sops: Iterable[Sop], happened: Trigger) -> tuple[Sop, ...]:
    """Give the SOPs that a happening starts, in the order of the config."""
    return Starts(sops).by(happened)


def silences(sops: Iterable[Sop]) -> tuple[timedelta, ...]:
    """Give the lengths of silence that some SOP waits for, shortest first."""
    triggers = [trigger_of(sop) for sop in sops if _may_begin(sop)]
    return tuple(sorted({t.length for t in triggers if t.kind == "silence" and t.length is not None}))


def _may_begin(sop: Sop) -> bool:
    return sop.enabled and not sop.for_groups


def _event(name: str) -> Trigger:
    if name not in EVENTS and name not in GROUP_EVENTS:
        near = process.extractOne(name, EVENTS.keys(), scorer=fuzz.ratio, score_cutoff=50)
        hint = (
            Translatable("是不是 {name}？", name=near[0])
            if near
            else Translatable("可用的有 {names}", names=list(EVENTS))
        )
        raise TriggerError(Translatable("没有事件 {name}，{hint}", name=name, hint=hint))
    return Trigger("event", name)


def _business(text: str) -> Trigger:
    wrong = what_is_wrong(text)
    if wrong is not None:
        raise TriggerError(wrong)
    return Trigger("business", text)


def _tag(name: str) -> Trigger:
    return Trigger("tag", name)


def _segment(name: str) -> Trigger:
    return Trigger("segment", name)


def _silence(text: str) -> Trigger:
    try:
        length = parse_length(text)
    except ValueError as error:
        raise TriggerError(
            Translatable('沉默时长 "{text}" 看不懂：{error}', text=text, error=sentence(str(error)))
        ) from None
    if not length:
        raise TriggerError("沉默时长要大于 0，例如 silence:3d")
    return Trigger("silence", length=length)


def _date(text: str) -> Trigger:
    try:
        return Trigger("date", day=date.fromisoformat(text))
    except ValueError:
        found = _DATE_FIELD.fullmatch(text)
    if found is None:
        raise TriggerError(
            Translatable(
                '看不懂日期 "{text}"：写作 date:birthday，提前写作 date:expiry-7d，固定日子写作 date:2026-06-01',
                text=text,
            )
        )
    days = int(found[3] or 0) * (-1 if found[2] == "-" else 1)
    return Trigger("date", found[1], timedelta(days=days))


def _every(text: str) -> Trigger:
    is_day = text.isdecimal() and 1 <= int(text) <= 31
    if text not in (*WEEKDAYS, LAST_DAY) and not is_day:
        raise TriggerError(
            Translatable(
                '看不懂周期 "{text}"：每周写 {names} 之一，每月写 1 到 31 或 {last_day}（月末）',
                text=text,
                names=WEEKDAYS,
                last_day=LAST_DAY,
            )
        )
    return Trigger("every", str(int(text)) if is_day else text)


def _reply(kind: Literal["reply", "no-reply"]) -> Callable[[str], Trigger]:
    def read(text: str) -> Trigger:
        found = _STEP.fullmatch(text)
        if found is None:
            raise TriggerError(
                Translatable(
                    '看不懂 "{kind}:{text}"，写作 {kind}:跟进的 id 或 {kind}:跟进的 id/第几步', kind=kind, text=text
                )
            )
        return Trigger(kind, found[1], step=int(found[2]) - 1 if found[2] else None)

    return read


_READERS: dict[str, Callable[[str], Trigger]] = {
    "tag": _tag,
    "segment": _segment,
    "silence": _silence,
    "date": _date,
    "every": _every,
    "reply": _reply("reply"),
    "no-reply": _reply("no-reply"),
}
