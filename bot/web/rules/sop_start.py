"""What starts an SOP, as fields of a form: its kind, what it is called, a length, and back to `stage` or `on`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bot.platform.config.toml_tables import Values
from bot.web.rules.form_values import length_of
from bot.web.rules.sop_rows import DAYS
from sop.triggers import GROUP_EVENTS, Trigger, TriggerError, parse_trigger

KINDS = {
    "stage": "进入一个阶段",
    "event": "发生一件事",
    "tag": "带上一个标签",
    "segment": "进入一个分群",
    "silence": "沉默多久以后",
    "date": "客户资料里的日子",
    "day": "固定的一天",
    "every": "每周或每月",
    "reply": "回复了别的跟进",
    "no-reply": "没有回复别的跟进",
}
_NO_DAY = "date:?"
EVERY = {**DAYS, **{str(n): "" for n in range(1, 32)}}
_MISSING = {
    "stage": "选一个阶段",
    "event": "选一件事",
    "tag": "写上一个标签",
    "segment": "选一个分群",
    "date": "选一种日子",
    "day": "选一天",
    "every": "选一天",
    "reply": "选一份跟进",
    "no-reply": "选一份跟进",
}
TEXTS = (*KINDS.values(), *_MISSING.values())
"""Texts that do not stand in a call of translate, for the catalogues."""


@dataclass(frozen=True)
class StartFields:
    """The fields as they stand in the form; raw: an `on` that none of them can show."""

    kind: str = "stage"
    name: str = ""
    length: str = ""
    days: str = ""
    when: str = "before"
    step: str = ""
    raw: str = ""


def show_start(values: Values) -> StartFields:
    """The fields for what the file says."""
    if "on" not in values:
        return StartFields("stage", str(values.get("stage", "")))
    text = str(values["on"])
    try:
        trigger = parse_trigger(text)
    except TriggerError:
        return _half(text)
    return _fields(trigger, text)


def _fields(trigger: Trigger, text: str) -> StartFields:
    if trigger.kind == "silence":
        return StartFields("silence", length=text.partition(":")[2].strip())
    if trigger.kind == "date" and trigger.day is not None:
        return StartFields("day", trigger.day.isoformat())
    if trigger.kind == "date":
        days = trigger.length.days if trigger.length else 0
        return StartFields("date", trigger.name, days=str(abs(days)), when="after" if days > 0 else "before")
    if trigger.kind not in KINDS:  # told by another system: order:…, event:…
        return StartFields("raw", raw=text)
    step = "" if trigger.step is None else str(trigger.step + 1)
    return StartFields(trigger.kind, trigger.name, step=step)


def _half(text: str) -> StartFields:
    """A kind that was chosen, its name not given yet; anything else is shown as it stands in the file."""
    kind, _, name = text.partition(":")
    if kind == "@" or (kind in KINDS and not name.strip()):
        return StartFields("event" if kind == "@" else kind)
    if text == _NO_DAY:
        return StartFields("day")
    if kind == "silence":
        return StartFields("silence", length=name)
    return StartFields("raw", raw=text)


def read_start(form: Mapping[str, str]) -> Values:
    """{stage: …} or {on: …} of the form's fields; what is missing or wrong is left to the check of the file."""
    kind, name = form.get("start.kind", "stage"), form.get("start.name", "").strip()[:64]
    if kind == "stage":
        return {"stage": name}
    if kind == "event":
        return {"on": name if name.startswith("@") else "@"}
    if kind == "silence":
        return {"on": f"silence:{length_of(form.get('start.length', '').strip()[:20])}"}
    if kind == "date":
        return {"on": f"date:{name}{_offset(form)}" if name else "date:"}
    if kind == "day":
        return {"on": f"date:{name}" if name else _NO_DAY}
    if kind in ("reply", "no-reply"):
        step = form.get("start.step", "").strip()[:4]
        return {"on": f"{kind}:{name}" + (f"/{step}" if name and step else "")}
    if kind in KINDS:
        return {"on": f"{kind}:{name}"}
    return {"on": form.get("start.raw", "")[:120]}


def _offset(form: Mapping[str, str]) -> str:
    days = form.get("start.days", "").strip()[:3]
    sign = "+" if form.get("start.when") == "after" else "-"
    return f"{sign}{days}d" if days and days != "0" else ""


def start_missing(values: Values) -> str:
    """What is still to be chosen, in words; empty where everything is given."""
    fields = show_start(values)
    if fields.kind == "silence":
        return "" if fields.length else "写上沉默多久，例如 3天"
    return "" if fields.name or fields.kind == "raw" else _MISSING[fields.kind]


def is_for_groups(values: Values) -> bool:
    """Whether it is for group chats: the file says so, or what starts it happens to groups only."""
    return values.get("audience") == "group" or values.get("on") in GROUP_EVENTS
