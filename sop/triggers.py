"""What starts an SOP: a stage entered, an event, a tag, a silence, a date; read from its text."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from rapidfuzz import fuzz, process

from sop.playbook import Sop, parse_length

EVENTS = {
    "@added": "客户添加了员工",
    "@lost": "客户删除了员工",
    "@spoke": "客户说了话",
    "@woken": "沉睡的客户又说了话",
    "@joined": "客户进了群",
    "@quit": "客户退了群",
    "@approved": "客户同意存档会话",
}

_DATES = {"birthday": "生日"}
_FORMS = '"@added"、"tag:高意向"、"silence:3d"、"date:birthday"'

Kind = Literal["stage", "event", "tag", "silence", "date"]


@dataclass(frozen=True, slots=True)
class Trigger:
    """What happened, or what is waited for: `name` is the stage, "@event", tag or date."""

    kind: Kind
    name: str = ""
    length: timedelta | None = None


class TriggerError(ValueError):
    """A trigger that cannot be read; the message says how to write it."""


def parse_trigger(text: str) -> Trigger:
    """Read "@added", "tag:X", "silence:3d" or "date:birthday"; raises TriggerError."""
    kind, colon, name = (part.strip() for part in text.strip().partition(":"))
    if kind.startswith("@") and not colon:
        return _event(kind)
    if kind == "tag" and name:
        return Trigger("tag", name)
    if kind == "silence":
        return _silence(name)
    if kind == "date":
        return _date(name)
    raise TriggerError(f'看不懂触发条件 "{text}"，可以写 {_FORMS}')


def trigger_of(sop: Sop) -> Trigger:
    """Give the trigger of an SOP: its `stage`, or its `on`; raises TriggerError."""
    return Trigger("stage", sop.stage) if sop.stage is not None else parse_trigger(sop.on or "")


def starts(sops: Iterable[Sop], trigger: Trigger) -> tuple[Sop, ...]:
    """Give the SOPs that a happening starts, in the order of the config."""
    return tuple(sop for sop in sops if trigger_of(sop) == trigger)


def silences(sops: Iterable[Sop]) -> tuple[timedelta, ...]:
    """Give the lengths of silence that some SOP waits for, shortest first."""
    lengths = {trigger_of(sop).length for sop in sops}
    return tuple(sorted(length for length in lengths if length is not None))


def _event(name: str) -> Trigger:
    if name not in EVENTS:
        near = process.extractOne(name, EVENTS.keys(), scorer=fuzz.ratio, score_cutoff=50)
        hint = f"是不是 {near[0]}？" if near else f"可用的有 {'、'.join(EVENTS)}"
        raise TriggerError(f"没有事件 {name}，{hint}")
    return Trigger("event", name)


def _silence(text: str) -> Trigger:
    try:
        length = parse_length(text)
    except ValueError as error:
        raise TriggerError(f'沉默时长 "{text}" 看不懂：{error}') from None
    if not length:
        raise TriggerError("沉默时长要大于 0，例如 silence:3d")
    return Trigger("silence", length=length)


def _date(name: str) -> Trigger:
    if name not in _DATES:
        raise TriggerError(f'没有日期 "{name}"，可用的有 {"、".join(f"date:{n}（{t}）" for n, t in _DATES.items())}')
    return Trigger("date", name)
