"""Puts the Flask app together: configuration, pages, callback, command line."""

from __future__ import annotations

import hashlib
import secrets
from pathlib import Path

from flask import Flask

from bot import cli, web
from bot.environment import read_environment
from bot.log import setup_logging
from bot.system import System


def create_app(system: System | None = None) -> Flask:
    """The web application; `flask` finds it through wsgi.py. A System may be handed in by tests."""
    setup_logging()
    system = system or System(read_environment())
    app = Flask("bot.web", root_path=str(Path(__file__).parent / "web"))
    app.config.update(
        SECRET_KEY=_session_key(system),
        MAX_CONTENT_LENGTH=1024 * 1024,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=system.environment.base_url.startswith("https://"),
    )
    app.extensions["tici"] = system
    web.register(app)
    cli.register(app)
    return app


def _session_key(system: System) -> bytes:
    """The key that signs sessions and links: TICI_SECRET_KEY, else one made once and kept under var/."""
    given = system.environment.secret_key
    if given:
        return hashlib.sha256(b"tici session" + given.encode()).digest()
    path = system.environment.var / "secret.key"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(f".{secrets.token_hex(4)}")
        fresh.touch(mode=0o600)
        fresh.write_bytes(secrets.token_bytes(32))
        try:
            path.hardlink_to(fresh)  # several processes may start at once: the first key stays
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return path.read_bytes()
