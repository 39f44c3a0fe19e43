"""Limits on failed sign-ins and on the API: counted in Redis, or in this process while it is away.

A try is counted before the password is looked at, so that many at once are no way around the limit; one that was
right is taken off again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from typing import Any

from flask import Flask, g, request
from flask_limiter import Limiter

from bot.platform import clock
from bot.system import System
from bot.web.auth import sessions
from bot.web.auth.visitor import visitor_or_none
from bot.web.layout.requests import address

BY_NAME = "10 per 15 minutes"
BY_ADDRESS = "30 per 15 minutes"
BY_CALLER = "120 per minute"  # requests of one token to the API
BY_WECOM = "100 per 15 minutes"  # a whole office may come from one address
_TIMES = {"socket_timeout": 1, "socket_connect_timeout": 1}


def prepare(app: Flask, system: System) -> None:
    """Limit the addresses at which people show who they are; call it once the pages are registered."""
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
    limited = (
        (BY_NAME, _name, "signin.by_password"),
        (BY_ADDRESS, address, "signin.by_password"),
        (BY_WECOM, address, "signin.come_back"),
        (BY_NAME, _half, "signin.by_code"),
        (BY_ADDRESS, address, "signin.by_code"),
        (BY_NAME, _account, "proof.prove"),
        (BY_ADDRESS, address, "proof.prove"),
        (BY_NAME, _account, "second_factor.confirm"),
    )
    for limit, key, endpoint in limited:
        view: Any = limiter.limit(limit, key_func=key)(_taking_off(limiter, app.view_functions[endpoint]))
        app.view_functions[endpoint] = view
    of_api = limiter.shared_limit(BY_CALLER, scope="api", key_func=_token)  # one count for all addresses of the API
    for endpoint in [name for name in app.view_functions if name.startswith("api.")]:
        called: Any = of_api(app.view_functions[endpoint])
        app.view_functions[endpoint] = called


def _name() -> str:
    """Hashed: what people mistype into the field for the name may be their password."""
    given = request.form.get("name", "").strip().casefold()
    return hashlib.sha256(given.encode(errors="replace")).hexdigest()[:32]


def _account() -> str:
    """Whose password is tried by somebody who is signed in already."""
    who = visitor_or_none()
    return f"account:{who.account_id}" if who is not None else address()


def _token() -> str:
    """Which token asks; hashed, for Redis keeps the key."""
    return f"token:{hashlib.sha256(request.headers.get('Authorization', '').encode()).hexdigest()[:32]}"


def _half() -> str:
    """Whose code is tried, after the right password."""
    begun = sessions.half(clock.now())
    return f"account:{begun.account_id}" if begun is not None else address()


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
