"""Sent attachments: what a message carries besides its words, as proof that an attachment was sent."""

from __future__ import annotations

import re

from bot.platform.message_links import peek_mass_link
from bot.platform.signed_links import peek_link
from bot.wecom.errors import UnreadableMessageError
from bot.wecom.messages import ArchivedMessage
from bot.wecom.plain import clean, mapping, read_object
from sop.proofs import SentContent

_URL = re.compile(r"https?://[^\s<>\"'，。；！？、）】」]+")
_ENDS = ".,;!?)]}"  # what a sentence puts after an address


def sending_of(message: ArchivedMessage) -> SentContent:
    """The addresses, md5s and appids in a message, and what its tracked links stand for, which only Tici makes."""
    urls = {url.rstrip(_ENDS) for url in _URL.findall(message.text)}
    appids = set()
    if message.kind in ("link", "weapp"):
        body = _body(message)
        urls |= {clean(body.get("link_url"))} - {""}
        appids = {clean(body.get("appid"))} - {""}
    opened = {found for url in urls if (found := peek_link(url) or peek_mass_link(url)) is not None}
    md5s = {media.md5.lower() for media in message.media if media.md5}
    return SentContent(frozenset(urls), frozenset(md5s), frozenset(appids), frozenset(opened))


def _body(message: ArchivedMessage) -> dict[str, object]:
    try:
        return dict(mapping(read_object(message.raw).get(message.kind)))
    except UnreadableMessageError:
        return {}
