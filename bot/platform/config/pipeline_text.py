"""Edits one [[pipelines]] table with its stages and timed moves inside config.toml; all else stays byte for byte.

Stages and moves stand in a list or as tables of their own. What is not changed keeps its text, and comments above and
behind a stage or move go with it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import tomlkit
from tomlkit.items import Item
from tree_sitter import Node

from bot.platform.config.rule_text import UnknownRuleError
from bot.platform.config.toml_tables import Values, array_of, end_of, make_equal, nodes_of, written
from taggers.translatable import Translatable

_PARTS = ("stages", "moves")
_WIDE = 100
_SAME: dict[str, tuple[Callable[[Values], object], ...]] = {
    "stages": (lambda stage: stage.get("name"),),
    "moves": (lambda move: move, lambda move: (move.get("from"), move.get("to")), lambda move: move.get("from")),
}
"""By what a stage or move is known again, the surest first."""


@dataclass(frozen=True)
class PipelineBlock:
    """One [[pipelines]] table: bytes start..end of the text, its head, and its tables of stages and moves.

    tables: for each [[pipelines.stages]] or [[pipelines.moves]] the key and the text, in the order of the file.
    """

    values: Values
    start: int
    end: int
    head: str
    tables: tuple[tuple[str, str], ...]

    @property
    def name(self) -> str:
        return str(self.values.get("name", ""))

    def texts(self, key: str) -> list[str]:
        """The texts of the tables of this key; none where they stand in a list."""
        return [text for part, text in self.tables if part == key]


@dataclass
class _Element:
    """An element of a list: its text, the comments above it ("" for an empty line) and the one behind it."""

    text: str
    above: list[str] = field(default_factory=list)
    behind: str = ""


def pipeline_blocks(source: str) -> list[PipelineBlock]:
    """Every [[pipelines]] table of a text, in order. One whose stages or moves cannot be read is skipped."""
    raw, blocks = source.encode(), []
    for nodes in nodes_of(source, "pipelines"):
        start, end = nodes[0].start_byte, end_of(nodes, raw)
        try:
            values = tomllib.loads(raw[start:end].decode())["pipelines"][0]
        except (ValueError, RecursionError):
            continue
        if not all(_are_tables(values.get(key, [])) for key in _PARTS):
            continue
        keys = [(node.named_children[0].text or b"").decode().removeprefix("pipelines.") for node in nodes]
        begins = [i for i, key in enumerate(keys) if key in _PARTS]
        ends = [end_of(nodes[:until], raw) for until in (*begins, len(nodes))]
        pieces = [raw[a:b].decode() for a, b in zip((start, *ends), ends, strict=False)]
        tables = tuple((keys[i], piece) for i, piece in zip(begins, pieces[1:], strict=True))
        blocks.append(PipelineBlock(values, start, end, pieces[0], tables))
    return blocks


def _are_tables(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, dict) for one in value)


def find_pipeline(source: str, name: str) -> PipelineBlock:
    """The table of this pipeline; raises UnknownRuleError."""
    found = next((block for block in pipeline_blocks(source) if block.name == name), None)
    if found is None:
        raise UnknownRuleError(
            Translatable("配置文件里没有名为「{name}」的 [[pipelines]]，可能刚被改名或删除", name=name)
        )
    return found


def change_pipeline(source: str, name: str, values: Values) -> str:
    """The text with the pipeline's keys, stages and moves as in `values`. Raises UnknownRuleError.

    values: as tomllib reads them; a key without a value is left out, `moves` too where there are none.
    """
    block = find_pipeline(source, name)
    if values == block.values:
        return source
    raw = source.encode()
    changed = _with_head(block, values) + _with_tables(block, values)
    if not _reads_as(changed, values):  # never write what would be parsed as something else
        raise UnknownRuleError(Translatable("流程「{name}」的写法太特别，表单改不了，请在文件里直接修改", name=name))
    return (raw[: block.start] + changed.encode() + raw[block.end :]).decode()


def add_pipeline(source: str, name: str, stages: Sequence[str]) -> str:
    """The text with a new pipeline behind the last one; nothing but people brings customers into its stages yet."""
    lines = [f"  {{ name = {written(stage)}, on = [] }}," for stage in stages]
    fresh = "\n".join(["[[pipelines]]", f"name = {written(name)}", "stages = [", *lines, "]", ""])
    blocks, raw = pipeline_blocks(source), source.encode()
    end = blocks[-1].end if blocks else len(raw)
    gap = b"" if not raw else b"\n" if raw[:end].endswith(b"\n") else b"\n\n"
    return (raw[:end] + gap + fresh.encode() + raw[end:]).decode()


def _reads_as(text: str, values: Values) -> bool:
    try:
        return bool(tomllib.loads(text)["pipelines"] == [values])
    except ValueError:
        return False


def _with_head(block: PipelineBlock, values: Values) -> str:
    document = tomlkit.parse(block.head)
    table = document["pipelines"][0]
    tables = {key for key, _ in block.tables} | _fresh_parts(block, values)
    for key in _PARTS:
        if key in table and key in values and values[key] != block.values[key]:
            table[key] = _list(key, table[key].as_string(), block.values[key], values[key])
    make_equal(table, {key: value for key, value in values.items() if key not in tables})
    return _ended(tomlkit.dumps(document))


def _fresh_parts(block: PipelineBlock, values: Values) -> set[str]:
    return {key for key in _PARTS if key in values and key not in block.values}


def _with_tables(block: PipelineBlock, values: Values) -> str:
    kinds = dict.fromkeys((*(key for key, _ in block.tables), *sorted(_fresh_parts(block, values), reverse=True)))
    return "".join(_tables(block, key, values.get(key, [])) for key in kinds)


def _tables(block: PipelineBlock, key: str, wanted: Sequence[Values]) -> str:
    old, texts = block.values.get(key, []), block.texts(key)
    indent = re.findall(r"^([ \t]*)\[\[", texts[-1], re.MULTILINE)[0] if texts else ""
    made = []
    for value, which in zip(wanted, _paired(key, old, wanted), strict=True):
        if which is None:
            lines = [f"[[pipelines.{key}]]", *(f"{name} = {written(inner)}" for name, inner in value.items())]
            made.append("\n" + "".join(f"{indent}{line}\n" for line in "\n".join(lines).split("\n")))
        else:
            made.append(texts[which] if old[which] == value else _changed(key, texts[which], value))
    return "".join(map(_ended, made))


def _changed(key: str, piece: str, value: Values) -> str:
    document = tomlkit.parse(piece)
    make_equal(document["pipelines"][key][0], value)
    return tomlkit.dumps(document)


def _list(key: str, old: str, before: Sequence[Values], wanted: Sequence[Values]) -> Item:
    """The list as wanted. old: its text; before: its values."""
    elements, left, indent = _elements(old)
    made = []
    for value, which in zip(wanted, _paired(key, before, wanted), strict=True):
        element = _Element(written(value)) if which is None else elements[which]
        if which is not None and before[which] != value:
            element = _Element(written(value), element.above + _comments(element.text), element.behind)
        made.append(element)
    line = "[" + ", ".join(element.text for element in made) + "]"
    if "\n" not in old and len(line) <= _WIDE:
        return _item(line)
    lines = []
    for element in made:
        behind = f"  {element.behind}" if element.behind else ""
        lines += [*element.above, f"{element.text},{behind}"]
    text = "\n".join(f"{indent}{line}" if line else "" for line in (*lines, *left))
    return _item(f"[\n{text}\n]")


def _item(text: str) -> Item:
    made: Item = tomlkit.parse(f"x = {text}\n")["x"]
    return made


def _elements(array: str) -> tuple[list[_Element], list[str], str]:
    """The elements of a list, the comments behind the last one, and how far elements are indented."""
    elements: list[_Element] = []
    above: list[str] = []
    row, indent = 0, "  "
    for node in array_of(array).named_children:
        text, begins = (node.text or b"").decode(), node.start_point[0]
        if node.type == "comment" and elements and not above and begins == row:
            elements[-1].behind = text
            continue
        above += [""] if begins - row > 1 else []
        row = node.end_point[0]
        if node.type == "comment":
            above.append(text)
            continue
        indent = " " * node.start_point[1] if begins and not elements else indent
        elements.append(_Element(text, above))
        above = []
    return elements, above, indent


def _comments(text: str) -> list[str]:
    """The comments inside of an element, which end above it when it is written anew."""
    found: list[str] = []
    left: list[Node] = [array_of(f"[{text}]")]
    while left:
        node = left.pop()
        found += [(node.text or b"").decode()] if node.type == "comment" else []
        left += reversed(node.named_children)
    return found


def _paired(key: str, old: Sequence[Values], new: Sequence[Values]) -> list[int | None]:
    """For each new stage or move the old one that it was."""
    found: list[int | None] = [None] * len(new)
    for known_by in _SAME[key]:
        for j, after in enumerate(new):
            free = [i for i, one in enumerate(old) if i not in found and known_by(one) == known_by(after)]
            if found[j] is None and free:
                found[j] = free[0]
    return found


def _ended(text: str) -> str:
    return text if text.endswith("\n") else text + "\n"
