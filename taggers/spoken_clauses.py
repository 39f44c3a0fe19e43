"""Spoken clauses: a text cut into sentences and clauses, folded place by place, with quoted words blanked."""

from __future__ import annotations

import re
from dataclasses import dataclass

from taggers.fold import TABLE

_CLAUSE = re.compile(r"[^，,。！!？?；;\n…~～]+[，,。！!？?；;\n…~～]*")
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


def sentences(text: str) -> list[list[Clause]]:
    """The sentences of a text, each a list of its clauses."""
    plain = _QUOTED.sub(lambda found: "＂" * len(found[0]), text[:_LONGEST])
    return _sentences("".join(_one(char) for char in plain))


def _one(char: str) -> str:
    """Fold one character to one, so that places stay."""
    folded = TABLE.get(ord(char), char)
    return folded if isinstance(folded, str) and len(folded) == 1 else (char if folded else " ")


def _sentences(text: str) -> list[list[Clause]]:
    """Clauses by sentence; a blank between longer stretches ends a clause as well."""
    told: list[list[Clause]] = [[]]
    for found in _CLAUSE.finditer(text):
        body = found[0].rstrip("，,。！!？?；;\n…~～")
        mark = found[0][len(body) :]
        for piece in re.finditer(r"\S+(?:(?<=[\x21-\x7e]) (?=[\x21-\x7e])\S+|(?<=\d) \S+| (?=\d)\S+)*", body):
            last = piece.end() >= len(body.rstrip())
            told[-1].append(
                Clause(piece[0], found.start() + piece.start(), found.start() + piece.end(), mark if last else " ")
            )
        if re.search(r"[。！!？?；;\n…]", mark):
            told.append([])
    return [one for one in told if one]
