"""The form of one SOP: its keys and steps as fields, read back into the values that belong in the file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from werkzeug.datastructures import MultiDict

from bot.platform.config.parsing import ConfigProblem
from bot.platform.config.sop_text import pair_steps
from bot.platform.config.toml_tables import Values
from bot.web.layout.languages import translate
from bot.web.rules.form_values import LONGEST, day_of, kept, length_of, line_of, lines_of, number_of
from bot.web.rules.sop_rows import length_words
from bot.web.rules.sop_start import read_start
from sop.business import is_business
from sop.lengths import read_length
from sop.stopping import HAPPENINGS

MOST_STEPS = 100
ATTACHMENT = ("title", "url", "desc", "picurl", "appid", "page", "pic", "file")
_DAY = timedelta(days=1)
_HEAD = (
    "id",
    "title",
    "stage",
    "on",
    "stop",
    "owner",
    "channel",
    "audience",
    "cap",
    "priority",
    "again",
    "shadow",
    "steps",
)
_STEP_DEFAULTS: Values = {
    "after": timedelta(0), "anytime": False, "valid_for": 3 * _DAY, "attach": [], "reply_window": _DAY,
}  # fmt: skip
_SOP_DEFAULTS: Values = {
    "stop": ["reply", "left", "lost"], "owner": "follow", "channel": "card", "audience": {}, "cap": "1/day",
    "priority": 5, "again": "always",
}  # fmt: skip


@dataclass(frozen=True)
class StepTime:
    """When a step is due, as fields. mode: after (so long after the start), day (the n-th), date (a fixed one)."""

    mode: str
    after: str = ""
    day: str = ""
    at: str = ""
    date: str = ""


def show_time(step: Values) -> StepTime:
    """The fields for a step's after, at and on_date."""
    at = str(step.get("at", ""))
    at = f"0{at}" if len(at) == 4 else at[:5]
    if "on_date" in step:
        return StepTime("date", at=at, date=str(step["on_date"]))
    after = str(step.get("after", "0m"))
    length = read_length(after)
    if length is None:
        return StepTime("after", after=after, at=at)
    if at and length % _DAY == timedelta(0):
        return StepTime("day", day=str(length // _DAY + 1), at=at)
    return StepTime("after", after=length_words(length) if length else "", at=at)


def read_sop(form: MultiDict[str, str]) -> Values:
    """The SOP as the form has it: every text in a list, empty ones too, so that it can be shown again as it was."""
    again = form.get("again.kind", "always")
    steps = [_read_step(form, key) for key in form.getlist("step")[:MOST_STEPS]]
    return {
        "id": line_of(form, "id"),
        "title": line_of(form, "title"),
        **read_start(form),
        "stop": [*form.getlist("stop"), *map(_stop, lines_of(form, "stop.tags"))],
        "owner": form.get("owner", "follow"),
        "channel": form.get("channel", "card"),
        "audience": "group" if form.get("groups") else _audience(form),
        "cap": f"{line_of(form, 'cap.times') or '1'}/{form.get('cap.per', 'day')}",
        "priority": number_of(line_of(form, "priority") or "5"),
        "again": length_of(line_of(form, "again.length")) if again == "after" else again,
        **({"shadow": True} if form.get("shadow") else {}),
        "steps": steps,
    }


def _stop(line: str) -> str:
    """A tag, or what else the file may name there: opted-out, order:…, event:…"""
    return line if line in HAPPENINGS or is_business(line) else f"tag:{line}"


def _audience(form: MultiDict[str, str]) -> Values:
    found: Values = {"tags": lines_of(form, "audience.tags")}
    found |= {key: form.getlist(f"audience.{key}") for key in ("stages", "segments", "not_segments")}
    return {key: names for key, names in found.items() if names}


def _read_step(form: MultiDict[str, str], key: str) -> Values:
    step = _read_time(form, key)
    if form.get(f"{key}.anytime"):
        step["anytime"] = True
    step["say"] = [text.replace("\r\n", "\n").strip()[:LONGEST] for text in form.getlist(f"{key}.say")[:10]] or [""]
    step["attach"] = [_read_attachment(form, f"{key}.{one}") for one in form.getlist(f"{key}.attach")[:9]]
    for name in ("valid_for", "reply_window"):
        if line_of(form, f"{key}.{name}"):
            step[name] = length_of(line_of(form, f"{key}.{name}"))
    for name in ("on_reply", "on_silence"):
        if line_of(form, f"{key}.{name}"):
            step[name] = line_of(form, f"{key}.{name}")
    return step


def _read_time(form: MultiDict[str, str], key: str) -> Values:
    mode, at = form.get(f"{key}.mode", "after"), line_of(form, f"{key}.at")
    clock = {"at": at} if at else {}
    if mode == "date":
        return {"on_date": day_of(line_of(form, f"{key}.date")), **clock}
    if mode == "day":
        day = number_of(line_of(form, f"{key}.day") or "1")
        return {"after": f"{day - 1}d" if isinstance(day, int) and day > 0 else str(day), **clock}
    return {"after": length_of(line_of(form, f"{key}.after") or "0m"), **clock}


def _read_attachment(form: MultiDict[str, str], key: str) -> Values:
    found = {name: line_of(form, f"{key}.{name}", 2048) for name in ATTACHMENT}
    return {"kind": form.get(f"{key}.kind", "link"), **{name: text for name, text in found.items() if text}}


def settled(values: Values, old: Values) -> Values:
    """The SOP as the file should have it: no empty texts, defaults left out, what means the same as in `old` kept.

    Steps are put into the order of their time; the form moves words from time to time, never a time by itself.
    """
    steps = in_order([_settled_step(step) for step in values["steps"]])
    before = old.get("steps", [])
    paired = pair_steps(before, steps)
    steps = [
        kept({**step, **_unshown(was)}, was, _STEP_DEFAULTS)
        for step, was in ((step, {} if i is None else before[i]) for step, i in zip(steps, paired, strict=True))
    ]
    head = {
        key: value for key, value in values.items() if key != "steps" and (value not in ("", {}) or key == "stage")
    }
    others = {key: value for key, value in old.items() if key not in _HEAD}
    made = kept({**head, **others}, {key: value for key, value in old.items() if key != "steps"}, _SOP_DEFAULTS)
    return {**made, "steps": steps}


def _unshown(step: Values) -> Values:
    """The keys of a step that the form does not show; they stay as they are."""
    return {key: value for key, value in step.items() if key == "not_for"}


def in_order(steps: list[Values]) -> list[Values]:
    """The steps by their time, where all of them are counted alike and can be read."""
    times = [_moment(step) for step in steps]
    kinds = {type(one) for one in times}
    if len(kinds) != 1 or None in times:
        return steps
    return [step for _, step in sorted(zip(times, steps, strict=True), key=lambda pair: pair[0])]  # type: ignore[arg-type, return-value]


def _moment(step: Values) -> timedelta | date | None:
    if "on_date" in step:
        return step["on_date"] if isinstance(step["on_date"], date) else None
    return read_length(str(step.get("after", "0m")))


def _settled_step(step: Values) -> Values:
    said = [text for text in step["say"] if text] or [""]
    return {**step, "say": said[0] if len(said) == 1 else said}


def problems_by_field(
    problems: Iterable[ConfigProblem], index: int
) -> tuple[dict[str, list[str]], list[ConfigProblem]]:
    """Problems of the index-th SOP by their field (steps count from 0), and those about anything else."""
    mine: dict[str, list[str]] = {}
    others: list[ConfigProblem] = []
    start = f"sops[{index + 1}]"
    for problem in problems:
        if problem.where == start or problem.where.startswith(f"{start}."):
            mine.setdefault(_field_of(problem.where.removeprefix(start).lstrip(".")), []).append(problem.message)
        else:
            others.append(problem)
    return mine, others


def _field_of(where: str) -> str:
    """title, start, stop, audience …; of a step 0.time, 0.say, 0.attach …"""
    name, _, rest = where.partition(".")
    bare, _, number = name.rstrip("]").partition("[")
    if bare != "steps":
        return "start" if bare in ("", "stage", "on") else bare
    key = rest.partition(".")[0].partition("[")[0]
    return f"{int(number or 1) - 1}.{'time' if key in ('', 'after', 'at', 'on_date') else key}"


def first_wrong(wrong: Mapping[str, object], steps: int) -> str:
    """The first field, from the top of the page, that something is wrong with."""
    head = ("title", "id", "start", "stop")
    body = [
        f"{n}.{key}"
        for n in range(steps)
        for key in ("time", "say", "attach", *_STEP_DEFAULTS, "on_reply", "on_silence")
    ]
    return next((name for name in (*head, "audience", *body) if name in wrong), next(iter(wrong), ""))


def attachment_kinds() -> dict[str, str]:
    """What can be attached, in words."""
    return {
        "link": translate("链接"),
        "image": translate("图片"),
        "file": translate("文件"),
        "miniprogram": translate("小程序"),
    }
