"""Edits one [[rules]] table inside the text of config.toml; every byte outside of it stays as it was.

The table is located in the syntax tree, changed by tomlkit, which keeps comments and order, and put back.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass

import tomlkit

from bot.platform.config.toml_tables import Values, end_of, make_equal, nodes_of
from bot.wecom.errors import BotError


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
    for nodes in nodes_of(source, "rules"):
        start, end = nodes[0].start_byte, end_of(nodes, raw)
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
    make_equal(document["rules"][0], values)
    changed = tomlkit.dumps(document)
    if tomllib.loads(changed)["rules"] != [values]:  # never write what would be parsed as something else
        raise UnknownRuleError(f"规则「{rule_id}」的写法太特别，表单改不了，请在文件里直接修改")
    return (raw[: block.start] + changed.encode() + raw[block.end :]).decode()


def add_rule(source: str, values: Values) -> str:
    """The text with a new rule behind the last one (or at the end of a text without rules)."""
    document = tomlkit.parse("[[rules]]\n")
    make_equal(document["rules"][0], values)
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
    return _with_key(source, sop_id, "enabled", None if enabled else False)


def promote_sop(source: str, sop_id: str) -> str:
    """The text with an SOP taken out of the shadow."""
    return _with_key(source, sop_id, "shadow", None)


def _with_key(source: str, sop_id: str, key: str, value: bool | None) -> str:
    raw = source.encode()
    for nodes in nodes_of(source, "sops"):
        start, end = nodes[0].start_byte, end_of(nodes[:1], raw)
        document = tomlkit.parse(raw[start:end].decode())
        table = document["sops"][0]
        if table.get("id") != sop_id:
            continue
        if value is None:
            table.pop(key, None)
        else:
            table[key] = value
        return (raw[:start] + tomlkit.dumps(document).encode() + raw[end:]).decode()
    raise UnknownRuleError(f"配置文件里没有编号为「{sop_id}」的 [[sops]]，可能刚被改名或删除")
