"""Site: a whole web application on a database and a config of its own, for tests of pages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex

from flask import Flask
from flask.testing import FlaskClient
from itsdangerous import URLSafeTimedSerializer

from bot.app import create_app
from bot.platform import clock
from bot.platform.database.store import Store
from bot.platform.environment import read_environment
from bot.platform.models import Account
from bot.platform.signed_links import board_url
from bot.system import System
from tests.support.fresh import bring_up
from tests.support.rows import known_agent
from tests.wecom.sealed import AES_KEY, CORP, TOKEN

CONFIG = """
[workspace]
name = "测试学堂"

[[pipelines]]
name = "课程转化"
stages = [
  { name = "新线索", on = ["@added"] },
  { name = "考虑价格" },
  { name = "成交", on = ["已付款"], won = true },
  { name = "流失", on = ["@lost"], lost = true },
]

[[pipelines]]
name = "老客服务"
stages = [{ name = "在读", on = ["已开课"] }, { name = "续费", on = ["已续费"], won = true }]

[[tags]]
group = "进展"
names = ["已付款", "已开课", "已续费"]

[[rules]]
id = "ask-price"
tag = "考虑价格"
any = ["多少钱"]
"""
WECOM = {
    "WECOM_CORP_ID": CORP,
    "WECOM_APP_ID": "1000002",
    "WECOM_APP_SECRET": "app-secret",
    "WECOM_CALLBACK_TOKEN": TOKEN,
    "WECOM_CALLBACK_AES_KEY": AES_KEY,
    "WECOM_ARCHIVE_SECRET": "archive-secret",
    "WECOM_ARCHIVE": "sandbox",
}


@dataclass
class Site:
    """The app, and the System behind it."""

    app: Flask
    system: System

    @property
    def store(self) -> Store:
        return self.system.store

    @property
    def key(self) -> bytes:
        key: bytes = self.app.config["SECRET_KEY"]
        return key

    def board_path(self) -> str:
        """A valid link to the board, without the host."""
        return board_url("", self.key, clock.now())

    def watcher(self) -> FlaskClient:
        """A browser that opened a board link."""
        client = self.app.test_client()
        assert client.get(self.board_path()).status_code == 302
        return client

    def signed_in(
        self, role: str = "admin", userid: str | None = None, departments: Sequence[int] = ()
    ) -> FlaskClient:
        """A browser that has signed in: as the agent `userid`, else by a local name. Its forms carry the token."""
        with self.store.write() as session:
            agent = None
            if userid is not None:
                agent = known_agent(session, userid, userid, clock.now())
                agent.departments = list(departments) or agent.departments or []
                session.flush()
            account = Account(
                agent_id=agent.id if agent else None,
                name=None if agent else f"{role}-{token_hex(4)}",
                password=None if agent else "known to nobody",
                role=role,
                role_by="the test",
                created_at=clock.now(),
            )
            session.add(account)
            session.flush()
            key = f"{account.id}:{account.serial}"
        client = self.app.test_client()
        seed = token_hex(20)
        with client.session_transaction() as kept:
            at = int(clock.now().timestamp())
            kept.update({"_user_id": key, "since": at, "seen": at, "proved": at, "kind": "desk", "csrf_token": seed})
        form_token = URLSafeTimedSerializer(self.key, salt="wtf-csrf-token").dumps(seed)
        client.environ_base["HTTP_X_CSRFTOKEN"] = str(form_token)
        return client


@contextmanager
def open_site(folder: Path, config: str = CONFIG, extra: Mapping[str, str] | None = None) -> Iterator[Site]:
    """A site whose files lie in `folder`."""
    (folder / "config.toml").write_text(config, encoding="utf-8")
    given = {"TICI_VAR": str(folder), "TICI_CONFIG": str(folder / "config.toml"), **WECOM, **(extra or {})}
    system = System(read_environment(given))
    bring_up(system.store.engine)
    app = create_app(system)
    yield Site(app, system)
    app.extensions["tici-streams"].stop()
    system.store.close()
