"""The database: engine, sessions, database time, leases, and the insert that a replay cannot double."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import Connection, Engine, create_engine, event, func, inspect, select, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from bot.platform.database.row_ids import number_new_rows
from bot.platform.encryption import DataKeys, bind_keys
from bot.platform.models import Lease, Model, Status
from bot.platform.processes import known_dead

BUSY_SECONDS = 5


def open_engine(url: str) -> Engine:
    """An engine with the house's rules: SQLite in WAL with BEGIN IMMEDIATE, PostgreSQL with time limits."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return _sqlite(url)
    if parsed.drivername in ("postgresql", "postgres"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    engine = create_engine(
        parsed,
        pool_pre_ping=True,
        pool_size=5,
        max_overflow=10,
        pool_timeout=5,
        json_serializer=canonical_json,
        hide_parameters=True,  # an error goes into logs, and a parameter may be what somebody said
        connect_args={
            "connect_timeout": 3,
            "options": "-c statement_timeout=30000 -c lock_timeout=5000 -c timezone=UTC",
        },
    )
    event.listen(engine, "connect", _never_forget)
    return engine


def _never_forget(raw: Any, _record: Any) -> None:
    """Where a server tells of commits that a crash may still undo (synchronous_commit off), it does not do so to us:
    what WeCom was told would be told again, and what it has would look as if a person had set it."""
    with raw.cursor() as cursor:
        cursor.execute("SELECT setting = 'off' FROM pg_settings WHERE name = 'synchronous_commit'")
        if cursor.fetchone() == (True,):
            cursor.execute("SET SESSION synchronous_commit = on")
    raw.commit()


def _sqlite(url: str) -> Engine:
    database = make_url(url).database
    if database and database != ":memory:":
        Path(database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        url, json_serializer=canonical_json, hide_parameters=True, connect_args={"timeout": BUSY_SECONDS}
    )

    @event.listens_for(engine, "connect")
    def _pragmas(raw: Any, _record: Any) -> None:
        raw.isolation_level = None  # we say BEGIN ourselves, below
        cursor = raw.cursor()
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",  # what WeCom was told is done must not be undone by a power cut
            "foreign_keys=ON",
            "secure_delete=ON",  # what was deleted, a person's words among it, is overwritten
            f"busy_timeout={BUSY_SECONDS * 1000}",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A transaction that reads first and writes later would fail with "database is locked" half-way.
        reading = connection.get_execution_options().get("tici_read_only", False)
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")

    return engine


def canonical_json(value: Any) -> str:
    """JSON as it goes into JSON columns: the same value always gives the same text, keys in order."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


class Store:
    """The database as the rest of the program uses it: `with store.write() as session`."""

    def __init__(self, url: str, keys: DataKeys) -> None:
        self.url, self.keys = url, keys
        self.engine = open_engine(url)
        bind_keys(self.engine.dialect, keys)

    @contextmanager
    def write(self) -> Iterator[Session]:
        """One transaction: committed at the end, rolled back by an exception."""
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            if self.engine.dialect.name == "sqlite":
                number_new_rows(session)
            yield session

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A look without the right to write; on SQLite it does not wait for writers."""
        connection = self.engine.connect().execution_options(tici_read_only=True)
        with connection, Session(connection, autoflush=False, expire_on_commit=False) as session:
            yield session

    def close(self) -> None:
        self.engine.dispose()


def is_fresh(url: str) -> bool:
    """Whether a database holds nobody yet, or is not there at all."""
    engine = open_engine(url)
    try:
        tables = [table for name, table in Model.metadata.tables.items() if name in ("customer", "callback_event")]
        with engine.connect() as connection:
            known = [table for table in tables if inspect(connection).has_table(table.name)]
            return not any(connection.scalar(select(table.c.id).limit(1)) for table in known)
    finally:
        engine.dispose()


def database_now(session: Session) -> datetime:
    """The database's own clock, so that two machines that disagree on the time agree on a lease."""
    if session.get_bind().dialect.name == "sqlite":
        stamp = session.scalar(select(func.strftime("%Y-%m-%d %H:%M:%f", "now")))
        return datetime.fromisoformat(str(stamp)).replace(tzinfo=UTC)
    present: datetime = session.scalars(text("SELECT clock_timestamp()")).one()
    return present.astimezone(UTC)


@dataclass(frozen=True)
class HeldLease:
    """A lease that was got: the fence tells a holder that was frozen and overtaken that he is too late."""

    name: str
    owner: str
    fence: int


def take_lease(session: Session, name: str, owner: str, seconds: float) -> HeldLease | None:
    """Take or renew a lease; None while another holds it who may still live. Commit before relying on it."""
    present = database_now(session)
    until = present + timedelta(seconds=seconds)
    insert_new(session, Lease, [{"name": name, "owner": "", "until": present, "fence": 0}], ["name"])
    row = session.scalar(select(Lease).where(Lease.name == name).with_for_update())
    if row is None or (row.until > present and row.owner != owner and not known_dead(row.owner)):
        return None
    if row.owner != owner or row.until <= present:
        row.fence += 1
    row.owner, row.until = owner, until
    session.flush()
    return HeldLease(name, owner, row.fence)


def still_held(session: Session, held: HeldLease) -> bool:
    """Whether nobody has taken the lease since; checked in the transaction that commits the work."""
    row = session.scalar(select(Lease).where(Lease.name == held.name).with_for_update())
    return row is not None and row.fence == held.fence and row.owner == held.owner


def release_lease(session: Session, held: HeldLease) -> None:
    """Give a lease back so that the next holder need not wait for its end."""
    mine = (Lease.name == held.name) & (Lease.fence == held.fence) & (Lease.owner == held.owner)
    session.execute(update(Lease).where(mine).values(until=database_now(session)))


def insert_new(session: Session, model: type[Model], rows: Sequence[dict[str, Any]], unique: Sequence[str]) -> int:
    """Insert rows, passing over those whose unique columns are already there; returns how many went in."""
    if not rows:
        return 0
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    before = 0
    for start in range(0, len(rows), 500):
        statement = dialect.insert(model).values(list(rows[start : start + 500]))
        statement = statement.on_conflict_do_nothing(index_elements=list(unique))
        result = session.execute(statement, execution_options={"preserve_rowcount": True})  # else -1 on PostgreSQL
        before += result.rowcount  # type: ignore[attr-defined]
    return before


def set_status(session: Session, name: str, value: dict[str, Any], now: datetime) -> None:
    """Remember a small fact about the running system, replacing what was known; many processes may do so at once."""
    if not insert_new(session, Status, [{"name": name, "value": value, "at": now}], ["name"]):
        session.execute(update(Status).where(Status.name == name).values(value=value, at=now))


def get_status(session: Session, name: str) -> Status | None:
    """The last such fact, or None."""
    return session.get(Status, name)


def dump_json(value: Any) -> str:
    """JSON as we keep it in text columns: compact, readable Chinese."""
    return orjson.dumps(value).decode()
