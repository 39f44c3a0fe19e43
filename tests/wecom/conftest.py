"""Fixtures of the WeCom tests: recorded samples, a sandbox on loopback, a real Redis."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from redis import Redis
from werkzeug.serving import make_server

from bot.platform.valkey import ensure_valkey, stop_valkey
from bot.sandbox.app import create_sandbox
from bot.sandbox.control import SandboxControl
from bot.sandbox.corp import prepare
from bot.wecom.api import WeComClient
from bot.wecom.connection import Credentials


@pytest.fixture(scope="session")
def recorded(shared: Path) -> Path:
    """The folder of recorded callbacks, messages and vectors."""
    return shared / "wecom" / "fixtures"


@dataclass(frozen=True)
class Company:
    """A sandbox on loopback: its remote control, its credentials, and clients for it."""

    control: SandboxControl
    environment: dict[str, str]

    def client(self, redis: Redis | None = None, **changes: Any) -> WeComClient:
        env = self.environment
        given: dict[str, Any] = {"api_url": env["WECOM_API_URL"]} | changes
        secret, purpose = given.pop("secret", env["WECOM_APP_SECRET"]), given.pop("purpose", "")
        credentials = Credentials(env["WECOM_CORP_ID"], secret, int(env["WECOM_APP_ID"]), purpose)
        return WeComClient(credentials, redis=redis, **given)

    def archive_client(self, redis: Redis | None = None) -> WeComClient:
        return self.client(redis, secret=self.environment["WECOM_ARCHIVE_SECRET"], purpose="archive")

    def calls(self, path: str) -> list[dict[str, Any]]:
        """The calls of one API so far."""
        return [effect for effect in self.control.effects(0, "api") if effect["path"] == path]


@pytest.fixture
def company(tmp_path: Path) -> Iterator[Company]:
    """A company with its own sandbox."""
    app = create_sandbox(tmp_path / "sandbox", "http://127.0.0.1:1/callback")
    server = make_server("127.0.0.1", 0, app, threaded=True)
    serving = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    serving.start()
    port = server.server_port
    yield Company(SandboxControl(f"http://127.0.0.1:{port}"), prepare(tmp_path / "sandbox", port))
    server.shutdown()
    serving.join()
    server.server_close()
    app.extensions["courier"].stop()


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Redis]]:
    """Makes connections to a real server."""
    folder = tmp_path_factory.mktemp("valkey")
    url = ensure_valkey(folder)
    yield lambda: Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1)
    stop_valkey(folder)


@pytest.fixture
def redis(valkey: Callable[[], Redis]) -> Iterator[Redis]:
    """An empty Redis."""
    connection = valkey()
    connection.flushall()
    yield connection
    connection.close()
