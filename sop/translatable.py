"""Translatable text: a finished Chinese sentence that keeps its wording and values, so that a page can translate it.

The same small class as taggers.translatable has: rooms that know nothing of one another share no file.
"""

from __future__ import annotations

from collections.abc import Mapping


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


def sentence(text: str) -> Translatable:
    """Mark a text of ours that stands within another; without this it would be taken for data and not translated."""
    return text if isinstance(text, Translatable) else Translatable(text)
