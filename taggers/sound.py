"""Homophones: words as their toneless pinyin, one private character a syllable, so that places stay the same."""

from __future__ import annotations

from functools import cache

_FIRST = 0xE000
_HAN = range(0x4E00, 0xA000)


@cache
def _tables() -> tuple[dict[str, int], dict[int, int]]:
    """Map syllable -> private character and Han character -> private character (its commonest reading)."""
    syllables: dict[str, int] = {}
    heard: dict[int, int] = {}
    for code in _HAN:
        syllable = _spelt(chr(code))[0]
        heard[code] = syllables.setdefault(syllable, _FIRST + len(syllables))
    return syllables, heard


def sound(text: str) -> str:
    """Write a folded text in syllables, a character for a character."""
    return text.translate(_tables()[1])


def homophones(keyword: str) -> tuple[str, ...]:
    """Give the syllables a keyword can be heard as: character by character, and as the phrase is read.

    Only Han words of two characters or more; a single syllable is heard everywhere.
    """
    if len(keyword) < 2 or not all(ord(char) in _HAN for char in keyword):
        return ()
    syllables, _ = _tables()
    phrase = _spelt(keyword)
    spoken = ""
    if len(phrase) == len(keyword) and all(one in syllables for one in phrase):
        spoken = "".join(chr(syllables[one]) for one in phrase)
    return tuple(dict.fromkeys(one for one in (sound(keyword), spoken) if one))


def _spelt(text: str) -> list[str]:
    from pypinyin import Style, lazy_pinyin  # its phrases are a seventh of the time a command takes to start

    return lazy_pinyin(text, style=Style.NORMAL)
