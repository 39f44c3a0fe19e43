"""Masks phone, ID and bank card numbers in a text, however their digits are typed: full-width, spaced, dashed."""

from __future__ import annotations

import re
import unicodedata

_DIGIT = r"[0-9０-９]"
_GAP = r"[ \u00a0\u2009\u3000\-－‐–—_.·]{0,3}"
_RUN = re.compile(rf"{_DIGIT}(?:{_GAP}{_DIGIT}){{9,}}(?:{_GAP}[XxＸｘ](?![A-Za-z]))?")
_PIECE = re.compile(r"[0-9０-９XxＸｘ]+")
_PHONE = re.compile(r"(?:86)?1[3-9]\d{9}")
_LANDLINE = re.compile(r"0(?:10|2\d|[3-9]\d{2})[2-8]\d{6,7}")
_ID_NUMBER = re.compile(r"[1-9]\d{14}|[1-9]\d{16}[\dX]")
_CARD = re.compile(r"[3-9]\d{15}|[3-9]\d{16}|[3-9]\d{18}")
_MOST_PIECES = 21  # digits of the longest number, country code included; each may stand alone
# Kind of number, and how many characters stay readable at its beginning and at its end.
_KINDS = ((_PHONE, 3, 4), (_ID_NUMBER, 6, 4), (_CARD, 0, 4), (_LANDLINE, 4, 2))


def mask(text: str) -> str:
    """The text with the middle of every such number as stars: 138****5678; everything else stays as it is."""
    return _RUN.sub(_mask_run, text) if len(text) >= 10 else text


def _mask_run(found: re.Match[str]) -> str:
    run = found[0]
    pieces = list(_PIECE.finditer(run))
    hidden: set[int] = set()
    at = 0
    while at < len(pieces):
        at += _take(pieces, at, hidden)
    return "".join("*" if place in hidden else char for place, char in enumerate(run))


def _take(pieces: list[re.Match[str]], at: int, hidden: set[int]) -> int:
    """Hide the number that begins with this piece: the piece alone, else with the most following ones that make one.

    Returns how many pieces were consumed.
    """
    counts: list[int] = [1, *range(min(len(pieces) - at, _MOST_PIECES), 1, -1)]
    for count in counts:
        places = [place for piece in pieces[at : at + count] for place in range(*piece.span())]
        plain = unicodedata.normalize("NFKC", "".join(piece[0] for piece in pieces[at : at + count])).upper()
        for kind, first, last in _KINDS:
            if kind.fullmatch(plain):
                start = first + 2 if kind is _PHONE and len(plain) == 13 else first
                hidden.update(places[start : len(places) - last])
                return count
    return 1
