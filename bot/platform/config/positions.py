"""Maps each key path of a TOML text to its line and column, so that an error can point at it."""

from __future__ import annotations

import tree_sitter_toml
from tree_sitter import Language, Node, Parser

Path = tuple[str | int, ...]
Position = tuple[int, int]  # line and column, both counted from 1, in characters

_TOML = Language(tree_sitter_toml.language())


def find_positions(source: str) -> dict[Path, Position]:
    """Map every key path of a TOML text, such as ("rules", 3, "any", 0), to the position of its key or element."""
    return _Walk(source).positions


def find_strings(source: str) -> dict[Path, tuple[int, int]]:
    """Map the path of every string of a TOML text to its first byte and the byte behind it, quotes included."""
    return _Walk(source).strings


def nearest(positions: dict[Path, Position], path: Path) -> Position:
    """The position of a path, or of the closest table around it; (1, 1) where nothing is known."""
    for length in range(len(path), 0, -1):
        if path[:length] in positions:
            return positions[path[:length]]
    return (1, 1)


class _Walk:
    def __init__(self, source: str) -> None:
        self.lines = source.encode().split(b"\n")
        self.positions: dict[Path, Position] = {}
        self.strings: dict[Path, tuple[int, int]] = {}
        self.counts: dict[Path, int] = {}
        for node in Parser(_TOML).parse(source.encode()).root_node.named_children:
            if node.type == "table":
                self._table(node, self._open(_keys(node.named_children[0])))
            elif node.type == "table_array_element":
                self._array_table(node)
            elif node.type == "pair":
                self._pair(node, ())

    def _open(self, keys: tuple[str, ...]) -> Path:
        """Resolve header keys to a path: a key that names an array of tables means its latest element."""
        path: Path = ()
        for key in keys:
            path = (*path, key)
            if path in self.counts:
                path = (*path, self.counts[path] - 1)
        return path

    def _array_table(self, node: Node) -> None:
        keys = _keys(node.named_children[0])
        array: Path = (*self._open(keys[:-1]), keys[-1])
        index = self.counts.get(array, 0)
        self.counts[array] = index + 1
        self.positions.setdefault(array, self._at(node))
        self._table(node, (*array, index))

    def _table(self, node: Node, path: Path) -> None:
        self.positions[path] = self._at(node)
        for pair in node.named_children[1:]:
            if pair.type == "pair":
                self._pair(pair, path)

    def _pair(self, node: Node, path: Path) -> None:
        inner: Path = (*path, *_keys(node.named_children[0]))
        self.positions[inner] = self._at(node)
        if len(node.named_children) > 1:
            self._value(node.named_children[1], inner)

    def _value(self, node: Node, path: Path) -> None:
        if node.type == "string":
            self.strings[path] = (node.start_byte, node.end_byte)
        if node.type == "inline_table":
            for pair in node.named_children:
                if pair.type == "pair":
                    self._pair(pair, path)
        elif node.type == "array":
            elements = [child for child in node.named_children if child.type != "comment"]
            for index, element in enumerate(elements):
                self.positions[(*path, index)] = self._at(element)
                self._value(element, (*path, index))

    def _at(self, node: Node) -> Position:
        row, column = node.start_point
        return row + 1, len(self.lines[row][:column].decode(errors="replace")) + 1


def _keys(node: Node) -> tuple[str, ...]:
    if node.type == "dotted_key":
        return tuple(key for child in node.named_children for key in _keys(child))
    name = (node.text or b"").decode()
    return (name[1:-1] if node.type == "quoted_key" else name,)
