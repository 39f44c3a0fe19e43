"""Remembers what was found in short texts (好的, 收到, 在吗), since most messages of a talk are one of a few."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Concatenate, ParamSpec, TypeVar, cast

_KEPT = re.compile(r"\D{0,16}")
"""Longer texts hardly ever come twice; what has a digit may be a telephone number or a code: neither is kept."""
_MOST = 1_024
P = ParamSpec("P")
T = TypeVar("T")


def remembered(find: Callable[Concatenate[str, P], T]) -> Callable[Concatenate[str, P], T]:
    """Have a pure function of a text asked once only of each short text, for as long as it is said now and then."""
    known = cast("Callable[Concatenate[str, P], T]", lru_cache(maxsize=_MOST)(find))

    @wraps(find)
    def found(text: str, /, *more: P.args, **named: P.kwargs) -> T:
        return (known if _KEPT.fullmatch(text) else find)(text, *more, **named)

    return found
