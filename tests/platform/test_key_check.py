"""The database knows its keys: a process with others refuses to begin and says which is missing."""

from __future__ import annotations

import errno
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis
from sqlalchemy import delete, select, text
from sqlalchemy.exc import DatabaseError, DataError, DBAPIError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from bot.intake.pull import ALARM, pull
from bot.platform import clock
from bot.platform.database.alarms import alarms
from bot.platform.database.key_check import STATUS
from bot.platform.database.store import Store, get_status
from bot.platform.encryption import DamagedValueError, DataKeys, MissingKeyError, new_keys_text, new_line
from bot.platform.environment import ROOT, SurroundingsError
from bot.platform.models import Agent, ArchiveCursor, CallbackEvent, Customer, Message, Outbox, Quarantine, Status
from bot.platform.surroundings import is_of_surroundings
from bot.system import System, use_system
from bot.wecom.errors import WeComError
from bot.worker import event_work, jobs
from bot.worker.handlers import deliver
from tests.support.parts import AGENT, KEYS, Town, variables

OTHERS = DataKeys(new_keys_text())
GROWN = DataKeys(f"{KEYS.text}\n{new_line()}")
ANNE = "wmanne0000000000000000000000001"


@contextmanager
def opened(store: Store, keys: DataKeys) -> Iterator[Store]:
    """The same database, as a process with these keys opens it."""
    other = Store(store.url, keys)
    yield other
    other.close()


def known(store: Store) -> set[str]:
    with store.read() as session:
        status = get_status(session, STATUS)
    assert status is not None
    return set(status.value["checks"])


def refused(store: Store, keys: DataKeys) -> str:
    """What a process with these keys is told, whatever it begins with."""
    said = set()
    with opened(store, keys) as other:
        for begin in (other.write, other.read):
            with pytest.raises(MissingKeyError) as refusal, begin():
                pass
            said.add(str(refusal.value))
    (one,) = said
    return one


def test_a_fresh_database_learns_its_keys_and_refuses_others(store: Store) -> None:
    assert known(store) == {KEYS.current_id}
    assert KEYS.current_id in refused(store, OTHERS)
    with opened(store, DataKeys(KEYS.text)) as same, same.write() as session:
        session.add(Customer(external_userid=ANNE, name="安妮", created_at=clock.now()))
    assert KEYS.current_id in refused(store, OTHERS)


def test_of_two_machines_with_different_keys_one_begins(store: Store) -> None:
    with store.write() as session:
        session.execute(delete(Status).where(Status.name == STATUS))

    def begin(keys: DataKeys) -> bool:
        with opened(store, keys) as other:
            try:
                return other.verify()
            except MissingKeyError:
                return False

    rings = [DataKeys(new_keys_text()) for _ in range(6)]
    with ThreadPoolExecutor(6) as pool:
        began = list(pool.map(begin, rings))
    while not any(began):  # all of them may have found it locked
        began = [begin(ring) for ring in rings]
    assert began.count(True) == 1
    with opened(store, rings[began.index(True)]) as winner:
        assert known(winner) == {winner.keys.current_id}


@pytest.mark.parametrize("kind", ["customer", "event"])
def test_a_database_of_an_earlier_release_does_not_learn_wrong_keys(store: Store, kind: str) -> None:
    with store.write() as session:
        if kind == "customer":
            session.add(Customer(external_userid=ANNE, name="安妮", created_at=clock.now()))
        else:
            session.add(
                CallbackEvent(
                    digest="d", name="enter_agent", change_type="", raw_xml="<xml/>", created_at=clock.now(),
                    received_at=clock.now(), attempts=0,
                )
            )  # fmt: skip
        session.execute(delete(Status).where(Status.name == STATUS))
    assert KEYS.current_id in refused(store, OTHERS)
    with opened(store, KEYS) as right:
        assert known(right) == {KEYS.current_id}


def test_another_hash_line_is_refused(store: Store) -> None:
    assert known(store) == {KEYS.current_id}
    data = next(line for line in KEYS.text.splitlines() if line.startswith("data"))
    other = next(line for line in OTHERS.text.splitlines() if line.startswith("hash"))
    assert "hash" in refused(store, DataKeys(f"{other}\n{data}"))


def test_a_key_that_was_added_is_known_and_missed_by_name(store: Store) -> None:
    assert known(store) == {KEYS.current_id}
    with opened(store, GROWN) as grown:
        assert known(grown) == set(GROWN.ids)
    said = refused(store, DataKeys(KEYS.text))
    assert GROWN.current_id in said
    lines = GROWN.text.splitlines()
    newest = "\n".join(line for line in lines if not line.startswith("data") or line == lines[-1])
    assert KEYS.current_id in refused(store, DataKeys(newest))


def test_a_database_that_is_not_made_yet_refuses_nobody(tmp_path: Path) -> None:
    bare = Store(f"sqlite:///{tmp_path / 'bare.db'}", OTHERS)
    assert not bare.verify()
    with bare.read() as session:
        assert session.scalar(text("SELECT 1")) == 1
    bare.close()


COMMANDS = (["status"], ["worker", "--burst"], ["scheduler"])


@pytest.mark.timeout(600)
def test_every_process_says_so_and_ends(tmp_path: Path, sandbox: Town) -> None:
    database = f"sqlite:///{tmp_path / 'tici.db'}"
    given = {**os.environ, **variables(tmp_path, sandbox, TICI_DATABASE_URL=database)}
    flask = [sys.executable, "-W", "ignore", "-m", "flask", "--app", str(ROOT / "wsgi.py")]
    subprocess.run([*flask, "db", "upgrade"], env=given, check=True, capture_output=True, timeout=300)
    subprocess.run([*flask, "status"], env=given, check=False, capture_output=True, timeout=300)  # learns the keys
    wrong = {**given, "TICI_DATA_KEYS": OTHERS.text}
    server = [sys.executable, "-W", "ignore", "-c", "import wsgi"]  # as gunicorn does
    ended = [
        subprocess.run(command, env=wrong, cwd=ROOT, check=False, capture_output=True, text=True, timeout=300)
        for command in (server, *([*flask, *command] for command in COMMANDS))
    ]
    assert [(one.returncode, KEYS.current_id in one.stderr) for one in ended] == [(3, True)] + [
        (1, True) for _ in COMMANDS
    ], [one.stderr[-300:] for one in ended]
    assert not any("Traceback" in one.stderr for one in ended)


def tries(system: System) -> tuple[int, int, int]:
    """Tries counted against the archive's next row; rows in quarantine; messages."""
    with system.store.read() as session:
        return (
            session.scalars(select(ArchiveCursor.attempts)).one(),
            len(session.scalars(select(Quarantine.id)).all()),
            len(session.scalars(select(Message.id)).all()),
        )


def test_a_key_that_is_missing_for_a_while_is_held_against_nobody(system: System, sandbox: Town) -> None:
    """The key was rotated on another machine; this one has not got the new line yet."""
    sandbox.control.archive([{"from": ANNE, "to": AGENT, "text": "你好"}])
    pull(system)
    system.store.verify()
    with opened(system.store, GROWN) as other:
        with other.write() as session:
            session.scalars(select(Customer)).one().last_words = "在别的机器上写的"
            session.add(
                CallbackEvent(
                    digest="d", name="change_external_contact", change_type="edit_external_contact",
                    raw_xml="<xml><MsgType>event</MsgType></xml>", created_at=clock.now(), received_at=clock.now(),
                    attempts=0,
                )
            )  # fmt: skip
            agent = session.scalars(select(Agent).where(Agent.userid == AGENT)).one()
            row = Outbox(
                key="k", kind="app_text", payload={"text": "x"}, agent_id=agent.id, created_at=clock.now(),
                not_before=clock.now(),
            )  # fmt: skip
            session.add(row)
            session.flush()
            row_id = row.id
    sandbox.control.archive([{"from": ANNE, "to": AGENT, "text": f"还在吗{n}"} for n in range(3)])
    use_system(system)
    for _ in range(8):
        pull(system)
        with system.store.write() as session:
            session.execute(delete(Status).where(Status.name == "archive_trouble"))  # its pause is over
        with pytest.raises(MissingKeyError):
            deliver(system, row_id)
        jobs.handle_events()
    assert tries(system) == (0, 0, 1)
    with system.store.read() as session:
        assert ALARM not in [alarm.name for alarm in alarms(session)]  # the status line tells, as for the sandbox
        assert session.scalars(select(Outbox.state)).all().count("failed") == 0
        assert session.scalars(select(CallbackEvent.attempts)).one() == 0
        assert session.scalars(select(CallbackEvent.handled_at)).one() is None
    with opened(system.store, GROWN) as other:
        mended = System(system.environment)
        mended.__dict__["store"] = other
        pull(mended)
        assert tries(mended) == (0, 0, 4)
        assert deliver(mended, row_id) == "sent"
        use_system(mended)
        jobs.handle_events()
        with other.read() as session:
            assert session.scalars(select(CallbackEvent.handled_at)).one() is not None


def test_a_damaged_event_is_set_aside_and_the_next_is_handled(system: System) -> None:
    """One flipped bit, in the key's name or behind it, is no missing key."""
    use_system(system)
    system.store.verify()
    with system.store.write() as session:
        for digest in ("a", "b", "c"):
            session.add(
                CallbackEvent(
                    digest=digest, name="enter_agent", change_type="", raw_xml="<xml><MsgType>event</MsgType></xml>",
                    created_at=clock.now(), received_at=clock.now(), attempts=0,
                )
            )  # fmt: skip
    with system.store.write() as session:
        for digest, place in (("a", 2), ("b", 30)):
            raw = session.execute(
                text("SELECT raw_xml FROM callback_event WHERE digest = :d"), {"d": digest}
            ).scalar_one()
            spoilt = bytearray(bytes(raw))
            spoilt[place] ^= 1
            session.execute(
                text("UPDATE callback_event SET raw_xml = :x WHERE digest = :d"), {"x": bytes(spoilt), "d": digest}
            )
    for _ in range(event_work.EVENT_TRIES):
        jobs.handle_events()
    with system.store.read() as session:
        rows = session.execute(
            select(CallbackEvent.digest, CallbackEvent.handled_at, CallbackEvent.outcome).order_by(
                CallbackEvent.digest
            )
        ).all()
    assert all(at is not None for _, at, _ in rows)
    assert ["failed" in (outcome or "") for _, _, outcome in rows] == [True, True, False]


def wrapped(kind: type[DBAPIError], orig: Exception) -> DBAPIError:
    return kind("statement", None, orig)


SURROUNDINGS: dict[str, BaseException] = {
    "disk full": OSError(errno.ENOSPC, "No space left on device"),
    "quota": OSError(errno.EDQUOT, "Disk quota exceeded"),
    "file limit": OSError(errno.EFBIG, "File too large"),
    "disk read-only": OSError(errno.EROFS, "Read-only file system"),
    "disk failing": OSError(errno.EIO, "Input/output error"),
    "no memory": MemoryError(),
    "no fork": OSError(errno.EAGAIN, "Resource temporarily unavailable"),
    "too many files": OSError(errno.EMFILE, "Too many open files"),
    "database locked": wrapped(OperationalError, sqlite3.OperationalError("database is locked")),
    "database gone": wrapped(InterfaceError, Exception("connection already closed")),
    "no connection free": PoolTimeoutError(),
    "no database any more": wrapped(DatabaseError, sqlite3.DatabaseError("file is not a database")),
    "queue gone": redis.ConnectionError(),
    "nothing configured": SurroundingsError("not configured"),
    "library not loadable": WeComError(None, "cannot open shared object file"),
}
OWN_FAULTS: dict[str, BaseException] = {
    "odd value": ValueError(),
    "odd type": TypeError(),
    "too long a value": wrapped(DataError, Exception("value too long")),
    "twice": wrapped(IntegrityError, sqlite3.IntegrityError("UNIQUE constraint failed")),
    "nested too deep": RecursionError(),
    "damaged value": DamagedValueError("damaged"),
    "no such file": FileNotFoundError(errno.ENOENT, "No such file"),
}


@pytest.mark.parametrize("name", [*SURROUNDINGS, *OWN_FAULTS])
def test_what_is_of_the_surroundings(tmp_path: Path, name: str) -> None:
    store = Store(f"sqlite:///{tmp_path / 'tici.db'}", KEYS)
    error = SURROUNDINGS.get(name) or OWN_FAULTS[name]
    assert is_of_surroundings(error, store) == (name in SURROUNDINGS)
    store.close()
