"""Draws rows of bars as an SVG that follows the reader's light or dark page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_NAMES, _BARS, _VALUES, _ROW = 190, 420, 90, 26


@dataclass(frozen=True)
class Bar:
    """One bar: its name, how long it is, and the unit that is written behind the number."""

    name: str
    value: float
    unit: str


def bars(rows: Sequence[Bar]) -> str:
    """The SVG; the longest bar has the whole width."""
    longest = max((row.value for row in rows), default=0.0) or 1.0
    width, height = _NAMES + _BARS + _VALUES, _ROW * len(rows) + 8
    drawn = "\n".join(_row(nth, row, longest) for nth, row in enumerate(rows))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        'font-family="sans-serif" font-size="13">\n'
        "<style>text { fill: #24292f } rect { fill: #3b6ea8 } "
        "@media (prefers-color-scheme: dark) { text { fill: #d0d7de } rect { fill: #79a8dc } }</style>\n"
        f"{drawn}\n</svg>\n"
    )


def _row(nth: int, row: Bar, longest: float) -> str:
    top, length = 4 + nth * _ROW, max(row.value / longest * _BARS, 1)
    line = top + 16
    return (
        f'<text x="{_NAMES - 8}" y="{line}" text-anchor="end">{escape(row.name)}</text>'
        f'<rect x="{_NAMES}" y="{top + 3}" width="{length:.1f}" height="16" rx="2"/>'
        f'<text x="{_NAMES + length + 6:.1f}" y="{line}">{row.value:,.0f} {escape(row.unit)}</text>'
    )
