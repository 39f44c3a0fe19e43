"""Compression of static files: each is packed once per process, since its address changes with its content."""

from __future__ import annotations

import gzip
from functools import lru_cache
from pathlib import Path

from flask import Flask, Response, request

_STATIC = Path(__file__).parents[1] / "static"
_WORTH = frozenset({"text/css", "text/javascript", "application/javascript", "image/svg+xml", "application/json"})
_LEAST = 600  # bytes; below that the extra headers cost more than is saved


def prepare(app: Flask) -> None:
    """Compress the answers of the static files. Pages are not compressed: they hold the CSRF token beside
    text that strangers can choose, and the length of the answer would betray the token (BREACH)."""
    app.after_request(_pack)


def _pack(response: Response) -> Response:
    if request.endpoint != "static" or response.status_code != 200 or response.mimetype not in _WORTH:
        return response
    response.vary.add("Accept-Encoding")
    name = (request.view_args or {}).get("filename", "")
    if request.accept_encodings["gzip"] <= 0 or (response.content_length or 0) < _LEAST:
        return response
    packed = _packed(name, (_STATIC / name).stat().st_mtime_ns)
    etag, _weak = response.get_etag()
    response.direct_passthrough = False
    if request.method == "GET":
        opened = response.response
        response.set_data(packed)
        if hasattr(opened, "close"):
            opened.close()
    response.headers["Content-Encoding"] = "gzip"
    response.headers["Content-Length"] = str(len(packed))
    if etag is not None:
        response.set_etag(etag, weak=True)  # the same content, not the same bytes
    return response


@lru_cache(maxsize=256)
def _packed(name: str, _changed: int) -> bytes:
    return gzip.compress((_STATIC / name).read_bytes(), 9, mtime=0)
