"""The settings page's form: fields read back into the tables of config.toml, and problems put beside their fields."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from werkzeug.datastructures import MultiDict

from bot.platform.config.list_text import Entry, change_list, entries_of
from bot.platform.config.parsing import ConfigProblem
from bot.platform.config.table_text import change_table
from bot.platform.config.toml_tables import Values
from bot.web.rules.form_values import LONGEST, day_of, length_of, number_of, rate_of, show_length, show_rate
from bot.web.rules.setting_fields import SECTIONS, Section, SettingField
from sop.lengths import read_length

MOST_ENTRIES = 300
_HOURS = re.compile(r"(\d{1,2})(?:[:点时](\d{2})?分?)?\s*[-—–~到至]+\s*(\d{1,2})(?:[:点时](\d{2})?分?)?")
_LISTS = ("lines", "people", "days")
_LAST = 1_000_000  # characters of a list


@dataclass(frozen=True)
class FormEntry:
    """One table of an array as the form has it. key: its place in the form; was: its name in the file, "" if new."""

    key: str
    was: str
    values: Values


def show(field: SettingField, values: Values, default: Any) -> Any:
    """What stands in a field: text, or a bool."""
    value = _at(values, field.path)
    value = default if value is None else value
    if field.kind in _LISTS:
        return "\n".join(map(str, value)) if isinstance(value, list) else str(value or "")
    if field.kind == "yes":
        return bool(value)
    if field.kind == "length":
        return show_length(value) if value not in (None, "0m") else "0" if value else ""
    if field.kind == "rate" and value is not None:
        return show_rate(str(value))
    return str("" if value is None else value)


def read(field: SettingField, form: MultiDict[str, str], name: str, userids: Mapping[str, str]) -> Any:
    """The value of a field as the file has it; what cannot be read is handed on, for the file's check names it."""
    if field.kind == "yes":
        return name in form
    text = form.get(name, "")[: _LAST if field.kind in _LISTS else LONGEST].replace("\r\n", "\n").strip()
    if field.kind in _LISTS:
        lines = [line.strip() for line in text.split("\n") if line.strip()]
        readers: dict[str, Callable[[str], Any]] = {"days": day_of, "people": lambda line: userids.get(line, line)}
        return list(map(readers.get(field.kind, str), lines))
    if field.kind == "number":
        return number_of(text)
    if field.kind == "length":
        return "0m" if text == "0" else length_of(text)
    if field.kind == "rate":
        return rate_of(text)
    return _hours(text) if field.kind == "hours" else text


def _hours(text: str) -> str:
    """9点到21点, 9:00—21:00 as the file has it; what is none of these is handed on."""
    found = _HOURS.fullmatch(unicodedata.normalize("NFKC", text))
    if found is None:
        return text
    start, first, end, last = found.groups(default="00")
    return f"{int(start):02}:{first}-{int(end):02}:{last}"


def read_table(section: Section, form: MultiDict[str, str], prefix: str, userids: Mapping[str, str]) -> Values:
    """The fields of one table, by their dotted names."""
    return {field.name: read(field, form, f"{prefix}.{field.name}", userids) for field in section.fields}


def nested(given: Values) -> Values:
    """Fields by their dotted names as the table they make, to be shown again."""
    made: Values = {}
    for name, value in given.items():
        _put(made, name.split("."), value)
    return made


def read_entries(section: Section, form: MultiDict[str, str]) -> list[FormEntry]:
    """The tables of an array as the form has them; those into which nothing was written are left out by `apply`."""
    keys = form.getlist(section.table)[:MOST_ENTRIES]
    prefixes = [(key, f"{section.table}.{key}") for key in keys]
    return [FormEntry(key, form.get(f"{at}.was", ""), read_table(section, form, at, {})) for key, at in prefixes]


def settled(section: Section, given: Values, old: Values) -> Values:
    """The table as the file should have it: keys the form does not show stay, as does what means the same."""
    made: Values = {key: dict(value) if isinstance(value, dict) else value for key, value in old.items()}
    defaults = section.defaults
    for field in section.fields:
        value, before = given[field.name], _at(old, field.path)
        if before is not None and _meaning(field, value) == _meaning(field, before):
            continue
        if section.called and value in ("", []) and defaults[field.name] is None:
            _put(made, field.path, value)  # so that it is said to be empty, not that a key is missing
        elif value == "" or (value == [] and before is None):
            _drop(made, field.path)
        elif before is not None or _meaning(field, value) != _meaning(field, defaults[field.name] or False):
            _put(made, field.path, value)
    return made


def _meaning(field: SettingField, value: Any) -> Any:
    if field.kind == "length" and isinstance(value, str):
        return read_length(value) or value
    if field.kind in ("clock", "hours"):
        return re.sub(r"\b(\d):", r"0\1:", str(value)[:11])[: 5 if field.kind == "clock" else 11]
    return [str(one) for one in value] if field.kind == "days" and isinstance(value, list) else value


@dataclass(frozen=True)
class Applied:
    """A text with the form's tables in it, the sections that differ, and where each entry of the form stands now.

    places: by table and the entry's place in the form, its place in the file.
    """

    text: str
    changed: tuple[Section, ...]
    places: Mapping[tuple[str, int], str]


def apply(form: MultiDict[str, str], source: str, tables: Values, userids: Mapping[str, str]) -> Applied:
    """Put all that the form says into the text. tables: what the text holds. Raises UnknownRuleError."""
    text, changed = source, []
    places: dict[tuple[str, int], str] = {}
    for section in SECTIONS:
        before = text
        if section.called:
            text, placed = _apply_list(section, form, text)
            places |= {(section.table, place): key for key, place in placed.items()}
        elif f"{section.table}.shown" in form:
            old = tables.get(section.table, {})
            made = settled(section, read_table(section, form, section.table, userids), old)
            empty = section.table == "welcome" and "say" not in made
            text = change_table(text, section.table, {} if empty else made)
        changed += [section] if text != before else []
    return Applied(text, tuple(changed), places)


def _apply_list(section: Section, form: MultiDict[str, str], text: str) -> tuple[str, dict[str, int]]:
    """The text, and where each entry of the form stands in it, by its key."""
    old = entries_of(text, section.table)
    names = [str(one.get(section.called, "")) for one in old]
    keys, wanted, taken = [], [], set[int]()
    for entry in read_entries(section, form):
        was = next((i for i, name in enumerate(names) if entry.was and name == entry.was and i not in taken), None)
        if was is None and not any(entry.values.values()):
            continue
        taken |= set() if was is None else {was}
        keys.append(entry.key)
        wanted.append(Entry(was, settled(section, entry.values, {} if was is None else old[was])))
    known = form.getlist(f"{section.table}.known")
    gone = [i for i, name in enumerate(names) if name in known and i not in taken]
    made = change_list(text, section.table, wanted, gone)
    return made.text, dict(zip(keys, made.places, strict=True))


def problems_by_field(
    problems: Iterable[ConfigProblem], places: Mapping[tuple[str, int], str]
) -> tuple[dict[str, list[str]], list[ConfigProblem]]:
    """Problems of the form's fields by the name of the field, and all others."""
    mine: dict[str, list[str]] = {}
    others: list[ConfigProblem] = []
    for problem in problems:
        name = _field_of(problem.where, places)
        messages = mine.setdefault(name, []) if name else []
        messages += [problem.message] if problem.message not in messages else []
        others += [] if name else [problem]
    return mine, others


def _field_of(where: str, places: Mapping[tuple[str, int], str]) -> str:
    head, _, rest = where.partition(".")
    table, _, number = head.rstrip("]").partition("[")
    section = next((one for one in SECTIONS if one.table == table), None)
    if section is None:
        return ""
    name = re.sub(r"\[\d+\]", "", rest)
    field = next((one.name for one in section.fields if one.name == name), None)
    if not section.called:
        return f"{table}.{field}" if field else ""
    key = places.get((table, int(number or 0) - 1))
    return f"{table}.{key}.{field or section.called}" if key is not None else ""


def first_wrong(wrong: Mapping[str, object], names: Sequence[str]) -> str:
    """The first field, from the top of the page, that something is wrong with."""
    return next((name for name in names if name in wrong), "")


def _at(values: Mapping[str, Any], path: Sequence[str]) -> Any:
    for key in path:
        values = values.get(key) if isinstance(values, Mapping) else None  # type: ignore[assignment]
    return values


def _put(values: Values, path: Sequence[str], value: Any) -> None:
    for key in path[:-1]:
        values = values.setdefault(key, {})
    values[path[-1]] = value


def _drop(values: Values, path: Sequence[str]) -> None:
    for key in path[:-1]:
        values = values.get(key, {})
    values.pop(path[-1], None)
