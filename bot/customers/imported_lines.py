"""Imported lines: reads a table that somebody gives into its headings and numbered lines, or says what is wrong."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from bot.customers.fields import FieldRefusedError, decoded
from bot.customers.imported_workbook import workbook_rows
from taggers.translatable import Translatable

MOST_BYTES = 20 * 1024 * 1024
MOST_LINES, MOST_COLUMNS, LONGEST_CELL = 50_000, 60, 1000


@dataclass(frozen=True)
class Line:
    """A line of a file, by its number there."""

    number: int
    cells: tuple[str, ...]

    def cell(self, at: int) -> str:
        """The cell in a column; empty where the line is shorter."""
        return self.cells[at] if at < len(self.cells) else ""


def read_file(raw: bytes) -> tuple[tuple[str, ...], list[Line]]:
    """The headings and the lines of a CSV or Excel file. Raises FieldRefusedError saying what is wrong."""
    if len(raw) > MOST_BYTES:
        raise FieldRefusedError([Translatable("文件超过 {n} MB，请分成几份", n=MOST_BYTES // 1024 // 1024)])
    if raw.startswith(b"PK\x03\x04"):
        return _headed([line for line in _of_workbook(raw) if any(line.cells)])
    text = decoded(raw)
    if text is None:
        raise FieldRefusedError(["文件不是 UTF-8 也不是 GBK 编码；请另存为「CSV UTF-8」"])
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        numbered = [
            Line(lines.line_num, tuple(cell.strip()[:LONGEST_CELL] for cell in cells)) for cells in _some(lines)
        ]
    except csv.Error as error:
        raise FieldRefusedError(
            [Translatable("第 {n} 行：不是正确的 CSV（{why}）", n=lines.line_num, why=str(error))]
        ) from None
    return _headed([line for line in numbered if any(line.cells)])


def _of_workbook(raw: bytes) -> Iterator[Line]:
    for number, cells in workbook_rows(raw, (MOST_LINES + 2, MOST_COLUMNS + 1)):
        if number > MOST_LINES + 1:
            raise FieldRefusedError([Translatable("最多 {n} 行，请分成几份", n=MOST_LINES)])
        kept = tuple(cell.replace("\0", "").strip()[:LONGEST_CELL] for cell in cells)
        while kept and not kept[-1]:
            kept = kept[:-1]
        yield Line(number, kept)


def _some(lines: Any) -> Iterator[list[str]]:
    for count, cells in enumerate(lines):
        if count > MOST_LINES:
            raise FieldRefusedError([Translatable("最多 {n} 行，请分成几份", n=MOST_LINES)])
        yield [cell.replace("\0", "") for cell in cells]


def _headed(lines: Sequence[Line]) -> tuple[tuple[str, ...], list[Line]]:
    if len(lines) < 2:
        raise FieldRefusedError(["文件里没有内容：第一行是标题，下面每行一位客户"])
    headings = lines[0].cells
    if len(headings) > MOST_COLUMNS:
        raise FieldRefusedError([Translatable("最多 {n} 列", n=MOST_COLUMNS)])
    return headings, list(lines[1:])
