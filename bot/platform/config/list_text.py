"""Edits the tables of an array such as [[tags]] inside config.toml; every byte outside of them stays as it was."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field

import tomlkit

from bot.platform.config.rule_text import UnknownRuleError
from bot.platform.config.table_text import refuse_unless_read_as
from bot.platform.config.toml_tables import Values, end_of, make_equal, nodes_of
from taggers.translatable import Translatable


@dataclass(frozen=True)
class Entry:
    """A table as it is wanted: the place it had in the file, from 0 (None: a new one), and its values."""

    was: int | None
    values: Values


@dataclass
class ListText:
    """The text with all tables as wanted. places: where each wanted one stands now, from 0."""

    text: str
    places: list[int] = field(default_factory=list)


def entries_of(source: str, array: str) -> list[Values]:
    """The values of each table, in the order of the file."""
    return [dict(one) for one in tomllib.loads(source).get(array, []) if isinstance(one, dict)]


def change_list(source: str, array: str, wanted: Sequence[Entry], gone: Sequence[int]) -> ListText:
    """Change, add and take out tables. Those neither wanted nor gone stay, new ones follow the last.

    Raises UnknownRuleError where the text is written in a way that cannot be kept.
    """
    old, raw = entries_of(source, array), source.encode()
    spans = [(nodes[0].start_byte, end_of(nodes, raw)) for nodes in nodes_of(source, array)]
    if len(spans) != len(old):
        raise UnknownRuleError(Translatable("[{name}] 的写法太特别，表单改不了，请在文件里直接修改", name=array))
    changed = {entry.was: entry.values for entry in wanted if entry.was is not None}
    stay = [place for place in range(len(old)) if place not in gone]
    fresh = [entry.values for entry in wanted if entry.was is None]
    for place in reversed(range(len(old))):
        start, end = spans[place]
        if place not in stay:
            raw = raw[:start] + raw[end:].lstrip(b"\n")
        elif place in changed and changed[place] != old[place]:
            raw = raw[:start] + _changed(raw[start:end].decode(), array, changed[place]).encode() + raw[end:]
    text = _with_fresh(raw.decode(), array, fresh)
    now = [changed.get(place, old[place]) for place in stay] + fresh
    refuse_unless_read_as(text, {**tomllib.loads(source), array: now}, array)
    return ListText(text, _places(wanted, stay))


def _places(wanted: Sequence[Entry], stay: Sequence[int]) -> list[int]:
    found, last = [], len(stay)
    for entry in wanted:
        if entry.was is None:
            found.append(last)
            last += 1
        else:
            found.append(stay.index(entry.was))
    return found


def _changed(piece: str, array: str, values: Values) -> str:
    document = tomlkit.parse(piece)
    make_equal(document[array][0], values)
    text = tomlkit.dumps(document)
    return text if text.endswith("\n") else text + "\n"


def _with_fresh(source: str, array: str, fresh: Sequence[Values]) -> str:
    if not fresh:
        return source
    texts = [_changed(f"[[{array}]]\n", array, values).encode() for values in fresh]
    raw = source.encode()
    ends = [end_of(nodes, raw) for nodes in nodes_of(source, array)]
    end = ends[-1] if ends else len(raw)
    gap = b"\n" if not raw[:end] or raw[:end].endswith(b"\n") else b"\n\n"
    return (raw[:end] + gap + b"\n".join(texts) + raw[end:]).decode()
