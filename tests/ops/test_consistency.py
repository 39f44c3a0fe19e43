"""The auditor: silent about a sound database, and right about each way in which one can be unsound."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import inspect, text
from sqlalchemy.orm import Session

from bot.intake.pull import pull
from bot.ops.consistency import audit, audit_archive, check_invariants
from bot.ops.invariants import INVARIANTS
from bot.platform import clock
from bot.platform.config.settings import parse_settings
from bot.platform.database.audit_log import record
from bot.platform.database.store import Store
from bot.platform.models import ArchiveCursor, CallbackEvent, ConfigVersion, Quarantine
from bot.system import System, use_system
from tests.support.engine import Engine
from tests.support.parts import AGENT, ASK, CONFIG, Town

# Statements that break one sentence each; {late} is an hour ago. Every row they touch was made by the real path.
BROKEN = {
    "message-judged": "UPDATE message SET version = 'nobody' WHERE id = (SELECT min(id) FROM message)",
    "evidence-message": "UPDATE evidence SET occasion = 'another'",
    "tag-founded": "UPDATE tagging SET rule_id = 'another' WHERE rule_id IS NOT NULL",
    "ledger-chain": "UPDATE stage_move SET from_stage = 'elsewhere' WHERE serial = 2",
    "ledger-replays": "UPDATE placement SET stage = 'elsewhere'",
    "ledger-placed": "DELETE FROM placement",
    "task-customer": "UPDATE sop_task SET customer_id = (SELECT max(id) FROM customer)",
    "task-ended": "UPDATE sop_enrolment SET ended_at = enrolled_at",
    "task-times": "UPDATE sop_task SET state = 'delivered', delivered_at = NULL",
    "task-outbox": "UPDATE outbox SET state = 'cancelled', done_at = created_at WHERE kind = 'card'",
    "outbox-state": "UPDATE outbox SET state = 'sent', done_at = NULL",
    "outbox-task": "UPDATE outbox SET customer_id = (SELECT max(id) FROM customer) WHERE kind = 'card'",
    "outbox-told": "UPDATE outbox SET state = 'sent', done_at = created_at WHERE kind = 'card'; "
                   "UPDATE sop_task SET state = 'delivered', delivered_at = NULL WHERE prompts = 1",
    "audit-chain": "UPDATE audit_entry SET actor = 'nobody'",
    "cursor": "UPDATE archive_cursor SET seq = 0",
    "quarantine-held": "UPDATE quarantine SET released_at = NULL, seq = (SELECT min(seq) FROM message), "
                       "msgid = (SELECT msgid FROM message ORDER BY seq LIMIT 1)",
    "enrolment-running-once": "INSERT INTO sop_enrolment "
                              "(customer_id, agent_id, sop_id, cause, stop, version, enrolled_at) "
                              "SELECT customer_id, agent_id, sop_id, 'again', stop, version, enrolled_at "
                              "FROM sop_enrolment",
    "outbox-late": "UPDATE outbox SET not_before = '{late}' WHERE state = 'waiting'",
    "event-late": "UPDATE callback_event SET received_at = '{late}', handled_at = NULL",
    "event-given-up": "UPDATE callback_event SET outcome = 'failed: KeyError'",
    "task-late": "UPDATE sop_task SET due_at = '{late}' WHERE state = 'planned'",
    "window-late": "UPDATE sop_task SET window_until = '{late}'",
    "pull-late": "UPDATE archive_cursor SET pulled_at = '{late}'",
}  # fmt: skip
# What a unique key forbids is counted all the same; to see that, the key must go first.
DOUBLED = {
    "message-once": "message",
    "evidence-once": "evidence",
    "tag-once": "tagging",
    "placement-once": "placement",
    "enrolment-once": "sop_enrolment",
    "task-once": "sop_task",
    "outbox-once": "outbox",
    "event-once": "callback_event",
    "quarantine-once": "quarantine",
}


@pytest.fixture
def busy(store: Store) -> Store:
    """A database on which a customer was tagged, moved and prompted; nothing of it has left yet."""
    settings, now = parse_settings(CONFIG), clock.now()
    engine = Engine(store, settings, now)
    asks = engine.customer()
    engine.customer()
    with store.write() as session:
        session.add(ConfigVersion(version=settings.version, text=CONFIG, loaded_at=now))
        session.add(ArchiveCursor(corp_id="ww", seq=99, attempts=0, pulled_at=now))
        session.add(Quarantine(seq=90, msgid="held", publickey_ver=1, sealed={}, reason="no key", attempts=1,
                               created_at=now, released_at=now))  # fmt: skip
        session.add(CallbackEvent(digest="d", name="n", raw_xml="", created_at=now, received_at=now, handled_at=now))
        record(session, "admin", "rules.save", "rule:ask-price", now)
    engine.happen(asks, events=["@added"])
    engine.say(asks, AGENT, ASK)
    return store


@contextmanager
def rolled_back(store: Store) -> Iterator[Session]:
    with Session(store.engine) as session, session.begin() as transaction:
        yield session
        transaction.rollback()


def names(session: Session) -> set[str]:
    return {finding.name for finding in check_invariants(session, clock.now())}


def test_each_way_to_be_unsound_is_found(busy: Store) -> None:
    assert audit(busy, clock.now()) == []
    late = (clock.now() - timedelta(hours=1)).strftime("%Y-%m-%d %H:%M:%S")
    for name, statements in BROKEN.items():
        with rolled_back(busy) as session:
            for statement in statements.format(late=late).split("; "):
                session.execute(text(statement))
            assert name in names(session), name
    assert audit(busy, clock.now()) == []


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_what_stands_twice_is_found_without_trusting_the_keys(busy: Store) -> None:
    for name, table in DOUBLED.items():
        with rolled_back(busy) as session:
            drop_keys(session, table)
            columns = [c["name"] for c in inspect(session.connection()).get_columns(table) if c["name"] != "id"]
            listed = ", ".join(f'"{column}"' for column in columns)
            session.execute(text(f"INSERT INTO {table} ({listed}) SELECT {listed} FROM {table}"))
            assert name in names(session), name


def drop_keys(session: Session, table: str) -> None:
    for index in inspect(session.connection()).get_indexes(table):
        if index["unique"]:
            drop = f"ALTER TABLE {table} DROP CONSTRAINT" if index.get("duplicates_constraint") else "DROP INDEX"
            session.execute(text(f'{drop} "{index["name"]}"'))


def test_every_sentence_has_been_broken() -> None:
    assert {invariant.name for invariant in INVARIANTS} == set(BROKEN) | set(DOUBLED)


def test_a_row_of_the_archive_that_we_passed_over_is_missed(system: System, sandbox: Town) -> None:
    use_system(system)
    said = [{"from": "wmTESTanne0000000000000000000001", "to": AGENT, "text": "你好", "at": 1_760_000_000_000}] * 3
    sandbox.control.archive(said)
    assert pull(system).rows == 3
    assert audit_archive(system).count == 0
    with system.store.write() as session:
        session.execute(text("DELETE FROM message WHERE seq = 2"))
    lost = audit_archive(system)
    assert (lost.count, lost.examples[0].split()[:2]) == (1, ["seq", "2"])
