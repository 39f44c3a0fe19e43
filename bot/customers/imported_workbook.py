"""Imported workbook: the first sheet of an Excel file as rows of text, within bounds that no file can break.

A workbook is a ZIP of XML: what it unpacks to is read off before anything is unpacked (zipfile reads no more than
that of each part), and with defusedxml installed, as it is here, openpyxl refuses entities.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import date, datetime, time
from typing import Any
from zipfile import BadZipFile, ZipFile

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from bot.customers.fields import FieldRefusedError
from taggers.translatable import Translatable

MOST_UNPACKED = 100 * 1024 * 1024
MOST_PARTS = 1000
_BROKEN = "文件打不开：不是 Excel 的 .xlsx，或者有密码、已损坏"


def workbook_rows(raw: bytes, most: tuple[int, int]) -> Iterator[tuple[int, list[str]]]:
    """The rows of the first sheet with their numbers, at most so many rows and columns. Raises FieldRefusedError."""
    _check_size(raw)
    rows, columns = most
    try:
        book = openpyxl.load_workbook(io.BytesIO(raw), read_only=True, data_only=True, keep_links=False)
        sheet = book.worksheets[0]
        for number, cells in enumerate(sheet.iter_rows(max_row=rows, max_col=columns, values_only=True), 1):
            yield number, [_text(cell) for cell in cells]
        book.close()
    except (BadZipFile, InvalidFileException, KeyError, ValueError, IndexError, TypeError, OSError, EOFError):
        raise FieldRefusedError([_BROKEN]) from None
    except Exception as error:  # the parser's own, and defusedxml's, which share no base with the rest
        if type(error).__module__.split(".")[0] in ("defusedxml", "xml", "openpyxl", "zlib"):
            raise FieldRefusedError([_BROKEN]) from None
        raise


def _check_size(raw: bytes) -> None:
    try:
        with ZipFile(io.BytesIO(raw)) as archive:
            parts = archive.infolist()
    except (BadZipFile, ValueError, OSError):
        raise FieldRefusedError([_BROKEN]) from None
    if len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > MOST_UNPACKED:
        size = MOST_UNPACKED // 1024 // 1024
        raise FieldRefusedError(
            [Translatable("Excel 文件解开后超过 {n} MB，请分成几份，或另存为「CSV UTF-8」", n=size)]
        )


def _text(cell: Any) -> str:
    """What a cell shows: whole numbers without .0, so that phone numbers and ids stay what they are."""
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))
    if isinstance(cell, datetime):
        whole = cell.time() == time(0)
        return cell.date().isoformat() if whole else cell.isoformat(sep=" ", timespec="seconds")
    return cell.isoformat() if isinstance(cell, date | time) else str(cell)
