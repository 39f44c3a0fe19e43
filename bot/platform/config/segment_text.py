"""Edits the [[segments]] tables inside the text of config.toml; every byte outside of them stays as it was."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from datetime import date

from bot.platform.config.segment_table import NUMBERS, PLAIN
from bot.platform.config.toml_tables import end_of, nodes_of, written

Pairs = Sequence[tuple[str, str]]


def put_segment(source: str, name: str, pairs: Pairs, *, was: str = "", frozen: date | None = None) -> str:
    """The text with this segment: in the place of the one called `was`, or of one of the same name, else behind the
    last (or at the end)."""
    raw, found = source.encode(), _places(source)
    fresh = _table(name, pairs, frozen).encode()
    for known, start, end in found:
        if known == (was or name):
            return (raw[:start] + fresh + raw[end:]).decode()
    if not found:
        return (
            source + ("" if not source or source.endswith("\n") else "\n") + ("\n" if source else "") + fresh.decode()
        )
    end = found[-1][2]
    gap = b"\n" if raw[:end].endswith(b"\n") else b"\n\n"
    return (raw[:end] + gap + fresh + raw[end:]).decode()


def remove_segment(source: str, name: str) -> str:
    """The text without this segment, and without the blank lines behind it; the same where there is none."""
    raw = source.encode()
    for known, start, end in _places(source):
        if known == name:
            return (raw[:start] + raw[end:].lstrip(b"\n")).decode()
    return source


def _places(source: str) -> list[tuple[str, int, int]]:
    """Name, first byte and end of every table, in order."""
    raw, found = source.encode(), []
    for nodes in nodes_of(source, "segments"):
        start, end = nodes[0].start_byte, end_of(nodes, raw)
        table = tomllib.loads(raw[start:end].decode())["segments"][0]
        found.append((str(table.get("name", "")), start, end))
    return found


def _table(name: str, pairs: Pairs, frozen: date | None) -> str:
    lines = "".join(f"  {{ {kind} = {_value(kind, value)} }},\n" for kind, value in pairs)
    day = f"frozen = {frozen.isoformat()}\n" if frozen else ""
    return f"[[segments]]\nname = {written(name)}\n{day}where = [\n{lines}]\n"


def _value(kind: str, value: str) -> str:
    if kind in PLAIN:
        return "true"
    return value if kind in NUMBERS else str(written(value))
