"""Heard: what of an archived message its sender really said, without WeCom's own lines and without mentions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy.orm import Session

from bot.platform.database.group_names import names_in
from bot.wecom.messages import ArchivedMessage
from taggers.nobody import HIDDEN, is_nobodys, may_introduce, may_mention, without_mentions
from taggers.utterance import Utterance

NOBODY = "none"
"""The role of a message that nobody said: it tags, answers, stops and counts nothing."""


@dataclass(frozen=True)
class Surroundings:
    """What is known about a batch before it is read.

    names: what members are called, by roomid. greeted: pairs between whom WeCom itself wrote a greeting just now.
    """

    names: dict[str, tuple[str, ...]] = field(default_factory=dict)
    greeted: frozenset[frozenset[str]] = frozenset()


def look_around(session: Session, messages: Sequence[ArchivedMessage]) -> Surroundings:
    """Read who may be mentioned; nothing is asked of the database where nobody is."""
    rooms = {one.roomid for one in messages if one.roomid and one.kind == "text" and may_mention(one.text)}
    greeted = frozenset(
        frozenset((one.sender, *one.recipients))
        for one in messages
        if one.kind == "text" and not one.roomid and is_nobodys(one.text)
    )
    return Surroundings(names_in(session, rooms) if rooms else {}, greeted)


def utterance_heard(utterance: Utterance, source: ArchivedMessage, around: Surroundings) -> Utterance:
    """The message as the rules hear it: in a group without the mentions, every place as it was."""
    if not source.roomid or not may_mention(utterance.text) or source.kind != "text":
        return utterance
    names = around.names.get(source.roomid, ())
    parts = tuple(
        replace(part, text=without_mentions(part.text, names)) if part.scope == "typed" else part
        for part in utterance.parts
    )
    text = utterance.text
    for part in parts:
        text = text[: part.offset] + part.text + text[part.offset + len(part.text) :]
    return replace(utterance, text=text, parts=parts)


def nobody_said(utterance: Utterance, source: ArchivedMessage, names: Iterable[str], around: Surroundings) -> bool:
    """Whether WeCom wrote this text, or it is nothing but mentions. names: what the sender is called."""
    if source.kind != "text" or source.action != "send" or not source.text.strip():
        return False
    if source.roomid:
        return is_nobodys(source.text) or not any(part.text.strip(HIDDEN + " \n\u2005") for part in utterance.parts)
    called = [name for name in names if name]
    if is_nobodys(source.text, called):
        return True
    pair = frozenset((source.sender, *source.recipients))
    return not called and may_introduce(source.text) and pair in around.greeted
