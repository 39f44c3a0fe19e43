"""What the company's own systems tell of a customer (an order, a refund, another event), as what moves and starts."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from sop.translatable import Translatable

ORDER, REFUND, EVENT = "order", "refund", "event"
KINDS = (ORDER, REFUND, EVENT)
ANY = "*"
LATELY = timedelta(days=30)
LONGEST_NAME = 120
_PAID, _TAKEN_BACK = "paid", ("refunded", "cancelled")
_WORDS = {
    ORDER: ("客户下了订单", "买了「{name}」"),
    REFUND: ("客户退了款", "退了「{name}」"),
    EVENT: ("别的系统说的事", "发生了「{name}」"),
}


def is_business(text: str) -> bool:
    """Whether a trigger is one of these: "order:2999课", "order:*", "refund:2999课", "event:完成试听"."""
    return text.partition(":")[0] in KINDS and ":" in text


def what_is_wrong(text: str) -> str | None:
    """What is wrong with such a trigger, for people; None where nothing is."""
    kind, _, name = text.partition(":")
    if not name.strip() or name != name.strip() or len(name) > LONGEST_NAME:
        return Translatable('"{text}" 要写明是什么，例如 "order:2999课"、"order:*"、"event:完成试听"', text=text)
    if kind == EVENT and name.startswith("@"):
        return Translatable('"{text}"：事件的名字不能以 @ 开头', text=text)
    return None


def happened(was: str, now: str, at: datetime, told_at: datetime) -> str | None:
    """What an order's change of status is: "order", "refund", or None where nothing follows from it.

    was: "" for an order that is new. What is told more than 30 days after `at` is history: nothing follows from it.
    """
    if told_at - at > LATELY:
        return None
    if now == _PAID and was != _PAID:
        return ORDER
    return REFUND if now in _TAKEN_BACK and (was == _PAID or (not was and now == "refunded")) else None


def names_of(kind: str, called: Iterable[str]) -> tuple[str, ...]:
    """All triggers that a happening meets: by each of its names and by "*", each once."""
    return tuple(dict.fromkeys(f"{kind}:{name}" for name in (*called, ANY) if name))


def in_words(text: str) -> str:
    """A trigger of these as people read it."""
    kind, _, name = text.partition(":")
    whole, named = _WORDS[kind]
    return Translatable(whole) if name == ANY else Translatable(named, name=name)
