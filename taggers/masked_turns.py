"""Masked turns: a talk without anybody's name, number or link, for a machine outside to read."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence

from taggers.others_in import others_in

CUSTOMER, AGENT, NUMBER, LINK, LEFT_OUT = "〔客户〕", "〔员工〕", "〔号码〕", "〔链接〕", "〔略〕"
_LONGEST = 300
_LINK = re.compile(r"(?:https?://|www\.)\S+|\S+@\S+", re.IGNORECASE)
_NUMBER = re.compile(r"[A-Za-z_-]*[0-9０-９][0-9０-９A-Za-z_. -]{2,}[0-9０-９A-Za-z]|[A-Za-z0-9_-]{12,}")


def masked_turns(
    turns: Sequence[tuple[str, str]],
    own: Collection[str],
    agents: Collection[str],
    is_name: Callable[[str], bool],
) -> list[tuple[str, str]]:
    """(role, text) without the customer's names (own), those of agents, numbers and links; a text that names anybody
    else is left out whole. is_name: whether a folded text is anybody's name."""
    return [(role, _masked(text[:_LONGEST], own, agents, is_name)) for role, text in turns]


def _masked(text: str, own: Collection[str], agents: Collection[str], is_name: Callable[[str], bool]) -> str:
    for names, word in ((own, CUSTOMER), (agents, AGENT)):
        for name in sorted(filter(None, names), key=len, reverse=True):
            text = text.replace(name, word)
    text = _NUMBER.sub(NUMBER, _LINK.sub(LINK, text))
    bare = text
    for word in (CUSTOMER, AGENT, NUMBER, LINK):
        bare = bare.replace(word, "，")
    return LEFT_OUT if others_in(bare, is_name, prices=True) else text
