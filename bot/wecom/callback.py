"""Reads a callback from WeCom: verified, decrypted and parsed into one value, or refused with a status."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypeAlias
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from bot.wecom.errors import BadCallbackError, StaleCallbackError
from bot.wecom.sealing import CallbackKeys, Signed, seal, sealed_argument, sign, unseal

__all__ = [
    "BadCallbackError", "Callback", "CallbackKeys", "StaleCallbackError", "open_callback", "reopen", "seal", "sign",
    "verify_url",
]  # fmt: skip

LARGEST_BODY = 64 * 1024
# WeCom comes again within a minute or so where it got no answer, each time under a fresh timestamp, with the same
# CreateTime inside. What is older than this was recorded and is sent again by somebody else.
WINDOW = timedelta(minutes=10)
_ECHO = re.compile(rb"[A-Za-z0-9_+/=-]{1,64}")  # WeCom's own is a number of 19 digits
_DEEPEST = 8

Fields: TypeAlias = "Mapping[str, str | Fields | tuple[str | Fields, ...]]"


@dataclass(frozen=True)
class Callback:
    """One authentic callback.

    name: Event for events, else MsgType ("text", "image", ...). change_type: ChangeType or "".
    fields: the XML's children; a child that occurs several times is a tuple, one with children a mapping.
    digest: sha1 of the plain XML; a retry has the same, so duplicates are recognised by it.
    """

    name: str
    change_type: str
    kind: str
    fields: Fields = field(repr=False)
    digest: str
    created_at: datetime
    raw_xml: str = field(repr=False)


def verify_url(keys: CallbackKeys, args: Mapping[str, str], now: datetime | None = None) -> bytes:
    """The exact bytes to answer to the console's GET. Raises BadCallbackError only.

    Only a short word is answered. GET and POST are signed alike: anything else would let whoever recorded a POST
    have it decrypted here. now: with it, an old timestamp is refused.
    """
    signed, echo = Signed.read(args), sealed_argument(args)
    # A "+" that was not percent-encoded arrives as a space.
    sealed = next((one for one in (echo, echo.replace(" ", "+")) if signed.fits(keys, one)), None)
    if sealed is None:
        raise BadCallbackError(403, "bad signature")
    if now is not None:
        _refuse_old(_instant(signed.timestamp), now, WINDOW, "timestamp")
    plain = unseal(keys, sealed)
    if not _ECHO.fullmatch(plain):
        raise BadCallbackError(400, "not an echo")
    return plain


def open_callback(
    keys: CallbackKeys,
    args: Mapping[str, str],
    body: bytes,
    now: datetime,
    window: timedelta | None = WINDOW,
) -> Callback:
    """Verify, decrypt and read a POST. Raises BadCallbackError only.

    413 too large; 403 not authentic, for another corp, or stale (timestamp or CreateTime further than `window` from
    `now`; None switches that off); 400 malformed.
    """
    if len(body) > LARGEST_BODY:
        raise BadCallbackError(413, "body too large")
    signed, sealed = Signed.read(args), _sealed(body)
    if not signed.fits(keys, sealed):
        raise BadCallbackError(403, "bad signature")
    callback = _read(unseal(keys, sealed), signed.timestamp)
    if window is not None:
        _refuse_old(_instant(signed.timestamp), now, window, "timestamp")
        _refuse_old(callback.created_at, now, window, "CreateTime")
    return callback


def _refuse_old(at: datetime, now: datetime, window: timedelta, name: str) -> None:
    if abs(now - at) > window:
        raise StaleCallbackError(403, f"stale {name}")


def reopen(raw_xml: str) -> Callback:
    """Parse the plain XML of a callback that was verified and stored before. Raises BadCallbackError only."""
    return _read(raw_xml.encode(), "0")


def _sealed(body: bytes) -> str:
    """The Encrypt field of the envelope, which is XML or the equivalent JSON."""
    text = _utf8(body)
    found = _from_json(text) if text.lstrip()[:1] == "{" else _from_xml(text)
    if len(found) != 1 or not isinstance(found[0], str) or not found[0].strip() or not found[0].isascii():
        raise BadCallbackError(400, "the envelope must hold exactly one Encrypt")
    return found[0].strip()


def _from_xml(text: str) -> list[object]:
    envelope = _parse(text)
    if any(len(child) for child in envelope):
        raise BadCallbackError(400, "nested envelope")
    return [child.text for child in envelope if child.tag == "Encrypt"]


def _from_json(text: str) -> list[object]:
    try:
        pairs = json.loads(text, object_pairs_hook=list)
    except (ValueError, RecursionError):
        raise BadCallbackError(400, "not JSON") from None
    return [value for name, value in pairs if name == "encrypt"]


def _read(message: bytes, stamp: str) -> Callback:
    text = _utf8(message)
    fields = _children(_parse(text), 1)
    kind = _text(fields, "MsgType")
    if not kind:
        raise BadCallbackError(400, "no MsgType")
    return Callback(
        name=_text(fields, "Event") if kind == "event" else kind,
        change_type=_text(fields, "ChangeType"),
        kind=kind,
        fields=fields,
        digest=hashlib.sha1(message, usedforsecurity=False).hexdigest(),
        created_at=_instant(_text(fields, "CreateTime") or stamp),
        raw_xml=text,
    )


def _text(fields: Fields, name: str) -> str:
    value = fields.get(name, "")
    return value if isinstance(value, str) else ""


def _utf8(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise BadCallbackError(400, "not UTF-8") from None


def _parse(text: str) -> Element:
    try:
        root: Element = fromstring(text, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError):
        raise BadCallbackError(400, "not XML, or XML with a DOCTYPE") from None
    if root.tag != "xml":
        raise BadCallbackError(400, "root is not <xml>")
    return root


def _children(parent: Element, depth: int) -> Fields:
    if depth > _DEEPEST:
        raise BadCallbackError(400, "nested too deep")
    found: dict[str, list[str | Fields]] = {}
    for child in parent:
        value = _children(child, depth + 1) if len(child) else (child.text or "").strip()
        found.setdefault(child.tag, []).append(value)
    return {tag: values[0] if len(values) == 1 else tuple(values) for tag, values in found.items()}


def _instant(seconds: str) -> datetime:
    try:
        return datetime.fromtimestamp(int(seconds[:20]), UTC)
    except (ValueError, OverflowError, OSError):
        raise BadCallbackError(400, "CreateTime is not a time") from None
