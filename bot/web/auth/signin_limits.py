"""Limits on failed sign-ins: counted by name and by address, in Redis, or in this process while it is away.

A try is counted before the password is looked at, so that many at once are no way around the limit; one that was
right is taken off again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from ipaddress import ip_address
from typing import Any

from flask import Flask, g, request
from flask_limiter import Limiter

from bot.system import System

BY_NAME = "10 per 15 minutes"
BY_ADDRESS = "30 per 15 minutes"
BY_WECOM = "100 per 15 minutes"  # a whole office may come from one address
_TIMES = {"socket_timeout": 1, "socket_connect_timeout": 1}


def prepare(app: Flask, system: System) -> None:
    """Limit the two addresses at which people sign in; call it once the pages are registered."""
    url = system.known_redis_url
    limiter = Limiter(
        address,
        app=app,
        storage_uri=url or "memory://",
        storage_options=dict(_TIMES) if url else {},
        in_memory_fallback_enabled=True,
        swallow_errors=True,
        key_prefix="tici:tries",
    )
    limited = ((BY_NAME, _name, "signin.by_password"), (BY_ADDRESS, address, "signin.by_password"),
               (BY_WECOM, address, "signin.come_back"))  # fmt: skip
    for limit, key, endpoint in limited:
        view: Any = limiter.limit(limit, key_func=key)(_taking_off(limiter, app.view_functions[endpoint]))
        app.view_functions[endpoint] = view


def address() -> str:
    """Whose request this is: believed from a reverse proxy on this machine, else the peer's own address."""
    near = request.remote_addr or ""
    told = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
    try:
        return str(ip_address(told)) if told and ip_address(near).is_loopback else near
    except ValueError:
        return near


def _name() -> str:
    """Hashed: what people mistype into the field for the name may be their password."""
    given = request.form.get("name", "").strip().casefold()
    return hashlib.sha256(given.encode(errors="replace")).hexdigest()[:32]


def _taking_off(limiter: Limiter, view: Callable[..., Any]) -> Callable[..., Any]:
    """The view, after whose success this try is not counted any more; a refusal is raised by it."""

    @wraps(view)
    def tried(**values: Any) -> Any:
        counted = list(limiter.current_limits)
        answer = view(**values)
        for one in counted:
            if one.key not in g.setdefault("tries_taken_off", set()):
                g.tries_taken_off.add(one.key)
                with suppress(Exception):  # an uncounted success is not worth an error page
                    limiter.limiter.storage.incr(one.key, one.limit.get_expiry(), -1)
        return answer

    return tried
