"""Store: engine, sessions, database time, leases, and inserts that skip what is there already."""

from __future__ import annotations

import json
import re
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

from bot.platform.database.audit_heads import FILE as HEADS
from bot.platform.database.audit_heads import HeadFile, bind_heads, note_head
from bot.platform.database.key_check import verify_keys
from bot.platform.database.row_ids import gives_out, next_id, number_new_rows
from bot.platform.database.rows_sealed import bind_to_rows, for_row, sealed_in
from bot.platform.encryption import DataKeys, bind_keys
from bot.platform.models import Lease, Model, Status
from bot.platform.processes import known_dead

_LONG_NUMBER = re.compile(r"\d{19}")
BUSY_SECONDS = 5  # how long a writer waits for another, on SQLite


def open_engine(url: str) -> Engine:
    """An engine as we need it: SQLite in WAL mode with BEGIN IMMEDIATE, PostgreSQL with time-outs."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        engine = _sqlite(url)
        bind_to_rows(engine)
        return engine
    if parsed.drivername in ("postgresql", "postgres"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    engine = create_engine(
        parsed,
        pool_pre_ping=True,
        pool_size=5,
        max_overflow=10,
        pool_timeout=5,
        json_serializer=canonical_json,
        json_deserializer=read_json,
        hide_parameters=True,  # errors go into logs, and a parameter may be what a customer said
        connect_args={
            "connect_timeout": 3,
            "options": "-c statement_timeout=30000 -c lock_timeout=5000 -c timezone=UTC",
        },
    )
    event.listen(engine, "connect", _force_synchronous_commit)
    bind_to_rows(engine)
    return engine


def _force_synchronous_commit(raw: Any, _record: Any) -> None:
    """Turn synchronous_commit on where the server has it off, so that no acknowledged commit is lost in a crash.

    Otherwise calls to WeCom would be repeated, and tags we had set would look as if a person had set them.
    """
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
        url,
        json_serializer=canonical_json,
        json_deserializer=read_json,
        hide_parameters=True,
        connect_args={"timeout": BUSY_SECONDS},
    )

    @event.listens_for(engine, "connect")
    def _pragmas(raw: Any, _record: Any) -> None:
        raw.isolation_level = None  # we say BEGIN ourselves, below
        cursor = raw.cursor()
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",  # a power cut must not undo the record of a call to WeCom
            "foreign_keys=ON",
            "secure_delete=ON",  # deleted rows are overwritten in the file: they hold personal data
            f"busy_timeout={BUSY_SECONDS * 1000}",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # IMMEDIATE: a transaction that reads first and writes later could fail with "database is locked" half-way.
        reading = connection.get_execution_options().get("tici_read_only", False)
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")

    return engine


def canonical_json(value: Any) -> str:
    """JSON as stored in JSON columns: keys sorted, so the same value always gives the same text."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def read_json(text: str | bytes) -> Any:
    """A value of a JSON column, as json reads it: orjson, which is quicker, rounds whole numbers beyond 64 bits."""
    if _LONG_NUMBER.search(text if isinstance(text, str) else text.decode()):
        return json.loads(text)
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:  # such as NaN, which json writes
        return json.loads(text)


class Store:
    """The database for the rest of the program: `with store.write() as session`."""

    def __init__(self, url: str, keys: DataKeys, var: Path | None = None) -> None:
        """var: the folder where heads of the audit log are noted; None: nowhere."""
        self.url, self.keys = url, keys
        self.engine = open_engine(url)
        bind_keys(self.engine.dialect, keys)
        if var is not None:
            bind_heads(self.engine.dialect, HeadFile(var / HEADS, keys))
        self._verified = False

    def verify(self, *, again: bool = False) -> bool:
        """Make sure, once, that the database is sealed by our keys; raises MissingKeyError where it is not.

        False where that cannot be told yet: no database, no tables. again: for keys that were just added.
        """
        if again or not self._verified:
            self._verified = verify_keys(self.engine, self.keys)
        return self._verified

    @contextmanager
    def write(self) -> Iterator[Session]:
        """One transaction: committed at the end, rolled back by an exception."""
        self.verify()
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            number_new_rows(session)
            yield session
        note_head(self.engine.dialect, session.info)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session for reading only; on SQLite it does not wait for writers."""
        self.verify()
        connection = self.engine.connect().execution_options(tici_read_only=True)
        with connection, Session(connection, autoflush=False, expire_on_commit=False) as session:
            yield session

    def close(self) -> None:
        self.engine.dispose()


def is_fresh(url: str) -> bool:
    """Whether a database holds no customer and no event yet, or does not exist."""
    engine = open_engine(url)
    try:
        tables = [table for name, table in Model.metadata.tables.items() if name in ("customer", "callback_event")]
        with engine.connect() as connection:
            known = [table for table in tables if inspect(connection).has_table(table.name)]
            return not any(connection.scalar(select(table.c.id).limit(1)) for table in known)
    finally:
        engine.dispose()


def database_now(session: Session) -> datetime:
    """The database's clock: machines whose clocks differ agree on a lease by it."""
    if session.get_bind().dialect.name == "sqlite":
        stamp = session.scalar(select(func.strftime("%Y-%m-%d %H:%M:%f", "now")))
        return datetime.fromisoformat(str(stamp)).replace(tzinfo=UTC)
    present: datetime = session.scalars(text("SELECT clock_timestamp()")).one()
    return present.astimezone(UTC)


@dataclass(frozen=True)
class HeldLease:
    """A lease that was taken. `fence` grows with every holder: one that was frozen and replaced finds out by it."""

    name: str
    owner: str
    fence: int


def take_lease(session: Session, name: str, owner: str, seconds: float) -> HeldLease | None:
    """Take or renew a lease; None while another holder may be alive. Commit before relying on it."""
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
    """Whether nobody else took the lease since; checked in the transaction that commits the work."""
    row = session.scalar(select(Lease).where(Lease.name == held.name).with_for_update())
    return row is not None and row.fence == held.fence and row.owner == held.owner


def release_lease(session: Session, held: HeldLease) -> None:
    """Give a lease back, so that the next holder need not wait for it to expire."""
    mine = (Lease.name == held.name) & (Lease.fence == held.fence) & (Lease.owner == held.owner)
    session.execute(update(Lease).where(mine).values(until=database_now(session)))


def insert_new(session: Session, model: type[Model], rows: Sequence[dict[str, Any]], unique: Sequence[str]) -> int:
    """Insert rows, skipping those whose unique columns exist already; returns how many were inserted."""
    if not rows:
        return 0
    table = Model.metadata.tables[model.__tablename__]
    if sealed_in(table) or gives_out(session, model):  # else it might choose a number that waits
        rows = [for_row(table, {"id": next_id(session, model), **row}) for row in rows]
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    inserted = 0
    for start in range(0, len(rows), 500):  # databases limit the parameters of one statement
        statement = dialect.insert(model).values(list(rows[start : start + 500]))
        statement = statement.on_conflict_do_nothing(index_elements=list(unique))
        result = session.execute(statement, execution_options={"preserve_rowcount": True})  # else -1 on PostgreSQL
        inserted += result.rowcount  # type: ignore[attr-defined]
    return inserted


def set_status(session: Session, name: str, value: dict[str, Any], now: datetime) -> None:
    """Set a named status value, replacing the former one; safe from many processes at once."""
    if not insert_new(session, Status, [{"name": name, "value": value, "at": now}], ["name"]):
        session.execute(update(Status).where(Status.name == name).values(value=value, at=now))


def get_status(session: Session, name: str) -> Status | None:
    """The named status value, or None."""
    return session.get(Status, name)
