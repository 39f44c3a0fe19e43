"""Restricts the sandbox to this machine and its own pages: no other host, no foreign web page, no inline script."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

from flask import Response, abort, current_app, request

from bot.sandbox.state import Sandbox

NAMES = {"localhost", "127.0.0.1", "::1"}


def check_origin() -> None:
    """Refuse requests not from loopback, not for a loopback host name, or made by another site's page."""
    try:
        near = ip_address(request.remote_addr or "").is_loopback
    except ValueError:
        near = False
    host = urlsplit(f"//{request.host}").hostname
    origin = request.headers.get("Origin")
    own = origin is None or origin == f"http://{request.host}"
    if not near or host not in NAMES or not (own or request.method in ("GET", "HEAD")):
        abort(403)


def add_headers(response: Response) -> Response:
    sandbox: Sandbox = current_app.extensions["sandbox"]
    board = urlsplit(sandbox.board_url or "")
    frames = f"{board.scheme}://{board.netloc}" if board.netloc else "'none'"
    response.headers["Content-Security-Policy"] = (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        f"frame-src {frames}; form-action 'self'; base-uri 'none'; frame-ancestors 'self'"
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers.setdefault("Cache-Control", "no-store")
    return response
