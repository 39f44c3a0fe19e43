"""Passive replies: the messages with which Tici may answer a callback, checked as WeCom checks them."""

from __future__ import annotations

import json
import secrets
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from bot.sandbox.sealing import CallbackSeal, SealBrokenError
from bot.sandbox.state import Sandbox


def take_reply(sandbox: Sandbox, seal: CallbackSeal, answer: bytes) -> str:
    """`ok` for an empty answer or a valid reply (a text appears in the member's app chat), else the flaw."""
    if not answer.strip():
        return "ok"
    try:
        outer = fromstring(answer)
        cipher_text = field(outer, "Encrypt")
        if not cipher_text:
            return "200 with an unexpected body"
        signed = (field(outer, "MsgSignature"), field(outer, "TimeStamp"), field(outer, "Nonce"), cipher_text)
        if not seal.verify(*signed):
            return "passive reply with a bad signature"
        inner = fromstring(seal.decrypt(cipher_text))
    except (ParseError, DefusedXmlException):
        return "200 with an unexpected body"
    except SealBrokenError as error:
        return f"passive reply: {error}"
    if field(inner, "FromUserName") != sandbox.corp.corp_id:
        return "passive reply from somebody else"
    if field(inner, "MsgType") == "text":
        show(sandbox, field(inner, "ToUserName"), field(inner, "Content"))
    return "ok"


def field(element: Element, name: str) -> str:
    return element.findtext(name) or ""


def show(sandbox: Sandbox, userid: str, content: str) -> None:
    msgid = secrets.token_urlsafe(24)
    with sandbox.ledger.transaction():
        sandbox.ledger.run(
            "INSERT INTO inbox (msgid, userid, msgtype, body, created_at) VALUES (?, ?, 'text', ?, ?)",
            msgid,
            userid,
            json.dumps({"content": content}),
            sandbox.now(),
        )
        sandbox.note("message", msgid=msgid, userid=userid, msgtype="text", text={"content": content}, passive=True)
