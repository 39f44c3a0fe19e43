"""The form of one pipeline: stages and timed moves as fields, read back into the values that belong in the file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from werkzeug.datastructures import MultiDict

from bot.platform.config.parsing import ConfigProblem
from bot.platform.config.toml_tables import Values
from bot.web.rules.form_values import kept, length_of, line_of, lines_of
from sop.triggers import EVENTS

MOST_STAGES = 50
KINDS = {"won": "成交", "lost": "流失", "aside": "在主线旁边", "asleep": "沉睡"}
TEXTS = tuple(KINDS.values())
"""Texts that do not stand in a call of translate, for the catalogues."""
_NUMBER = re.compile(r"-?\d{1,6}", re.ASCII)
_NUMBERS = ("min_score", "min_profile")
_FIELDS = ("name", "on", "won", "only_from", "needs", "min_stay", *_NUMBERS, "reasons")
_DEFAULTS: Values = {
    **dict.fromkeys(KINDS, False), "only_from": [], "needs": [], "reasons": [], "min_stay": timedelta(0),
    "back": "human", "hold": timedelta(0),
}  # fmt: skip


@dataclass(frozen=True)
class EntryFields:
    """What brings a customer into a stage, as fields: the tag of its name, events, and tags or what is told."""

    own: bool
    events: frozenset[str]
    others: Sequence[str]


def show_entry(stage: Values) -> EntryFields:
    """The fields for a stage's `on`."""
    entered = [str(one) for one in stage.get("on", [stage.get("name", "")])]
    own = stage.get("name", "") in entered
    events = frozenset(one for one in entered if one in EVENTS)
    return EntryFields(own, events, [one for one in entered if one not in events and one != stage.get("name")])


def read_pipeline(form: MultiDict[str, str]) -> Values:
    """The pipeline as the form has it, every key written out, so that it can be shown again as it was."""
    return {
        "name": form.get("was", "")[:30],
        "back": "anyone" if form.get("back") == "anyone" else "human",
        "hold": length_of(line_of(form, "hold") or "0m"),
        "stages": [_read_stage(form, key) for key in form.getlist("stage")[:MOST_STAGES]],
        "moves": [_read_move(form, key) for key in form.getlist("move")[:MOST_STAGES]],
    }


def _read_stage(form: MultiDict[str, str], key: str) -> Values:
    name = line_of(form, f"{key}.name", 60)
    own = [name] if form.get(f"{key}.own") else []
    entered = [*own, *form.getlist(f"{key}.events"), *lines_of(form, f"{key}.tags")]
    return {
        "name": name,
        "on": list(dict.fromkeys(entered)),
        **{kind: kind in form.getlist(f"{key}.kind") for kind in KINDS},
        "only_from": form.getlist(f"{key}.only_from"),
        "needs": lines_of(form, f"{key}.needs"),
        "min_stay": length_of(line_of(form, f"{key}.min_stay") or "0m"),
        **{number: _number(line_of(form, f"{key}.{number}", 12)) for number in _NUMBERS},
        "reasons": lines_of(form, f"{key}.reasons"),
    }


def _read_move(form: MultiDict[str, str], key: str) -> Values:
    names = {name: line_of(form, f"{key}.{name}", 60) for name in ("from", "to")}
    return {**names, "after": length_of(line_of(form, f"{key}.after"))}


def _number(text: str) -> int | str | None:
    if not text:
        return None
    return int(text) if _NUMBER.fullmatch(text) else text


def settled(values: Values, old: Values, gone: Iterable[str] = ()) -> Values:
    """The pipeline as the file should have it: defaults left out, what means the same as in `old` kept as written.

    A stage of `old` that the form does not know, because it was added meanwhile, stays where it stands; only those
    in `gone` were taken out. Moves without a stage and without a time were never filled in.
    """
    before = {str(stage.get("name")): stage for stage in old.get("stages", [])}
    stages = [_settled_stage(stage, before.get(stage["name"], {})) for stage in values["stages"]]
    moves = [_settled_move(move, old.get("moves", [])) for move in values["moves"] if any(move.values())]
    head = {"name": values["name"], "back": values["back"], "hold": values["hold"]}
    others = {key: value for key, value in old.items() if key not in (*head, "stages", "moves")}
    made = kept({**head, **others}, {key: old[key] for key in old if key not in ("stages", "moves")}, _DEFAULTS)
    made["stages"] = _with_those_added_meanwhile(stages, old.get("stages", []), gone)
    return made | ({"moves": moves} if moves else {})


def _settled_stage(stage: Values, old: Values) -> Values:
    unshown = {key: value for key, value in old.items() if key not in stage}
    given = {key: value for key, value in stage.items() if value is not None} | unshown
    return kept(given, old, {**_DEFAULTS, "on": [stage["name"]]})


def _settled_move(move: Values, old: Sequence[Values]) -> Values:
    same = (one for one in old if (one.get("from"), one.get("to")) == (move["from"], move["to"]))
    alike = [kept(move, one, {}) for one in same]
    return next((one for one in alike if one in old), alike[0] if alike else move)


def _with_those_added_meanwhile(stages: list[Values], old: Sequence[Values], gone: Iterable[str]) -> list[Values]:
    made, left = list(stages), set(gone)
    for place, stage in enumerate(old):
        name = stage.get("name")
        if name in left or any(one["name"] == name for one in made):
            continue
        before = old[place - 1].get("name") if place else None
        follows = next((i + 1 for i, one in enumerate(made) if one["name"] == before), 0 if not place else len(made))
        made.insert(follows, stage)
    return made


def problems_by_field(
    problems: Iterable[ConfigProblem], index: int
) -> tuple[dict[str, list[str]], list[ConfigProblem]]:
    """Problems of the index-th pipeline by their field (stages count from 0, moves m0, m1 …), and all others."""
    mine: dict[str, list[str]] = {}
    others: list[ConfigProblem] = []
    start = f"pipelines[{index + 1}]"
    for problem in problems:
        where = problem.where
        if where == start or where.startswith(f"{start}."):
            messages = mine.setdefault(_field(where.removeprefix(start).removeprefix(".")), [])
            messages += [problem.message] if problem.message not in messages else []
        else:
            others.append(problem)
    return mine, others


def _field(where: str) -> str:
    name, _, rest = where.partition(".")
    found = re.fullmatch(r"(stages|moves)\[(\d+)\]", name)
    if found is None:
        return name.partition("[")[0] or "stages"
    key = rest.partition(".")[0].partition("[")[0]
    place = int(found[2]) - 1
    if found[1] == "moves":
        return f"m{place}.{key or 'from'}"
    return f"{place}.{'won' if key in KINDS else key or 'name'}"


def first_wrong(wrong: Mapping[str, object], values: Values) -> str:
    """The first field, from the top of the page, that something is wrong with."""
    stages = [f"{n}.{key}" for n in range(len(values["stages"])) for key in _FIELDS]
    moves = [f"m{n}.{key}" for n in range(len(values["moves"])) for key in ("from", "after", "to")]
    every = (*stages, *moves, "back", "hold")
    return next((name for name in every if name in wrong), next(iter(wrong), ""))
