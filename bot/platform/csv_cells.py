"""Writes CSV that spreadsheets open as it was: no cell becomes a formula, no text another one."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import datetime, tzinfo

# A cell that begins so is evaluated by Excel and LibreOffice (CSV injection).
_FORMULA = ("=", "+", "-", "@")
_LONGEST_NUMBER = 64
_CONTROLS = ("\t", "\r", "\n")
# Texts that Excel turns into another value for good: 007 -> 7, 3/4 -> 4 March, 110101199003071234 -> 1.10E+17,
# 1e5 -> 100000, (5) -> -5, 9:30 -> a time, 1 1/2 -> 1.5. What is written as 2026-03-04 stays the same day.
_CHANGED = re.compile(
    r"""0\d[\d,]*(?:\.\d*)?            # zeros in front
      | \d{12,}(?:\.\d*)?              # longer than a cell shows, or keeps
      | \d[\d,]*\.\d*0 | \d[\d,]*\. | \.\d+      # 1.50, 5., .5
      | \d+(?:\.\d*)?\s*e[+-]?\d+     # a power of ten
      | (?:\d{1,4}[/-]\d{1,2}(?:[/-]\d{1,4})?|\d{1,4}\.\d{1,2}\.\d{1,4})(?:\s+\d{1,2}:\d{2}.*)?
      | \d+\s+\d+/\d+                 # one and a half
      | \d{1,4}:\d{1,2}(?::\d{1,2})?(?:\.\d+)?(?:\s*[ap]m?)? | \d{1,2}\s*[ap]m?   # a time
      | \(\s*\d[\d,.]*\s*\) | \d[\d,.]*\s*[-+]                          # below zero
      | (?:[上下]午|[ap]m)?\s*\d{1,2}(?:时|:\d{1,2})(?:\d{1,2}分(?:\d{1,2}秒)?|:\d{1,2})?  # the same in words
      | true|false                    # capitals then
      | (?:\d{4}年)?\d{1,2}月(?:\d{1,2}日?)? | \d{4}年\d{1,2}月?           # a day in words
      | (?:\d{1,4}[\s/-]*)?(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*(?:[\s/.,-]*\d{1,4}){0,2}
    """,
    re.VERBOSE | re.IGNORECASE,
)
_ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}(?: \d{2}:\d{2}(?::\d{2})?)?")


def safe_cell(value: object) -> object:
    """The value as a cell; a text that a spreadsheet would evaluate or rewrite gets an apostrophe before it."""
    if isinstance(value, str) and (value.startswith(_CONTROLS) or _first_sign(value) in _FORMULA or _changes(value)):
        return f"'{value}"
    return value


def _changes(value: str) -> bool:
    """Whether Excel would make another value of it, blanks and full-width digits looked through."""
    if len(value) > _LONGEST_NUMBER:
        return False
    plain = unicodedata.normalize("NFKC", value).strip()
    return _CHANGED.fullmatch(plain) is not None and _ISO_DAY.fullmatch(value) is None


def local_time(at: datetime, zone: tzinfo) -> str:
    """A moment as spreadsheets read one, in this time zone: 2026-03-04 12:00:00."""
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M:%S}"


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
