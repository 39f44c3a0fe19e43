"""Answers /cgi-bin/: rate limits, staged failures, token and rights, then the endpoint; every call is logged."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import replace
from email.utils import formatdate
from typing import Any

from flask import Blueprint, Response, current_app, request

from bot.sandbox import api
from bot.sandbox.api.tokens import check_token
from bot.sandbox.faults import Fault, take_fault
from bot.sandbox.replies import ENDPOINTS, Answer, Call, Download, Endpoint, RefusalError, UploadedFile
from bot.sandbox.state import Json, Sandbox

cgi_bin = Blueprint("cgi_bin", __name__, url_prefix="/cgi-bin")
ARCHIVE_REFUSES_IP = 301042
JSON_TYPE = "application/json; charset=UTF-8"
QUIET_SECRETS = ("corpsecret", "access_token")

assert api  # importing it registers the endpoints


class RateLimiter:
    """Counts calls per endpoint in fixed windows; a full window refuses calls until it is over."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[tuple[str, int], int] = {}

    def passes(self, found: Endpoint, now: float) -> bool:
        most, seconds = found.limit
        window = (found.path, int(now // seconds))
        with self._lock:
            count = self._counts.get(window, 0) + 1
            if count == 1:
                self._counts = {key: value for key, value in self._counts.items() if key[0] != found.path}
            self._counts[window] = count
        return count <= most


@cgi_bin.after_request
def date(reply: Response) -> Response:
    """Set the Date header to WeCom's clock, which a switch moves apart from ours."""
    sandbox: Sandbox = current_app.extensions["sandbox"]
    reply.headers["Date"] = formatdate(sandbox.now() + sandbox.switch("clock_seconds"), usegmt=True)
    return reply


@cgi_bin.route("/<path:path>", methods=["GET", "POST"])
def answer(path: str) -> Response:
    sandbox: Sandbox = current_app.extensions["sandbox"]
    found = ENDPOINTS.get(path)
    if found is None:
        return Response(status=404)
    call = Call(
        query=request.args.to_dict(),
        body={},
        now=sandbox.now(),
        raw=b"" if multipart() else request.get_data(),
        headers=dict(request.headers),
        upload=uploaded(),
    )
    fault = take_fault(sandbox, path)
    if fault.delay:
        time.sleep(fault.delay)
    if fault.cuts_before():
        return staged(sandbox, found, call, fault)
    reply = serve(sandbox, found, call, fault.errcode)
    return staged(sandbox, found, call, fault) if fault.after else reply


def multipart() -> bool:
    return (request.content_type or "").startswith("multipart/")


def uploaded() -> UploadedFile | None:
    """The file of a multipart body; any other Content-Type, or none, is taken for JSON, as WeCom does."""
    if not multipart():
        return None
    file = next(iter(request.files.values()), None)
    return UploadedFile(file.filename or "", file.read()) if file else None


def staged(sandbox: Sandbox, found: Endpoint, call: Call, fault: Fault) -> Response:
    """The answer of a staged failure: a bare HTTP status or a body that is not JSON."""
    log(sandbox, found, call, {"staged": fault.status or 200})
    return Response(fault.text, status=fault.status or 200, content_type="text/html")


def serve(sandbox: Sandbox, found: Endpoint, call: Call, errcode: int | None) -> Response:
    try:
        result = judge(sandbox, found, call, errcode)
    except RefusalError as refusal:
        result = refusal.reply(found.empty, request.remote_addr or "", call.now)
    if isinstance(result, Download):
        log(sandbox, found, call, {"errcode": 0, "bytes": len(result.content)})
        disposition = {"Content-Disposition": 'attachment; filename="file"'}
        return Response(result.content, headers=disposition, content_type="application/octet-stream")
    headers = result.pop("_headers", {})
    reply = {"errcode": 0, "errmsg": "ok", **result}
    log(sandbox, found, call, reply)
    return Response(json.dumps(reply, ensure_ascii=False), headers=headers, content_type=JSON_TYPE)


def judge(sandbox: Sandbox, found: Endpoint, call: Call, errcode: int | None) -> Answer:
    """What WeCom checks before an endpoint sees the call."""
    if errcode is not None:
        raise RefusalError(errcode)
    if sandbox.switch("limits") and not rate_limiter().passes(found, call.now):
        raise RefusalError(45009)
    if found.by:
        call = replace(call, kind=check_token(sandbox, call))
        if sandbox.switch("refuse_ip"):
            raise RefusalError(ARCHIVE_REFUSES_IP if found.path.startswith("message/getchat") else 60020)
        if call.kind not in found.by:
            raise RefusalError(48002)
    if request.method != found.method:
        raise RefusalError(40058, f"use {found.method}")
    if found.method == "POST" and call.upload is None and not found.path.startswith("media/"):
        call = replace(call, body=read_body(call.raw))
    return found.answer(sandbox, call)


def rate_limiter() -> RateLimiter:
    gate: RateLimiter = current_app.extensions["rate_limiter"]
    return gate


def read_body(raw: bytes) -> Json:
    """The JSON object of a POST; no body is an empty object, as WeCom takes it."""
    try:
        body = json.loads(raw or b"{}")
    except ValueError:
        raise RefusalError(40035, "the body is not JSON") from None
    if not isinstance(body, dict):
        raise RefusalError(40035, "the body is not an object")
    return body


def log(sandbox: Sandbox, found: Endpoint, call: Call, reply: Json) -> None:
    query = {name: value for name, value in call.query.items() if name not in QUIET_SECRETS}
    outcome: Json = {"errcode": reply.get("errcode")}
    for name in ("staged", "msgid", "errmsg", "invaliduser"):
        if reply.get(name):
            outcome[name] = reply[name]
    if isinstance(reply.get("chatdata"), list):
        outcome["rows"] = len(reply["chatdata"])
    sandbox.note("api", path=found.path, query=query, body=short(call.raw), **outcome)


def short(raw: bytes) -> Any:
    text = raw[:4096].decode(errors="replace")
    try:
        return json.loads(text) if text else None
    except ValueError:
        return text
