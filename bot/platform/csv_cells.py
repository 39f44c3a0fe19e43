"""Writes CSV that spreadsheets open as text: no cell of ours becomes a formula."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterable, Sequence

# A cell that begins so is evaluated by Excel and LibreOffice (CSV injection).
_FORMULA = ("=", "+", "-", "@")
_CONTROLS = ("\t", "\r", "\n")


def safe_cell(value: object) -> object:
    """The value as a cell; a text that a spreadsheet would take for a formula gets an apostrophe before it."""
    if isinstance(value, str) and (value.startswith(_CONTROLS) or _first_sign(value) in _FORMULA):
        return f"'{value}"
    return value


def _first_sign(value: str) -> str:
    """The first visible character, full-width ones in their narrow form: blanks and controls are skipped."""
    first = next((sign for sign in value if unicodedata.category(sign)[0] not in "CZ"), "")
    return unicodedata.normalize("NFKC", first)[:1]


def as_csv(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A whole file, with the mark by which Excel knows UTF-8."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([safe_cell(column) for column in columns])
    writer.writerows([safe_cell(cell) for cell in row] for row in rows)
    return "\ufeff" + out.getvalue()
