"""Translatable: a text for people that keeps its wording and values, so that a page can translate it.

The same small class as in taggers.translatable: rooms that may not import one another share no file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence


class Translatable(str):
    """A finished Chinese text; `wording` holds {names}, `values` what fills them, a list or tuple joined by 、."""

    wording: str
    values: Mapping[str, object]

    def __new__(cls, wording: str, /, **values: object) -> Translatable:
        texts = {
            name: "、".join(map(str, one)) if isinstance(one, list | tuple) else str(one)
            for name, one in values.items()
        }
        made = super().__new__(cls, wording.format(**texts) if values else wording)
        made.wording, made.values = str(wording), values
        return made

    def __str__(self) -> Translatable:
        """Itself: str(error) of an exception raised with Translatable keeps what it was made of."""
        return self


def listed(problems: Sequence[str]) -> str:
    """Several problems, a line each."""
    if len(problems) < 2:
        return problems[0] if problems else ""
    half = len(problems) // 2  # halves of halves, so that many of them are not nested deep
    return Translatable("{one}\n{more}", one=listed(problems[:half]), more=listed(problems[half:]))
