"""What a message of a talk is to those who wait: one that wants an answer, one that gives an answer, or neither."""

from __future__ import annotations

import re
from typing import Literal

from taggers.closing import Closings
from taggers.repeated import remembered
from taggers.utterance import Utterance
from taggers.wants_answer import SILENT_KINDS, typed_wants_answer

Spoken = Literal["asked", "other", "answer"]

_BLANK = re.compile(r"\{[^{}]*\}")
_TELLING = 8  # characters by which a welcome is known


def customer_spoke(kind: str, text: str, closings: Closings) -> Spoken:
    """What a customer's message is; what WeCom wrote in their name is none of theirs."""
    if kind in SILENT_KINDS:
        return "other"
    if kind not in ("text", "mixed"):
        return "asked"
    return "asked" if _waits(text, kind, closings) else "other"


@remembered
def _waits(text: str, kind: str, closings: Closings) -> bool:
    return typed_wants_answer(Utterance.typed(text, kind=kind), closings)


def agent_spoke(kind: str, text: str, welcome: str | None) -> Spoken:
    """What an agent's message is; neither a sticker nor the automatic welcome answers. welcome: its words."""
    return "other" if kind in SILENT_KINDS or is_welcome(welcome, text) else "answer"


def is_welcome(welcome: str | None, text: str) -> bool:
    """Whether a text is the automatic welcome: it has the longest of its fixed pieces in it."""
    if not welcome or not text:
        return False
    piece = max((one.strip() for one in _BLANK.split(welcome)), key=len)
    return len(piece) >= _TELLING and piece in text
