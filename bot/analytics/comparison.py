"""Comparison of a report with that of the time before: each row's figures then, beside those of now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bot.analytics.table import ReportTable

COMPARED = ("number", "share", "seconds")


def beside(now: ReportTable, before: ReportTable | None) -> list[list[Any] | None]:
    """For each row of now the figures of the same row then, in the same columns; None where there was none.

    A column that is no figure, or says how things are at present, is None in it.
    """
    if before is None:
        return [None for _ in now.rows]
    titles = {title: place for place, (title, _kind) in enumerate(before.columns)}
    known = {before.labels(row): row for row in before.rows}
    return [_then(now, titles, known.get(now.labels(row))) for row in now.rows]


def _then(now: ReportTable, titles: dict[str, int], row: Sequence[Any] | None) -> list[Any] | None:
    if row is None:
        return None
    compared = [
        titles.get(title) if kind in COMPARED and place not in (*now.present, *now.keys, 0) else None
        for place, (title, kind) in enumerate(now.columns)
    ]
    return [None if place is None else row[place] for place in compared]
