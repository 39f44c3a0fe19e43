"""Utterance: one message as the rules see it, with its sender, time and the stretches typed, quoted or forwarded."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Scope = Literal["typed", "quote", "forwarded", "link", "notice", "mixed", "file"]
Sender = Literal["customer", "agent"]

# The WeCom client writes the first form, WeChat the second (see Utterance.typed).
_WECOM_QUOTE = re.compile(r'这是一条引用/回复消息[：:]\s*\n"(?P<quote>.*?)"\s*\n-{4,}[ \t]*(?:\n|$)', re.DOTALL)
_WECHAT_QUOTE = re.compile(r"「(?P<quote>.*?)」[ \t]*\n(?:-[ \t]*){5,}(?:\n|$)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of one origin. `offset` is where its text begins in the utterance's own text, in characters."""

    scope: Scope
    text: str
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Utterance:
    """A message. `text` holds everything readable in it; the parts are slices of it. `group`: said in a group chat.

    What is live is judged by its `Context`, which says so as well; `group` is for messages read back.
    """

    msgid: str
    text: str
    sender: Sender = "customer"
    kind: str = "text"
    at: datetime | None = None
    parts: tuple[Part, ...] = ()
    group: bool = False

    @classmethod
    def typed(
        cls,
        text: str,
        *,
        msgid: str = "",
        sender: Sender = "customer",
        kind: str = "text",
        at: datetime | None = None,
    ) -> Utterance:
        """Read a text message: a reply that quotes another message is split into quote and typed parts."""
        return cls(msgid, text, sender, kind, at, split_quote(text))

    @classmethod
    def composed(
        cls,
        pieces: Iterable[tuple[Scope, str]],
        *,
        msgid: str = "",
        sender: Sender = "customer",
        kind: str = "mixed",
        at: datetime | None = None,
    ) -> Utterance:
        """Join pieces of different origin, one a line (a mixed message, a forwarded record, a link card)."""
        parts: list[Part] = []
        lines: list[str] = []
        offset = 0
        for scope, text in pieces:
            parts.append(Part(scope, text, offset))
            lines.append(text)
            offset += len(text) + 1
        return cls(msgid, "\n".join(lines), sender, kind, at, tuple(parts))


@dataclass(frozen=True, slots=True)
class Context:
    """What a rule's `when` and `unless` may ask about the customer. `hour`: local, 0-23; `group`: in a group chat."""

    tags: frozenset[str] = frozenset()
    stages: Mapping[str, str] = field(default_factory=dict)
    channel: str = ""
    hour: int | None = None
    fields: frozenset[str] = frozenset()
    profile: int = 100
    group: bool = False


NOWHERE = Context()
_IN_GROUP = Context(group=True)


def place_of(utterance: Utterance) -> Context:
    """The context of a message read back of which no more is known than whether it was said in a group."""
    return _IN_GROUP if utterance.group else NOWHERE


def split_quote(text: str) -> tuple[Part, ...]:
    """Split a reply into the quoted message and what was typed below it; without a quote all of it is typed."""
    matched = None
    if text.startswith("这是一条引用"):
        matched = _WECOM_QUOTE.match(text)
    elif text.startswith("「"):
        matched = _WECHAT_QUOTE.match(text)
    if matched is None:
        return (Part("typed", text),)
    quoted = Part("quote", matched["quote"], matched.start("quote"))
    return (quoted, Part("typed", text[matched.end() :], matched.end()))
