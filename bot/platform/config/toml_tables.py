"""Tables of config.toml as text: found in the syntax tree, made equal to new values with comments and order kept."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping
from datetime import date, time
from typing import Any

import tomlkit
import tree_sitter_toml
from tomlkit.items import Array, Item
from tomlkit.items import Table as TomlTable
from tree_sitter import Language, Node, Parser

Values = dict[str, Any]
_TOML = Language(tree_sitter_toml.language())
_SUBTABLES = ("examples", "when", "unless")  # written as [rules.examples]; the rest inline
_WIDE = 100


def nodes_of(source: str, array: str) -> Iterable[list[Node]]:
    """The nodes of each table of an array such as [[rules]]: the table itself, then its sub-tables."""
    nodes: list[Node] = []
    for node in Parser(_TOML).parse(source.encode()).root_node.named_children:
        if node.type not in ("table", "table_array_element"):
            continue
        name = (node.named_children[0].text or b"").decode()
        if node.type == "table_array_element" and name == array:
            if nodes:
                yield nodes
            nodes = [node]
        elif nodes and name.startswith(f"{array}."):
            nodes.append(node)
        elif nodes:
            yield nodes
            nodes = []
    if nodes:
        yield nodes


def plain_tables(source: str) -> dict[str, Node]:
    """The node of each table such as [privacy] or [privacy.retention], by its name as written."""
    nodes = Parser(_TOML).parse(source.encode()).root_node.named_children
    return {(node.named_children[0].text or b"").decode(): node for node in nodes if node.type == "table"}


def array_of(text: str) -> Node:
    """The node of an array's text, such as "[1, 2]"."""
    return Parser(_TOML).parse(f"x = {text}\n".encode()).root_node.named_children[0].named_children[1]


def end_of(nodes: list[Node], raw: bytes) -> int:
    """The byte after the line of the last key; comments further down belong to what comes next."""
    last = nodes[-1]
    pairs = [child for child in last.named_children if child.type == "pair"]
    inside = pairs[-1].end_byte if pairs else last.named_children[0].end_byte
    line_end = raw.find(b"\n", inside)
    return len(raw) if line_end < 0 else line_end + 1


def make_equal(table: TomlTable, values: Values) -> None:
    """Set the keys of a table; what is equal already is not touched."""
    for key in [key for key in table if key not in values]:
        del table[key]
    for key, value in values.items():
        old = table.get(key)
        if old is not None and _bare(old) == value:
            continue
        if isinstance(old, Mapping) and isinstance(value, dict):
            make_equal(old, value)  # type: ignore[arg-type]
        elif isinstance(old, Array) and isinstance(value, list):
            table[key] = _patched(old, value)
        elif key in _SUBTABLES and isinstance(value, dict):
            below = tomlkit.table()
            below.indent(2)
            for name, inner in value.items():
                below.append(name, item_of(inner))
                below[name].indent(2)
            table[key] = below
        else:
            table[key] = item_of(value)


def _bare(value: Any) -> Any:
    return value.unwrap() if isinstance(value, Item) else value


def _patched(array: Array, wanted: list[Any]) -> Item:
    """The wanted elements as an array; comments before or behind an element of the old array are kept."""
    old = array.as_string()
    if "#" not in old:
        return item_of(wanted)
    before: dict[str, list[str]] = {}
    behind: dict[str, str] = {}
    left: list[str] = []
    last, row = "", -1
    for node in array_of(old).named_children:
        text = (node.text or b"").decode()
        if node.type != "comment":
            last, row = written(tomllib.loads(f"x = {text}")["x"]), node.end_point[0]
            before[last], left = left, []
        elif node.start_point[0] == row:
            behind[last] = text
        else:
            left.append(text)
    lines: list[str] = []
    for element in map(written, wanted):
        lines += [f"  {comment}" for comment in before.pop(element, ())]
        lines.append(f"  {element}," + (f"  {behind.pop(element)}" if element in behind else ""))
    lines += [f"  {comment}" for comment in left]
    made: Item = tomlkit.parse("x = [\n" + "\n".join(lines) + "\n]\n")["x"]
    return made


def item_of(value: Any) -> Item:
    """A value as a person would have written it."""
    made: Item = tomlkit.parse(f"x = {written(value)}\n")["x"]
    return made


def written(value: Any) -> str:
    """A value in TOML: expressions in single quotes, long lists one line an element."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {written(inner)}" for key, inner in value.items()) + " }"
    if isinstance(value, list):
        line = "[" + ", ".join(map(written, value)) + "]"
        if len(line) <= _WIDE:
            return line
        return "[\n" + "".join(f"  {written(element)},\n" for element in value) + "]"
    if isinstance(value, str):
        if "\\" in value and "'" not in value and value.isprintable():
            return f"'{value}'"
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, (date, time)):
        return value.isoformat()
    return json.dumps(value)
