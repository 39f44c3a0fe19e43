"""Masked talk: a conversation without phone numbers and the like, for those who only look."""

from __future__ import annotations

from dataclasses import replace

from bot.platform.masking import mask
from bot.web.customers.conversation_rows import Bubble, Conversation
from bot.web.customers.highlight import TextPiece


def masked_talk(talk: Conversation) -> Conversation:
    """The same conversation, masked."""
    return replace(talk, bubbles=tuple(map(_hidden, talk.bubbles)))


def _hidden(bubble: Bubble) -> Bubble:
    """Masked as a whole, since a number may go on beyond a mark; the mask keeps every character's place."""
    text = mask("".join(piece.text for piece in bubble.pieces))
    pieces: list[TextPiece] = []
    at = 0
    for piece in bubble.pieces:
        pieces.append(TextPiece(text[at : at + len(piece.text)], mask(piece.why)))
        at += len(piece.text)
    return replace(bubble, who=mask(bubble.who), pieces=tuple(pieces))
