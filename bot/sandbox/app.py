"""The sandbox as a Flask application: WeCom's API, the remote control, the login pages and the page to play on."""

from __future__ import annotations

from pathlib import Path

from flask import Flask
from jinja2 import ChainableUndefined

from bot.sandbox.api.dispatch import RateLimiter, cgi_bin
from bot.sandbox.bridge import bridge
from bot.sandbox.callbacks import Courier
from bot.sandbox.company import seed
from bot.sandbox.control_routes import control
from bot.sandbox.guard import add_headers, check_origin
from bot.sandbox.login_pages import login_pages
from bot.sandbox.page import page
from bot.sandbox.state import open_sandbox

LARGEST_REQUEST = 64 * 1024 * 1024


def create_sandbox(
    folder: Path,
    callback_url: str | None,
    archive_callback_url: str | None = None,
    board_url: str | None = None,
    seeded: bool = True,
) -> Flask:
    """A WeCom whose state lives in `folder`; starts the courier threads, which deliver waiting callbacks.

    `app.extensions["courier"].stop()` ends them; being daemons they also end with the process.
    """
    sandbox = open_sandbox(folder, callback_url, archive_callback_url, board_url)
    if seeded:
        seed(sandbox)
    app = Flask(__name__, static_folder="static", static_url_path="/static", template_folder="templates")
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_REQUEST
    app.jinja_env.undefined = ChainableUndefined  # a card holds whatever its sender put in
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.extensions["sandbox"] = sandbox
    app.extensions["rate_limiter"] = RateLimiter()
    app.extensions["courier"] = Courier(sandbox)
    app.before_request(check_origin)
    app.after_request(add_headers)
    app.register_blueprint(cgi_bin)
    app.register_blueprint(control)
    app.register_blueprint(login_pages)
    app.register_blueprint(page)
    app.register_blueprint(bridge)
    app.extensions["courier"].start()
    return app
