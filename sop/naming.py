"""Naming: tells a customer's name from what an agent wrote behind it, with or without a blank between."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from rapidfuzz import fuzz, process

MOST = 5
_LEAST_ALIKE = 45.0
_LONGEST = 32
_ADDRESS = ("老师", "先生", "女士", "小姐", "阿姨", "经理", "家长", "妈妈", "爸爸", "姐", "哥", "总")
_SIGNS = " \t:：,，。.、"
_BEHIND = re.compile(r"[0-9一二三四五六七八九十两半今明后大下上本这周月早中晚马稍等过发打问约寄给要的]")


@dataclass(frozen=True, slots=True)
class Named:
    """Who was named.

    fits: the keys of those whom the name fits. near: where it fits nobody, whose name is much like it. name: as it
    was written. rest: what stands behind it.
    """

    fits: tuple[int, ...]
    near: tuple[int, ...]
    name: str
    rest: str


class People:
    """Names and whose they are: one may have several, and several the same."""

    def __init__(self, people: Mapping[int, Collection[str]]) -> None:
        self._whose: dict[str, list[int]] = {}
        for key, names in people.items():
            for name in {_bare(one) for one in names}:
                self._whose.setdefault(name, []).append(key)
        self._whose.pop("", None)

    def called(self, name: str) -> tuple[int, ...]:
        """Those of exactly this name."""
        return tuple(self._whose.get(_bare(name), ()))

    def containing(self, part: str) -> tuple[int, ...]:
        """Those in whose name this stands."""
        wanted = _bare(part)
        found = (key for name, keys in self._whose.items() if wanted and wanted in name for key in keys)
        return tuple(dict.fromkeys(found))

    def like(self, name: str) -> tuple[int, ...]:
        """Those whose name is much like this one, the most alike first."""
        found = process.extract(
            _bare(name), list(self._whose), scorer=fuzz.ratio, limit=MOST, score_cutoff=_LEAST_ALIKE
        )
        return tuple(dict.fromkeys(key for alike, _, _ in found for key in self._whose[alike]))[:MOST]


def read_name(words: str, people: People) -> Named:
    """Find whose name begins the words: the same name, else one that contains it, else names that are like it."""
    text = words.strip(_SIGNS)
    first = text.split(maxsplit=1)[0].rstrip(_SIGNS) if text else ""
    fits, length = _addressed(first, people) or _begun(text, people) or _part(first, people) or ((), len(first))
    near = people.like(first) if first and not fits else ()
    return Named(fits[: MOST + 1], near, text[:length][:_LONGEST], text[length:].strip(_SIGNS))


_Found = tuple[tuple[int, ...], int] | None


def _addressed(first: str, people: People) -> _Found:
    """The first word is a name, as it stands or with a form of address behind it."""
    bare = (first.removesuffix(one) for one in _ADDRESS if first.endswith(one))
    fits = next((found for name in (first, *bare) if (found := people.called(name))), ())
    return (fits, len(first)) if fits else None


def _begun(text: str, people: People) -> _Found:
    """The words begin with a whole name, the longest there is, and do not go on with more of a name."""
    for length in range(min(len(text), _LONGEST), 1, -1):
        fits = people.called(text[:length])
        if fits and _goes_on(text[length:]):
            return fits, length
    return None


def _part(first: str, people: People) -> _Found:
    """The first word, or two characters of its beginning at least, stand in a name."""
    for length in range(min(len(first), _LONGEST), 0, -1):
        whole = length == len(first)
        fits = people.containing(first[:length]) if whole or (length > 1 and _goes_on(first[length:])) else ()
        if fits:
            return fits, length
    return None


def _goes_on(rest: str) -> bool:
    """Whether what stands behind a name begins a time, a deed or a new word."""
    plain = rest.lstrip(_SIGNS)
    for one in _ADDRESS:
        plain = plain.removeprefix(one)
    return not plain or plain != rest or _BEHIND.match(plain) is not None


def _bare(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold().replace(" ", "")
