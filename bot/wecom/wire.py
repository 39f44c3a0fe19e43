"""Wire: the HTTP session to WeCom, with bounds on size and time of an answer, and no redirects; reads answers.

Between us and WeCom stand proxies, captive portals and load balancers, any of which may answer in its place.
"""

from __future__ import annotations

import json
import re
import time
import zlib
from collections.abc import Mapping
from typing import Any

import requests
from urllib3.exceptions import HTTPError
from wechatpy.exceptions import WeChatClientException

from bot.wecom.errors import REFUSED, WeComError
from bot.wecom.plain import clean, whole_number

LARGEST_ANSWER = 32 * 1024 * 1024
# Seconds, from the first byte asked to the last answered: a time-out of requests counts between bytes, so a slowly
# dripping answer would never end. An outbox row's lease is a little longer than this.
LONGEST_CALL = 15.0
# The request did not leave: any request may be repeated then.
_NOT_SENT = (requests.ConnectTimeout, requests.exceptions.InvalidURL, requests.exceptions.MissingSchema)
_PIECE = 64 * 1024
_TOO_LARGE = f"an answer of more than {LARGEST_ANSWER} bytes"
# How WeCom may pack an answer, and what zlib calls it; some servers send "deflate" without its frame.
_PACKED = {"gzip": (31,), "x-gzip": (31,), "deflate": (15, -15)}
# What a database or UTF-8 refuses; an answer is only cleaned where one of these may occur.
_ODD = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\\u(?:00[01]|007f|[dD][89a-fA-F])")


class BrokenAnswer(requests.RequestException):
    """An answer began and broke off, or was too large or too slow."""


class Wire(requests.Session):
    """A session that returns complete answers or raises RequestException."""

    longest_call = LONGEST_CALL

    def request(self, *args: Any, **kwargs: Any) -> requests.Response:
        """As in requests, but with bounds on size and time of the answer."""
        ends = time.monotonic() + self.longest_call
        self.headers["Accept-Encoding"] = "gzip, deflate"
        answer = super().request(*args, **{**kwargs, "stream": True})
        with answer:
            answer._content = _body(answer, ends)
            answer._content_consumed = True  # else closing the answer would close the connection
        return answer

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """None: WeCom does not redirect, and secrets and customers' names must not be sent elsewhere."""
        return None


def _body(answer: requests.Response, ends: float) -> bytes:
    whole_body = bytearray()
    try:
        while piece := answer.raw.read1(_PIECE, decode_content=False):
            whole_body += piece
            if len(whole_body) > LARGEST_ANSWER:
                raise BrokenAnswer(_TOO_LARGE)
            if time.monotonic() > ends:
                raise BrokenAnswer("an answer that does not come to its end")
    except (HTTPError, OSError, ValueError) as error:
        raise BrokenAnswer(type(error).__name__) from None
    return _inflated(bytes(whole_body), answer.headers.get("Content-Encoding", "").strip().lower())


def _inflated(body: bytes, encoding: str) -> bytes:
    """The body as it was before it was packed, once: never more of it in memory than an answer may have."""
    if encoding in ("", "identity") or not body:
        return body
    if encoding not in _PACKED:
        raise BrokenAnswer("an answer packed in a way nobody asked for")
    for window in _PACKED[encoding]:
        unpacker = zlib.decompressobj(window)
        try:
            found = unpacker.decompress(body, LARGEST_ANSWER + 1)
        except zlib.error:
            continue
        if len(found) > LARGEST_ANSWER:
            raise BrokenAnswer(_TOO_LARGE)
        if unpacker.eof:
            return found
    raise BrokenAnswer("an answer that does not unpack")


def read_answer(answer: requests.Response, api: str) -> dict[str, Any]:
    """The object that WeCom answered, with an integer errcode and text that every database stores.

    Raises WeComError for a failure that WeCom reports, and for an answer that is not WeCom's.
    """
    if 300 <= answer.status_code < 400:
        raise WeComError(None, f"HTTP {answer.status_code}, a redirect", REFUSED, api)
    found = _object(answer.content)
    if found is None:
        raise WeComError(None, f"HTTP {answer.status_code}, not a JSON object", api=api)
    errcode = whole_number(found.get("errcode", 0))
    if errcode is None:
        raise WeComError(None, "errcode is not a number", api=api)
    if errcode != 0:
        raise WeComError(errcode, found.get("errmsg", errcode), api=api)
    return {**found, "errcode": errcode}


def _object(body: bytes) -> dict[str, Any] | None:
    text = body.decode("utf-8-sig", "replace")
    try:
        found = json.loads(text, strict=False, parse_constant=lambda _: None)
        found = _storable(found) if _ODD.search(text) else found
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, Mapping):
        return {clean(name): _storable(one) for name, one in value.items()}
    return [_storable(one) for one in value] if isinstance(value, list) else value


def refusal(error: WeChatClientException, endpoint: str) -> WeComError:
    """The WeComError of an HTTP error status, the only thing wechatpy raises for here."""
    status = int(getattr(error.response, "status_code", 0))
    how = REFUSED if 400 <= status < 500 and status not in (408, 429) else None
    return WeComError(None, f"HTTP {status}", how, endpoint)


def never_left(error: requests.RequestException) -> bool:
    """Whether a failed call certainly did not reach WeCom."""
    return isinstance(error, _NOT_SENT) or "Failed to establish a new connection" in str(error)
