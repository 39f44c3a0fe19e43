"""Edits one [[rules]] table inside the text of config.toml; every byte outside of it stays as it was.

The table is located in the syntax tree, changed by tomlkit, which keeps comments and order, and put back.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import tomlkit
import tree_sitter_toml
from tomlkit.items import Array, Item
from tomlkit.items import Table as TomlTable
from tree_sitter import Language, Node, Parser

from bot.wecom.errors import BotError

Values = dict[str, Any]
_TOML = Language(tree_sitter_toml.language())
_SUBTABLES = ("examples", "when", "unless")  # written as [rules.examples]; the rest inline
_WIDE = 100


class UnknownRuleError(BotError):
    """The text holds no [[rules]] (or [[sops]]) table of that id that could be changed."""


@dataclass(frozen=True)
class RuleBlock:
    """One [[rules]] table with its sub-tables: bytes start..end of the text, up to its last key."""

    values: Values
    start: int
    end: int
    line: int

    @property
    def id(self) -> str:
        return str(self.values.get("id", ""))


def rule_blocks(source: str) -> list[RuleBlock]:
    """Every [[rules]] table of a text, in order. One that cannot be parsed by itself is skipped."""
    blocks: list[RuleBlock] = []
    raw = source.encode()
    for nodes in _nodes_of(source, "rules"):
        start, end = nodes[0].start_byte, _end_of(nodes, raw)
        try:
            values = tomllib.loads(raw[start:end].decode()).get("rules", [{}])[0]
        except (ValueError, RecursionError):
            continue
        blocks.append(RuleBlock(values, start, end, nodes[0].start_point[0] + 1))
    return blocks


def find_rule(source: str, rule_id: str) -> RuleBlock:
    """The table of this rule; raises UnknownRuleError."""
    found = next((block for block in rule_blocks(source) if block.id == rule_id), None)
    if found is None:
        raise UnknownRuleError(f"配置文件里没有编号为「{rule_id}」的 [[rules]]，可能刚被改名或删除")
    return found


def change_rule(source: str, rule_id: str, values: Values) -> str:
    """The text with the rule's keys set to `values`; equal ones are not touched. Raises UnknownRuleError."""
    block = find_rule(source, rule_id)
    raw = source.encode()
    document = tomlkit.parse(raw[block.start : block.end].decode())
    _make_equal(document["rules"][0], values)
    changed = tomlkit.dumps(document)
    if tomllib.loads(changed)["rules"] != [values]:  # never write what would be parsed as something else
        raise UnknownRuleError(f"规则「{rule_id}」的写法太特别，表单改不了，请在文件里直接修改")
    return (raw[: block.start] + changed.encode() + raw[block.end :]).decode()


def add_rule(source: str, values: Values) -> str:
    """The text with a new rule behind the last one (or at the end of a text without rules)."""
    document = tomlkit.parse("[[rules]]\n")
    _make_equal(document["rules"][0], values)
    fresh = tomlkit.dumps(document).rstrip("\n") + "\n"
    blocks = rule_blocks(source)
    if not blocks:
        return source + ("" if not source or source.endswith("\n") else "\n") + ("\n" if source else "") + fresh
    raw, end = source.encode(), blocks[-1].end
    gap = b"\n" if raw[:end].endswith(b"\n") else b"\n\n"
    return (raw[:end] + gap + fresh.encode() + raw[end:]).decode()


def remove_rule(source: str, rule_id: str) -> str:
    """The text without the rule, and without the blank lines behind it."""
    block = find_rule(source, rule_id)
    raw = source.encode()
    return (raw[: block.start] + raw[block.end :].lstrip(b"\n")).decode()


def switch_sop(source: str, sop_id: str, enabled: bool) -> str:
    """The text with an SOP switched off by `enabled = false`, or on by leaving the key out."""
    raw = source.encode()
    for nodes in _nodes_of(source, "sops"):
        start, end = nodes[0].start_byte, _end_of(nodes[:1], raw)
        document = tomlkit.parse(raw[start:end].decode())
        table = document["sops"][0]
        if table.get("id") != sop_id:
            continue
        if enabled:
            table.pop("enabled", None)
        else:
            table["enabled"] = False
        return (raw[:start] + tomlkit.dumps(document).encode() + raw[end:]).decode()
    raise UnknownRuleError(f"配置文件里没有编号为「{sop_id}」的 [[sops]]，可能刚被改名或删除")


def _nodes_of(source: str, array: str) -> Iterable[list[Node]]:
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


def _end_of(nodes: list[Node], raw: bytes) -> int:
    """The byte after the line of the last key; comments further down belong to what comes next."""
    last = nodes[-1]
    pairs = [child for child in last.named_children if child.type == "pair"]
    inside = pairs[-1].end_byte if pairs else last.named_children[0].end_byte
    line_end = raw.find(b"\n", inside)
    return len(raw) if line_end < 0 else line_end + 1


def _make_equal(table: TomlTable, values: Values) -> None:
    for key in [key for key in table if key not in values]:
        del table[key]
    for key, value in values.items():
        old = table.get(key)
        if old is not None and _bare(old) == value:
            continue
        if isinstance(old, Mapping) and isinstance(value, dict):
            _make_equal(old, value)  # type: ignore[arg-type]
        elif isinstance(old, Array) and isinstance(value, list):
            table[key] = _patched(old, value)
        elif key in _SUBTABLES and isinstance(value, dict):
            below = tomlkit.table()
            below.indent(2)
            for name, inner in value.items():
                below.append(name, _item(inner))
                below[name].indent(2)
            table[key] = below
        else:
            table[key] = _item(value)


def _bare(value: Any) -> Any:
    return value.unwrap() if isinstance(value, Item) else value


def _patched(array: Array, wanted: list[Any]) -> Item:
    """The wanted elements as an array; comments before or behind an element of the old array are kept."""
    old = array.as_string()
    if "#" not in old:
        return _item(wanted)
    before: dict[str, list[str]] = {}
    behind: dict[str, str] = {}
    left: list[str] = []
    last, row = "", -1
    source = f"x = {old}\n"
    for node in Parser(_TOML).parse(source.encode()).root_node.named_children[0].named_children[1].named_children:
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


def _item(value: Any) -> Item:
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
    return json.dumps(value)
