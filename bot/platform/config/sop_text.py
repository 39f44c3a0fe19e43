"""Edits one [[sops]] table with its steps inside the text of config.toml; every byte outside of it stays as it was.

The table is cut into its head and one piece a step, each with the comments above it. A piece moves with its step.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass

import tomlkit
from rapidfuzz import fuzz

from bot.platform.config.rule_text import UnknownRuleError
from bot.platform.config.toml_tables import Values, end_of, make_equal, nodes_of, written
from taggers.translatable import Translatable

_STEPS = "sops.steps"
_INDENT = "  "
_ALIKE = 60.0  # per cent


@dataclass(frozen=True)
class SopBlock:
    """One [[sops]] table: bytes start..end of the text, and the texts of its head and of its steps."""

    values: Values
    start: int
    end: int
    head: str
    steps: tuple[str, ...]

    @property
    def id(self) -> str:
        return str(self.values.get("id", ""))


def sop_blocks(source: str) -> list[SopBlock]:
    """Every [[sops]] table of a text, in order. One that cannot be parsed by itself is skipped."""
    raw, blocks = source.encode(), []
    for nodes in nodes_of(source, "sops"):
        start, end = nodes[0].start_byte, end_of(nodes, raw)
        try:
            values = tomllib.loads(raw[start:end].decode())["sops"][0]
        except (ValueError, RecursionError):
            continue
        begins = [i for i, node in enumerate(nodes) if (node.named_children[0].text or b"").decode() == _STEPS]
        ends = [end_of(nodes[:until], raw) for until in (*begins, len(nodes))]
        pieces = [raw[a:b].decode() for a, b in zip((start, *ends), ends, strict=False)]
        blocks.append(SopBlock(values, start, end, pieces[0], tuple(pieces[1:])))
    return blocks


def find_sop(source: str, sop_id: str) -> SopBlock:
    """The table of this SOP; raises UnknownRuleError."""
    found = next((block for block in sop_blocks(source) if block.id == sop_id), None)
    if found is None:
        raise UnknownRuleError(
            Translatable("配置文件里没有编号为「{sop_id}」的 [[sops]]，可能刚被改名或删除", sop_id=sop_id)
        )
    return found


def change_sop(source: str, sop_id: str, values: Values) -> str:
    """The text with the SOP's keys and steps set to `values`; equal ones are not touched. Raises UnknownRuleError."""
    block = find_sop(source, sop_id)
    raw = source.encode()
    changed = _with_head(block, values) + "".join(_with_steps(block, values))
    if tomllib.loads(changed)["sops"] != [values]:  # never write what would be parsed as something else
        raise UnknownRuleError(
            Translatable("跟进「{sop_id}」的写法太特别，表单改不了，请在文件里直接修改", sop_id=sop_id)
        )
    return (raw[: block.start] + changed.encode() + raw[block.end :]).decode()


def add_sop(source: str, values: Values) -> str:
    """The text with a new SOP behind the last one (or at the end of a text without SOPs)."""
    document = tomlkit.parse("[[sops]]\n")
    make_equal(document["sops"][0], {key: value for key, value in values.items() if key != "steps"})
    steps = [_fresh(step) for step in values.get("steps", ())]
    fresh = tomlkit.dumps(document).rstrip("\n") + "\n" + "".join(steps)
    blocks = sop_blocks(source)
    if not blocks:
        return source + ("" if not source or source.endswith("\n") else "\n") + ("\n" if source else "") + fresh
    raw, end = source.encode(), blocks[-1].end
    gap = b"\n" if raw[:end].endswith(b"\n") else b"\n\n"
    return (raw[:end] + gap + fresh.encode() + raw[end:]).decode()


def pair_steps(old: Sequence[Values], new: Sequence[Values]) -> list[int | None]:
    """For each new step the old one it was: the same, one that says the same or much alike, the one in its place."""
    found: list[int | None] = [None] * len(new)
    for same in (_equal, _says_the_same, _says_alike):
        for j, after in enumerate(new):
            free = [i for i, before in enumerate(old) if i not in found and same(before, after)]
            if found[j] is None and free:
                found[j] = min(free, key=lambda i: (abs(i - j), i))
    left = [i for i in range(len(old)) if i not in found]
    for j in range(len(new)):
        if found[j] is None and j in left:
            found[j] = j
    return found


def _equal(before: Values, after: Values) -> bool:
    return before == after


def _says_the_same(before: Values, after: Values) -> bool:
    return before.get("say") == after.get("say")


def _says_alike(before: Values, after: Values) -> bool:
    return fuzz.ratio(str(before.get("say")), str(after.get("say"))) >= _ALIKE


def _with_head(block: SopBlock, values: Values) -> str:
    inline = bool(not block.steps and "steps" in block.values)
    document = tomlkit.parse(block.head)
    make_equal(document["sops"][0], {k: v for k, v in values.items() if k != "steps" or inline})
    return _ended(tomlkit.dumps(document))


def _with_steps(block: SopBlock, values: Values) -> list[str]:
    """The texts of the steps as wanted; none where they stand inline in the head."""
    if not block.steps and "steps" in block.values:
        return []
    old, new = block.values.get("steps", []), values.get("steps", [])
    texts = []
    for step, which in zip(new, pair_steps(old, new), strict=True):
        texts.append(_fresh(step) if which is None else _changed(block.steps[which], step))
    return texts


def _changed(piece: str, step: Values) -> str:
    document = tomlkit.parse(piece)
    make_equal(document["sops"]["steps"][0], step)
    return _ended(tomlkit.dumps(document))


def _fresh(step: Values) -> str:
    lines = ["", "[[sops.steps]]"]
    for key, value in step.items():
        lines += f"{key} = {written(value)}".split("\n")
    return "".join(f"{_INDENT}{line}\n" if line else "\n" for line in lines)


def _ended(text: str) -> str:
    return text if text.endswith("\n") else text + "\n"
