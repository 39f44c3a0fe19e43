"""The audit log: concurrent writers make one chain, and every later change of it is found."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete, select, text, update
from sqlalchemy.orm import Session

from bot.app import create_app
from bot.platform.database.audit_log import HEAD, record, seal_views, verify_chain, verify_views, viewed
from bot.platform.database.store import Store
from bot.platform.models import AuditEntry, Status, ViewEntry
from bot.system import System

NOW = datetime(2026, 3, 4, 2, tzinfo=UTC)
DAY = timedelta(days=1)


def write(store: Store, count: int = 5) -> None:
    for number in range(count):
        with store.write() as session:
            record(session, f"agent{number}", "stage.move", f"customer:{number}", NOW, to="成交")


def broken_at(store: Store) -> int | None:
    with store.read() as session:
        return verify_chain(session)


def test_many_at_once_make_one_chain(store: Store) -> None:
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda _: write(store, 10), range(6)))
    with store.read() as session:
        entries = session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
        assert len(entries) == 60
        assert len({entry.before for entry in entries}) == 60
        assert verify_chain(session) is None


def test_what_is_rolled_back_leaves_no_gap(store: Store) -> None:
    write(store, 2)
    with store.engine.connect() as connection, Session(connection) as session:
        record(session, "agent", "stage.move", "customer:1", NOW)
        session.rollback()
    write(store, 2)
    assert broken_at(store) is None


def _swap(session: Session) -> None:
    session.execute(text("UPDATE audit_entry SET subject = 'customer:9' WHERE id = 2"))
    session.execute(text("UPDATE audit_entry SET subject = 'customer:1' WHERE id = 3"))


TAMPERINGS: dict[str, tuple[Callable[[Session], object], int]] = {
    "edited": (lambda s: s.execute(text("UPDATE audit_entry SET actor = 'nobody' WHERE id = 3")), 3),
    "detail edited": (
        lambda s: s.execute(update(AuditEntry).where(AuditEntry.id == 3).values(detail={"to": "x"})),
        3,
    ),
    "redated": (lambda s: s.execute(update(AuditEntry).where(AuditEntry.id == 4).values(at=NOW - DAY)), 4),
    "deleted": (lambda s: s.execute(delete(AuditEntry).where(AuditEntry.id == 2)), 3),
    "first deleted": (lambda s: s.execute(delete(AuditEntry).where(AuditEntry.id == 1)), 2),
    "last deleted": (lambda s: s.execute(delete(AuditEntry).where(AuditEntry.id == 5)), 5),
    "all deleted": (lambda s: s.execute(delete(AuditEntry)), 5),
    "swapped": (_swap, 2),
    "head deleted": (lambda s: s.execute(delete(Status).where(Status.name == HEAD)), 5),
}


def test_tampering_is_found_at_its_row(store: Store) -> None:
    write(store)
    assert broken_at(store) is None
    for name, (tamper, row) in TAMPERINGS.items():
        with store.engine.connect() as connection, Session(connection) as session:
            tamper(session)
            session.flush()
            assert verify_chain(session) == row, name
            session.rollback()
    assert broken_at(store) is None


def test_who_has_the_database_but_no_key_cannot_forge_a_row(store: Store) -> None:
    import hashlib

    write(store, 2)
    with store.write() as session:
        last = session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1)).one()
        session.add(
            AuditEntry(
                at=NOW, actor="x", action="y", subject="z", detail={}, before=last.hash, detail_hash="",
                hash=hashlib.sha256(last.hash.encode()).hexdigest(),
            )
        )  # fmt: skip
    assert broken_at(store) == 3


def test_a_detail_blanked_by_an_erasure_is_no_tampering(store: Store) -> None:
    write(store)
    with store.write() as session:
        session.execute(update(AuditEntry).where(AuditEntry.id == 3).values(detail={}))
    assert broken_at(store) is None


def test_readings_are_sealed_into_the_chain(store: Store) -> None:
    with store.write() as session:
        for number in range(6):
            viewed(session, "agent", number, "customer", NOW - number * DAY)
        assert seal_views(session, NOW) == 6
        assert seal_views(session, NOW) == 0
        viewed(session, "agent", 7, "customer", NOW)
        assert seal_views(session, NOW) == 1
        assert verify_views(session, None) is None
    with store.write() as session:
        session.execute(delete(ViewEntry).where(ViewEntry.id == 6))
    with store.read() as session:
        assert verify_views(session, None) == "views:1-6"
        assert verify_views(session, NOW) is None  # what is older than that may have been purged
        assert verify_chain(session) is None
    with store.write() as session:
        session.execute(update(ViewEntry).where(ViewEntry.id == 7).values(actor="somebody else"))
        assert verify_views(session, NOW - 10 * DAY) == "views:1-6"
        session.execute(delete(ViewEntry).where(ViewEntry.id <= 6))
        assert verify_views(session, NOW - 10 * DAY) == "views:7-7"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_no_page_edits_the_log(system: System, method: str) -> None:
    app = create_app(system)
    rules = [rule for rule in app.url_map.iter_rules() if method in (rule.methods or ())]
    assert not [rule.rule for rule in rules if "audit" in rule.rule or "/views" in rule.rule or "/logs" in rule.rule]
