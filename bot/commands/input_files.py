"""Input files of commands: read within bounds, with every fault named by its line."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path

LONGEST_LINE = 4 * 1024 * 1024
MOST_BYTES = 4 * 1024 * 1024


def read_lines(path: Path) -> Iterator[tuple[int, dict[str, object]]]:
    """JSON objects, one a line, with the numbers of the lines; empty lines are passed over.

    Raises ValueError that names the line, and OSError.
    """
    with path.open("rb") as lines:
        number = 0
        while raw := lines.readline(LONGEST_LINE + 1):
            number += 1
            try:
                value = _read(raw)
            except ValueError as fault:
                raise ValueError(f"{path.name}:{number}: {fault}") from None
            if value is not None:
                yield number, value


def read_table(path: Path) -> dict[str, object]:
    """A TOML file; raises ValueError in words, and OSError."""
    with path.open("rb") as file:
        raw = file.read(MOST_BYTES + 1)
    if len(raw) > MOST_BYTES:
        raise ValueError(f"文件超过 {MOST_BYTES // 1024 // 1024} MB")
    try:
        return tomllib.loads(raw.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise ValueError("不是 UTF-8 编码；请另存为 UTF-8") from None
    except RecursionError:
        raise ValueError("括号套得太深") from None


def _read(raw: bytes) -> dict[str, object] | None:
    if len(raw) > LONGEST_LINE:
        raise ValueError(f"这一行超过 {LONGEST_LINE // 1024 // 1024} MB")
    try:
        line = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError("不是 UTF-8 编码；请另存为 UTF-8") from None
    if not line.strip():
        return None
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        raise ValueError("不是 JSON") from None
    if not isinstance(value, dict):
        raise ValueError("每行应是一个 JSON 对象")
    if "\\ud" in line.lower():
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise ValueError("有半个字符（不成对的 \\ud800 之类）") from None
    return value
