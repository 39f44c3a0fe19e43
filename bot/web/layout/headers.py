"""Security headers of every answer: no foreign code, no framing by others, no cached copies of personal data."""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from flask import Flask, Response, request, url_for

_STATIC = Path(__file__).parents[1] / "static"
_POLICY = (
    "default-src 'self'",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
)
_FRAMED_BY = "frame-ancestors 'self'"
_FRAMED_IN_DEMO = f"{_FRAMED_BY} http://127.0.0.1:* http://localhost:*"  # the sandbox shows the board in a frame
_YEAR = 365 * 86400


def prepare(app: Flask, *, demo: bool, secure: bool = False, subdomains: bool = False) -> None:
    """Set the headers on all answers and give templates `asset(name)`."""
    transport = f"max-age={_YEAR}" + ("; includeSubDomains" if subdomains else "")
    policy = "; ".join((*_POLICY, _FRAMED_IN_DEMO if demo else _FRAMED_BY))

    def protect(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = policy
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "same-origin"  # "no-referrer" would hide our own forms' origin as well
        response.headers["Permissions-Policy"] = "camera=(), microphone=(), geolocation=(), payment=(), usb=()"
        response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
        response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
        if secure:
            response.headers["Strict-Transport-Security"] = transport
        if request.endpoint != "static":
            response.headers["Cache-Control"] = "no-store"
        elif "v" in request.args and response.status_code == 200:
            response.headers["Cache-Control"] = f"public, max-age={_YEAR}, immutable"
        return response

    app.after_request(protect)
    app.add_template_global(asset, "asset")  # a global, so that imported macros see it too


def asset(name: str) -> str:
    """The address of a static file, with its hash so that a browser may keep it for good."""
    return url_for("static", filename=name, v=_hash(name))


@lru_cache
def _hash(name: str) -> str:
    return sha256((_STATIC / name).read_bytes()).hexdigest()[:12]
