"""Reads an archived message of any kind: from decrypted JSON to one frozen value; nothing is dropped."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias

from bot.wecom.errors import UnreadableMessageError
from bot.wecom.kinds import BodyContent, ContentPart, MediaRef, body_of, tell
from bot.wecom.plain import clean, items, mapping, read_object, whole_number

__all__ = [
    "ArchivedMessage",
    "ContentPart",
    "MediaRef",
    "Party",
    "UnreadableMessageError",
    "party_of",
    "read_message",
]

Party: TypeAlias = Literal["agent", "customer", "robot"]
_PREFIXES: dict[str, Party] = {"wm": "customer", "wo": "customer", "wb": "robot"}
_LONGEST_ID = 128
_LONGEST_PERSON = 64  # userids and external_userids; a longer value is not one
# Kinds whose body names a party or another message.
_CONSENT = {"agree": "agree", "disagree": "disagree"}
# A smaller number (before 1973 in milliseconds) is taken for seconds.
_SECONDS_BELOW = 100_000_000_000


@dataclass(frozen=True)
class ArchivedMessage:
    """One message of the archive.

    kind: msgtype ("switch" for a switch log). text: what the sender typed. content: all its text; the
    offsets of `parts` point into it. line: one line for people. sent_at: UTC. raw: the JSON as it came.
    revoked_msgid: the message that this one revokes. consent: "agree", "disagree" or "", since consent_at.
    """

    msgid: str
    action: str
    kind: str
    sender: str
    sender_party: Party
    recipients: tuple[str, ...]
    roomid: str
    sent_at: datetime
    text: str = field(repr=False)
    content: str = field(repr=False)
    parts: tuple[ContentPart, ...] = field(repr=False)
    line: str = field(repr=False)
    media: tuple[MediaRef, ...] = ()
    revoked_msgid: str = ""
    consent: str = ""
    consent_at: datetime | None = None
    raw: bytes = field(default=b"", repr=False)

    @property
    def external(self) -> bool:
        """Whether somebody from outside the company takes part."""
        return self.msgid.endswith("_external")


def party_of(person: str, members: Collection[str] = ()) -> Party:
    """The kind of person behind an id. `members`: casefolded userids, checked first: some begin with wm, wo, wb."""
    if person.casefold() in members:
        return "agent"
    return _PREFIXES.get(person[:2], "agent")


def read_message(plain: bytes, members: Collection[str] = (), msgid: str = "") -> ArchivedMessage:
    """Read the decrypted JSON of one message.

    msgid: that of its row, used where the JSON has none. Raises UnreadableMessageError (and nothing else) where id,
    sender or time are missing; everything else is cleaned or left empty.
    """
    message = read_object(plain)
    action = clean(message.get("action")) or "send"
    kind = "switch" if action == "switch" else clean(message.get("msgtype"))[:64]
    sender = _id(message.get("user") if action == "switch" else message.get("from"), _LONGEST_PERSON)
    if not sender:
        raise UnreadableMessageError("no sender")
    body, sent_at = body_of(kind, message), _instant(message)
    told = tell(kind, body)
    content, parts = _laid_out(told)
    return ArchivedMessage(
        msgid=_msgid(message, msgid),
        action=action[:32],
        kind=kind,
        sender=sender,
        sender_party=party_of(sender, members),
        recipients=_recipients(message),
        roomid=_id(message.get("roomid")),
        sent_at=sent_at,
        text="\n".join(part.text for part in parts if part.scope in ("typed", "mixed")),
        content=content,
        parts=parts,
        line=told.line,
        media=told.media,
        revoked_msgid=_id(mapping(body).get("pre_msgid")) if kind == "revoke" else "",
        consent=_CONSENT.get(kind, ""),
        consent_at=_decided(mapping(body), sent_at) if kind in _CONSENT else None,
        raw=plain,
    )


def _laid_out(told: BodyContent) -> tuple[str, tuple[ContentPart, ...]]:
    """The content, and its parts with their offsets."""
    if told.parts is not None:
        return told.content, told.parts
    parts, offset = [], 0
    for scope, text in told.pairs:
        parts.append(ContentPart(scope, text, offset))
        offset += len(text) + 1
    return "\n".join(part.text for part in parts), tuple(parts)


def _id(value: object, longest: int = _LONGEST_ID) -> str:
    text = clean(value).strip()
    return text if len(text) <= longest else ""


def _msgid(message: Mapping[str, Any], of_row: str) -> str:
    msgid = _id(message.get("msgid")) or _id(of_row)
    if not msgid:
        raise UnreadableMessageError("no msgid")
    return msgid


def _recipients(message: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(person for item in items(message.get("tolist")) if (person := _id(item, _LONGEST_PERSON)))


def _instant(message: Mapping[str, Any]) -> datetime:
    """When it was sent: msgtime in milliseconds; a switch log has `time`, in seconds if the number is that small."""
    stamp = whole_number(message.get("msgtime"))
    stamp = whole_number(message.get("time")) if stamp is None else stamp
    if stamp is None or stamp <= 0:
        raise UnreadableMessageError("no msgtime")
    try:
        return _moment(stamp)
    except (ValueError, OverflowError, OSError):
        raise UnreadableMessageError("msgtime out of range") from None


def _moment(stamp: int) -> datetime:
    return datetime.fromtimestamp(stamp / (1 if stamp < _SECONDS_BELOW else 1000), UTC)


def _decided(body: Mapping[str, Any], sent_at: datetime) -> datetime:
    """When the customer agreed or refused: the time in the body (agree_time in both cases, by older documents), since
    the message itself is archived later."""
    stamp = whole_number(body.get("agree_time")) or whole_number(body.get("disagree_time"))
    try:
        return min(_moment(stamp), sent_at) if stamp and stamp > 0 else sent_at
    except (ValueError, OverflowError, OSError):
        return sent_at
