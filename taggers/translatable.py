"""Translatable text: a finished Chinese sentence that keeps its wording and values, so that a page can translate it.

The class stands in sop.translatable and bot.wecom.translatable as well, since these packages do not import one
another. Code that translates goes by the attributes (wording, values), not by the class.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from string import Formatter
from typing import TypeGuard

Translate = Callable[[str, Mapping[str, object]], str]
_DEEPEST = 20  # sentences within sentences that are read again: what is kept may hold anything that a customer typed


class Translatable(str):
    """A finished Chinese text, equal to every str that reads the same.

    `wording` holds {names}, `values` what fills them. A value that is Translatable is translated too, and a list is
    joined by that language's comma; anything else is data and stays as it is. Without values, braces in the wording
    are only braces.
    """

    wording: str
    values: Mapping[str, object]

    def __new__(cls, wording: str, /, **values: object) -> Translatable:
        made = super().__new__(cls, _filled(wording, values, str, "、"))
        made.wording, made.values = str(wording), values
        return made

    def __str__(self) -> Translatable:
        """Itself: str(error) of an exception raised with Translatable keeps what it was made of."""
        return self


def knows_itself(text: object) -> TypeGuard[Translatable]:
    """Whether a text is a Translatable of any of the three packages (the type guard names one for all)."""
    return isinstance(text, str) and hasattr(text, "wording")


def fill(wording: str, values: Mapping[str, object], other: Translate, comma: str) -> str:
    """Fill a wording in another language; `other` gives the translated wording for ours and these values."""

    def say(one: object) -> str:
        return fill(one.wording, one.values, other, comma) if knows_itself(one) else str(one)

    return _filled(other(wording, values), values, say, comma)


def sentence(text: str) -> Translatable:
    """Mark a text of ours that stands within another; without this it would be taken for data and not translated."""
    return text if knows_itself(text) else Translatable(text)


def chained(sentences: Iterable[str], mark: str = "；") -> str:
    """Join sentences into one, by halves, so that the nesting depth grows only with the logarithm of their number."""
    said = [sentence(one) for one in sentences]
    if len(said) < 2:
        return said[0] if said else ""
    half = len(said) // 2
    return Translatable(f"{{one}}{mark}{{more}}", one=chained(said[:half], mark), more=chained(said[half:], mark))


def reread(text: str, wordings: Iterable[str], depth: int = _DEEPEST) -> str:
    """Parse a sentence kept as plain text back into a Translatable by one of the wordings; else give it as it is."""
    if knows_itself(text) or not depth:
        return text
    wordings = tuple(wordings)
    for wording in wordings:
        found = _pattern(wording).fullmatch(text)
        if found is not None:
            return Translatable(
                wording, **{name: reread(one, wordings, depth - 1) for name, one in found.groupdict().items()}
            )
    return text


def _filled(wording: str, values: Mapping[str, object], say: Callable[[object], str], comma: str) -> str:
    if not values:
        return wording
    filled = {
        name: comma.join(map(say, one)) if isinstance(one, (list, tuple)) else say(one)
        for name, one in values.items()
    }
    return wording.format(**filled)


@cache
def _pattern(wording: str) -> re.Pattern[str]:
    parts = Formatter().parse(wording)
    return re.compile(
        "".join(re.escape(text) + (f"(?P<{name}>.+?)" if name else "") for text, name, _, _ in parts), re.DOTALL
    )
