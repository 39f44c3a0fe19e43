"""Spoken clauses: a text cut into sentences and clauses, folded place by place, with quoted words blanked."""

from __future__ import annotations

import re
from dataclasses import dataclass

from taggers.fold import TABLE, is_plain

ENDS = "，,。！!？?；;\n…~～"
"""The signs that end a clause."""
_CLAUSE = re.compile(f"[^{ENDS}]+[{ENDS}]*")
_SPLIT = re.compile(rf"[{ENDS}\s]+")
_PIECE = re.compile(r"\S+(?:(?<=[\x21-\x7e]) (?=[\x21-\x7e])\S+|(?<=\d) \S+| (?=\d)\S+)*")
_BLANK = re.compile(r"\s")
_LAST = re.compile(r"[。！!？?；;\n…]")
_QUOTED = re.compile(r"[「『“\"‘《][^」』”\"’》]{0,200}[」』”\"’》]")
_LONGEST = 2_000
"""What is longer is no talk; nothing is looked for beyond, so that no message costs too much."""


@dataclass(frozen=True, slots=True)
class Clause:
    """A clause: its folded text, its place in what was typed, and the sign that ends it."""

    text: str
    start: int
    end: int
    mark: str


def _in_place() -> dict[int, str]:
    """The table of folding with one character for each, so that places stay."""
    kept = {code: new if len(new) == 1 else (chr(code) if new else " ") for code, new in TABLE.items()}
    return {code: new for code, new in kept.items() if chr(code) != new}


_TABLE = _in_place()


def spoken_text(text: str) -> str:
    """The text folded character by character, with quoted words blanked: what cues are looked for in."""
    plain = _QUOTED.sub(lambda found: "＂" * len(found[0]), text[:_LONGEST])
    return plain if is_plain(plain) else plain.translate(_TABLE)


def clause_ends(spoken: str) -> str:
    """The same with a line for each clause: words that stand in one of them are found here too, by one search."""
    return _SPLIT.sub("\n", spoken)


def sentences(text: str) -> list[list[Clause]]:
    """The sentences of what `spoken_text` gave, each a list of its clauses.

    A blank between longer stretches ends a clause as well.
    """
    told: list[list[Clause]] = [[]]
    for found in _CLAUSE.finditer(text):
        body = found[0].rstrip(ENDS)
        mark = found[0][len(body) :]
        begin = found.start()
        if _BLANK.search(body) is None:
            told[-1].append(Clause(body, begin, begin + len(body), mark))
        else:
            told[-1] += _pieces(body, begin, mark)
        if _LAST.search(mark):
            told.append([])
    return [one for one in told if one]


def _pieces(body: str, begin: int, mark: str) -> list[Clause]:
    ends = len(body.rstrip())
    return [
        Clause(piece[0], begin + piece.start(), begin + piece.end(), mark if piece.end() >= ends else " ")
        for piece in _PIECE.finditer(body)
    ]
