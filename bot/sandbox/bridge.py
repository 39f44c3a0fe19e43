"""JS-SDK of WeCom's client: checks its signature, tells whose chat it is, sends into it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from urllib.parse import quote, urlsplit

from flask import Blueprint, Response, current_app, jsonify, request

from bot.sandbox import people
from bot.sandbox.api.tokens import tickets_in_force
from bot.sandbox.corp import APP_ID
from bot.sandbox.faults import take_fault
from bot.sandbox.inbox import followed
from bot.sandbox.people import ImpossibleError
from bot.sandbox.state import Json, Sandbox

bridge = Blueprint("bridge", __name__)
NO_PERMISSION, NO_CONTACT = "fail no permission", "fail without context of external contact"


class RefusedError(Exception):
    """The client refuses a call; the text is what follows the name in errMsg."""


def sidebar_address(sandbox: Sandbox, userid: str) -> str:
    """The address that the chat's toolbar opens; empty where the sandbox has no board URL."""
    board = urlsplit(sandbox.board_url or "")
    return f"{board.scheme}://{board.netloc}/sidebar?agent={quote(userid)}" if board.netloc else ""


def call(sandbox: Sandbox, given: Json) -> Json:
    """One call of the page's JS-SDK. Given: name, params, url (the page's), userid and external_userid or chat_id."""
    name, params = str(given.get("name", "")), dict(given.get("params") or {})
    try:
        if fault := take_fault(sandbox, f"jssdk/{name}").text:
            raise RefusedError(fault)
        found = CALLS.get(name)
        if found is None:
            raise RefusedError("fail function not exist")
        if name not in ("agentConfig", "preVerifyJSAPI"):
            check_signature(sandbox, given, "agent", "verifyTimestamp", "verifyNonceStr", "verifySignature")
        result = found(sandbox, given, params)
        outcome = "ok"
    except RefusedError as refused:
        result, outcome = {}, str(refused)
    sandbox.note("jssdk", name=name, userid=given.get("userid"), outcome=outcome)
    return {**result, "err_msg": f"{name}:{outcome}"}


def check_signature(sandbox: Sandbox, given: Json, kind: str, *names: str) -> None:
    """The page must be signed with the ticket in force, for its own address."""
    params = dict(given.get("params") or {})
    timestamp, nonce, signature = (str(params.get(name, "")) for name in names)
    page = str(given.get("url", "")).partition("#")[0]
    for value in tickets_in_force(sandbox, kind):
        text = f"jsapi_ticket={value}&noncestr={nonce}&timestamp={timestamp}&url={page}"
        wanted = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
        if hmac.compare_digest(wanted.encode(), signature.encode()):
            return
    raise RefusedError("fail 40093 invalid signature")


def agent_config(sandbox: Sandbox, given: Json, params: Json) -> Json:
    if params.get("corpid") != sandbox.corp.corp_id or str(params.get("agentid")) != str(APP_ID):
        raise RefusedError(NO_PERMISSION)
    check_signature(sandbox, given, "agent", "timestamp", "nonceStr", "signature")
    return {}


def corp_config(sandbox: Sandbox, given: Json, _params: Json) -> Json:
    check_signature(sandbox, given, "corp", "verifyTimestamp", "verifyNonceStr", "verifySignature")
    return {}


def context(_sandbox: Sandbox, given: Json, _params: Json) -> Json:
    if given.get("chat_id"):
        return {"entry": "group_chat_tools"}
    return {"entry": "single_chat_tools" if given.get("external_userid") else "normal"}


def contact(_sandbox: Sandbox, given: Json, _params: Json) -> Json:
    if not given.get("external_userid"):
        raise RefusedError(NO_CONTACT)
    return {"userId": given["external_userid"]}


def chat(_sandbox: Sandbox, given: Json, _params: Json) -> Json:
    if not given.get("chat_id"):
        raise RefusedError(NO_CONTACT)
    return {"chatId": given["chat_id"]}


def send(sandbox: Sandbox, given: Json, params: Json) -> Json:
    """Send into the chat as if the agent had typed it, and so into the archive."""
    kind = str(params.get("msgtype", ""))
    make = BODIES.get(kind)
    if make is None or not given.get("external_userid"):
        raise RefusedError(NO_CONTACT if make else "fail invalid msgtype")
    msgtype, body = make(sandbox, dict(params.get(kind) or {}))
    said = {"from": given.get("userid"), "to": given["external_userid"], "msgtype": msgtype, "body": body}
    try:
        people.say(sandbox, said)
    except ImpossibleError as error:
        raise RefusedError(f"fail {error}") from None
    return {}


def open_chat(sandbox: Sandbox, given: Json, params: Json) -> Json:
    """Open a chat with the agent's own customers; it is noted which."""
    wanted = [one for one in str(params.get("externalUserIds", "")).split(";") if one]
    theirs = {external for external, _name in followed(sandbox, str(given.get("userid", "")))}
    if not wanted or not theirs.issuperset(wanted):
        raise RefusedError(NO_PERMISSION)
    sandbox.note("chat_opened", userid=given.get("userid"), customers=wanted)
    return {}


def text_body(_sandbox: Sandbox, given: Json) -> tuple[str, Json]:
    return "text", {"content": str(given.get("content", ""))}


def link_body(_sandbox: Sandbox, given: Json) -> tuple[str, Json]:
    return "link", {
        "title": str(given.get("title", "")),
        "description": str(given.get("desc", "")),
        "link_url": str(given.get("link", "")),
        "image_url": str(given.get("imgUrl", "")),
    }


def weapp_body(_sandbox: Sandbox, given: Json) -> tuple[str, Json]:
    if not str(given.get("imgUrl", "")).startswith(("http://", "https://")):
        raise RefusedError("fail invalid imgUrl")
    return "weapp", {"title": str(given.get("title", "")), "username": str(given.get("appid", ""))}


def media_body(kind: str) -> Callable[[Sandbox, Json], tuple[str, Json]]:
    def make(sandbox: Sandbox, given: Json) -> tuple[str, Json]:
        row = sandbox.ledger.one("SELECT * FROM media WHERE media_id = ?", str(given.get("mediaid", "")))
        if row is None:
            raise RefusedError("fail 40007 invalid media_id")
        return kind, {"content_base64": base64.b64encode(row["content"]).decode(), "filename": row["filename"]}

    return make


BODIES: dict[str, Callable[[Sandbox, Json], tuple[str, Json]]] = {
    "text": text_body,
    "news": link_body,
    "miniprogram": weapp_body,
    "image": media_body("image"),
    "file": media_body("file"),
}
CALLS: dict[str, Callable[[Sandbox, Json, Json], Json]] = {
    "agentConfig": agent_config,
    "preVerifyJSAPI": corp_config,
    "getContext": context,
    "getCurExternalContact": contact,
    "getCurExternalChat": chat,
    "openEnterpriseChat": open_chat,
    "sendChatMessage": send,
}


@bridge.post("/page/bridge")
def ask() -> tuple[Response, int] | Response:
    """Called by the page around the sidebar's frame."""
    sandbox: Sandbox = current_app.extensions["sandbox"]
    try:
        given = json.loads(request.get_data() or b"null")
    except ValueError:
        given = None
    if not isinstance(given, dict):
        return jsonify(error="请求体应是一个 JSON 对象"), 400
    return jsonify(call(sandbox, given))
