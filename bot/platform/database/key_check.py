"""Key check: the database knows the keys that seal it, so that a process with other keys does not begin to work.

Without it such a process would seal what nobody else can read, and take good messages for unreadable ones.
"""

from __future__ import annotations

import base64
import binascii
from contextlib import suppress

from sqlalchemy import Engine, inspect, select
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.orm import Session

from bot.platform import clock
from bot.platform.encryption import DamagedValueError, DataKeyError, DataKeys, MissingKeyError
from bot.platform.models import CallbackEvent, Customer, Message, Status
from taggers.translatable import Translatable

STATUS = "key_check"
_WHERE, _PLAIN = b"status.key_check", b"tici"
_SAMPLES = (Customer.name, Message.line, Message.text, CallbackEvent.raw_xml)


def verify_keys(engine: Engine, keys: DataKeys) -> bool:
    """Compare the keys with those the database knows, and have it know ours; False where that cannot be told yet.

    Raises MissingKeyError, which names the keys that are missing.
    """
    try:
        if not inspect(engine).has_table(Status.__tablename__):
            return False
        # Read first: whoever only reads must not wait for a writer, on SQLite.
        with engine.connect().execution_options(tici_read_only=True) as connection, Session(connection) as session:
            row = session.get(Status, STATUS)
            if row is not None:
                _compare(row, keys)
                if keys.current_id in row.value["checks"]:
                    return True
        with Session(engine) as session, session.begin():
            _make_known(session, keys)
    except SQLAlchemyError:
        return False  # locked, gone, not migrated: whatever needs the database will say so itself
    return True


def _make_known(session: Session, keys: DataKeys) -> None:
    row = session.get(Status, STATUS, with_for_update=True)
    if row is None:
        _open_samples(session)
        row = _first(session, keys)
    _compare(row, keys)
    if keys.current_id not in row.value["checks"]:
        row.value = {**row.value, "checks": {**row.value["checks"], keys.current_id: _check_value(keys)}}


def _first(session: Session, keys: DataKeys) -> Status:
    """The row of a database that has none. Of two machines with different keys the second finds the first's."""
    value = {"hash": _hash(keys), "checks": {keys.current_id: _check_value(keys)}}
    with suppress(IntegrityError), session.begin_nested():
        session.add(Status(name=STATUS, value=value, at=clock.now()))
    return session.get_one(Status, STATUS, populate_existing=True)


def _open_samples(session: Session) -> None:
    """Before a database of an earlier release learns our keys: what it holds must open with them."""
    for column in _SAMPLES:
        kept = select(column).where(column.is_not(None), column != "")
        try:
            session.scalar(kept.order_by(column.class_.id.desc()).limit(1))
        except DamagedValueError:
            continue


def _compare(row: Status, keys: DataKeys) -> None:
    missing = [name for name in row.value["checks"] if name not in keys.ids]
    if missing:
        raise keys.missing(missing)
    wrong = [name for name, check in row.value["checks"].items() if not _opens(keys, check)]
    if wrong:
        raise keys.missing(wrong)
    if row.value["hash"] != _hash(keys):
        raise MissingKeyError(
            Translatable(
                "{place} 里的 hash 那一行不是这个数据库的。请恢复原来的密钥，不要新建"
                " / the hash line is not the one of this database: restore the key file",
                place=keys.path or "TICI_DATA_KEYS",
            )
        )


def _hash(keys: DataKeys) -> str:
    return keys.digest("key check", _PLAIN.decode()).hex()


def _check_value(keys: DataKeys) -> str:
    return base64.b64encode(keys.seal(_PLAIN, _WHERE)).decode()


def _opens(keys: DataKeys, check: str) -> bool:
    try:
        return keys.open(base64.b64decode(check), _WHERE) == _PLAIN
    except (DataKeyError, binascii.Error):
        return False
