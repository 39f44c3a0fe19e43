"""Words for people that still know what they were made of, so that a page can say them in another language.

The class stands in sop.translatable and bot.wecom.translatable as well, since these rooms know nothing of one another; whoever says
such words again goes by what they know (wording, values), not by whose they are.
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

    `wording` holds {names}, `values` what fills them. A value that is Translatable is said in the other language too, and a
    list is joined by that language's comma; anything else is data and stays as it is. Without values, braces in the
    wording are only braces.
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
    """Whether a text is the Translatable of some room (for the types one stands for all)."""
    return isinstance(text, str) and hasattr(text, "wording")


def fill(wording: str, values: Mapping[str, object], other: Translate, comma: str) -> str:
    """A wording and its values in another language, whose wording for ours and these values `other` gives."""

    def say(one: object) -> str:
        return fill(one.wording, one.values, other, comma) if knows_itself(one) else str(one)

    return _filled(other(wording, values), values, say, comma)


def sentence(text: str) -> Translatable:
    """A text of ours that is to stand within another: without this it would pass for data."""
    return text if knows_itself(text) else Translatable(text)


def chained(sentences: Iterable[str], mark: str = "；") -> str:
    """Several sentences as one; halves of halves, so that many of them are not nested deep."""
    said = [sentence(one) for one in sentences]
    if len(said) < 2:
        return said[0] if said else ""
    half = len(said) // 2
    return Translatable(f"{{one}}{mark}{{more}}", one=chained(said[:half], mark), more=chained(said[half:], mark))


def reread(text: str, wordings: Iterable[str], depth: int = _DEEPEST) -> str:
    """A sentence that was kept as plain text, as Translatable where one of the wordings reads the same; else as it is."""
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
