"""Edits wordings inside the text of config.toml: [[answers]] tables, a rule's reply, what a step says."""

from __future__ import annotations

import tomllib

import tomlkit

from bot.platform.config.rule_text import RuleBlock, UnknownRuleError, change_rule, find_rule
from bot.platform.config.sop_text import change_sop, find_sop
from bot.platform.config.toml_tables import Values, end_of, make_equal, nodes_of
from bot.platform.config.wordings import Wording
from taggers.translatable import Translatable

_ARRAY = "answers"


def answer_blocks(source: str) -> list[RuleBlock]:
    """Every [[answers]] table of a text, in order. One that cannot be parsed by itself is skipped."""
    blocks, raw = [], source.encode()
    for nodes in nodes_of(source, _ARRAY):
        start, end = nodes[0].start_byte, end_of(nodes, raw)
        try:
            values = tomllib.loads(raw[start:end].decode())[_ARRAY][0]
        except (ValueError, RecursionError):
            continue
        blocks.append(RuleBlock(values, start, end, nodes[0].start_point[0] + 1))
    return blocks


def find_answer(source: str, answer_id: str) -> RuleBlock:
    """The table of this answer; raises UnknownRuleError."""
    found = next((block for block in answer_blocks(source) if block.id == answer_id), None)
    if found is None:
        raise UnknownRuleError(Translatable("配置文件里没有名为「{name}」的回答，可能刚被改名或删除", name=answer_id))
    return found


def change_answer(source: str, answer_id: str, values: Values) -> str:
    """The text with the answer's keys set to `values`; equal ones are not touched. Raises UnknownRuleError."""
    block = find_answer(source, answer_id)
    raw = source.encode()
    document = tomlkit.parse(raw[block.start : block.end].decode())
    make_equal(document[_ARRAY][0], values)
    changed = tomlkit.dumps(document)
    if tomllib.loads(changed)[_ARRAY] != [values]:  # never write what would be parsed as something else
        raise UnknownRuleError(
            Translatable("回答「{name}」的写法太特别，表单改不了，请在文件里直接修改", name=answer_id)
        )
    return (raw[: block.start] + changed.encode() + raw[block.end :]).decode()


def add_answer(source: str, values: Values) -> str:
    """The text with a new answer behind the last one (or at the end of a text without answers)."""
    document = tomlkit.parse(f"[[{_ARRAY}]]\n")
    make_equal(document[_ARRAY][0], values)
    fresh = tomlkit.dumps(document).rstrip("\n") + "\n"
    blocks = answer_blocks(source)
    if not blocks:
        return source + ("" if not source or source.endswith("\n") else "\n") + ("\n" if source else "") + fresh
    raw, end = source.encode(), blocks[-1].end
    gap = b"\n" if raw[:end].endswith(b"\n") else b"\n\n"
    return (raw[:end] + gap + fresh.encode() + raw[end:]).decode()


def put_wording(source: str, wording: Wording, old: str, new: str) -> str:
    """The text in which this wording says `new` in the place of `old`. Raises UnknownRuleError."""
    where, number = wording.where
    if wording.kind == "answer":
        return change_answer(source, where, _saying(find_answer(source, where).values, "say", old, new))
    if wording.kind == "rule":
        return change_rule(source, where, _saying(find_rule(source, where).values, "reply", old, new))
    values = find_sop(source, where).values
    steps = list(values.get("steps", ()))
    if number >= len(steps):
        raise _gone()
    steps[number] = _saying(steps[number], "say", old, new)
    return change_sop(source, where, {**values, "steps": steps})


def _saying(values: Values, key: str, old: str, new: str) -> Values:
    said = values.get(key)
    if isinstance(said, list) and old in said:
        return {**values, key: [new if one == old else one for one in said]}
    if said != old:
        raise _gone()
    return {**values, key: new}


def _gone() -> UnknownRuleError:
    return UnknownRuleError(Translatable("这句话刚被改过，请看最新的再决定"))
