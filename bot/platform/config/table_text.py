"""Edits a table such as [workspace], and the tables below it, inside config.toml; all else stays byte for byte."""

from __future__ import annotations

import tomllib

import tomlkit

from bot.platform.config.rule_text import UnknownRuleError
from bot.platform.config.toml_tables import Values, end_of, make_equal, plain_tables
from taggers.translatable import Translatable


def change_table(source: str, name: str, values: Values) -> str:
    """The text with the table's keys as in `values`; without any the table goes. Raises UnknownRuleError.

    values: as tomllib reads them, tables below included. A table that is not there yet is put at the end.
    """
    before = tomllib.loads(source)
    if before.get(name, {}) == values:
        return source
    below = [key for key, value in before.get(name, {}).items() if isinstance(value, dict)]
    own = [key for key in below if f"{name}.{key}" in plain_tables(source)]
    text = source
    for key in own:
        text = _with(text, f"{name}.{key}", values.get(key, {}))
    head = {key: value for key, value in values.items() if key not in own}
    if head or name in plain_tables(text):
        text = _with(text, name, head)
    refuse_unless_read_as(text, {**before, name: values}, name)
    return text


def refuse_unless_read_as(text: str, wanted: Values, name: str) -> None:
    """Raise UnknownRuleError where a text would be read as something else; empty tables count as none."""
    try:
        same = _bare(tomllib.loads(text)) == _bare(wanted)
    except ValueError:
        same = False
    if not same:
        raise UnknownRuleError(Translatable("[{name}] 的写法太特别，表单改不了，请在文件里直接修改", name=name))


def _bare(values: Values) -> Values:
    found = {key: _bare(value) if isinstance(value, dict) else value for key, value in values.items()}
    return {key: value for key, value in found.items() if value not in ({}, [])}


def _with(source: str, name: str, values: Values) -> str:
    """The text with one table's own keys set; it goes where there are none, and comes where it was not."""
    values = {key: value for key, value in values.items() if value != {}}
    node = plain_tables(source).get(name)
    raw = source.encode()
    if node is None:
        return _put_at_end(source, _changed(f"[{name}]\n", name, values)) if values else source
    start, end = node.start_byte, end_of([node], raw)
    if not values:
        return (raw[:start] + raw[end:].lstrip(b"\n")).decode()
    fresh = _changed(raw[start:end].decode(), name, values)
    return (raw[:start] + fresh.encode() + raw[end:]).decode()


def _changed(piece: str, name: str, values: Values) -> str:
    document = tomlkit.parse(piece)
    table = document
    for key in name.split("."):
        table = table[key]
    make_equal(table, values)  # type: ignore[arg-type]
    text = tomlkit.dumps(document)
    return text if text.endswith("\n") else text + "\n"


def _put_at_end(source: str, fresh: str) -> str:
    gap = "" if not source else "\n" if source.endswith("\n") else "\n\n"
    return source + gap + fresh
