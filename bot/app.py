"""App: puts the Flask application together: configuration, pages, callback, command line."""

from __future__ import annotations

from pathlib import Path

from flask import Flask

from bot import cli
from bot.delivery.webhook_news import listen
from bot.platform.environment import read_environment
from bot.platform.log import hide, setup_logging
from bot.platform.signed_links import signing_key
from bot.system import System


def create_app(system: System | None = None, pages: bool = True) -> Flask:
    """The web application; `flask` finds it through wsgi.py. A System may be handed in by tests.

    Without `pages` it has its commands only, in half the time: a worker answers nobody.
    """
    setup_logging()
    system = system or System(read_environment())
    hide(*system.environment.secrets)
    listen()
    app = Flask("bot.web", root_path=str(Path(__file__).parent / "web"))
    app.config.update(
        SECRET_KEY=signing_key(system.environment.secret_key, system.environment.var),
        MAX_CONTENT_LENGTH=1024 * 1024,  # no form is larger; the callback sets a limit of its own
        MAX_FORM_MEMORY_SIZE=1024 * 1024,  # config.toml comes back in one field
    )
    app.url_map.merge_slashes = False  # a doubled slash would be answered with an address built from the Host header
    app.extensions["tici"] = system
    cli.register(app)
    if pages:
        from bot import web  # half of what there is to load

        web.register(app)
    return app
