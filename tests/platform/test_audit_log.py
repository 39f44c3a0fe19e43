"""The audit log: concurrent writers make one chain, and every later change of it is found."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, select, text, update
from sqlalchemy.orm import Session

from bot.app import create_app
from bot.platform.database.audit_heads import FILE
from bot.platform.database.audit_log import HEAD, newest_head, record, verify_chain, verify_heads, verify_log
from bot.platform.database.reading_log import record_purge, seal_views, seal_views_hourly, verify_views, viewed
from bot.platform.database.row_ids import number_new_rows
from bot.platform.database.store import Store
from bot.platform.models import AuditEntry, Status, ViewEntry
from bot.platform.models.sealed import OfRow
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
        number_new_rows(session)
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
        lambda s: s.execute(update(AuditEntry).where(AuditEntry.id == 3).values(detail=OfRow({"to": "x"}, b"3"))),
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
        session.get_one(AuditEntry, 3).detail = {}
    assert broken_at(store) is None


LATER = NOW + timedelta(hours=1)


def read_by(store: Store, *moments: datetime) -> None:
    with store.write() as session:
        for number, at in enumerate(moments):
            viewed(session, "agent", number, "customer", at)


def altered(store: Store, kept_since: datetime | None = None) -> str | None:
    with store.read() as session:
        return verify_views(session, kept_since)


def test_readings_are_sealed_into_the_chain(store: Store) -> None:
    read_by(store, *(NOW - number * DAY for number in range(6)))
    with store.write() as session:
        assert seal_views(session, LATER) == 6
        assert seal_views(session, LATER) == 0
    read_by(store, LATER)
    with store.write() as session:
        assert seal_views(session, LATER) == 0  # on PostgreSQL an entry with a lower number may still appear
        assert seal_views_hourly(session, LATER + timedelta(minutes=59)) == 0
        assert seal_views_hourly(session, LATER + timedelta(minutes=60)) == 1
    assert altered(store) is None
    assert broken_at(store) is None


def _blank(session: Session, subject: str) -> None:
    session.scalars(select(AuditEntry).where(AuditEntry.subject == subject)).one().detail = {}


def _stretch_goes(session: Session) -> None:
    session.execute(delete(ViewEntry).where(ViewEntry.id <= 4))


VIEW_TAMPERINGS: dict[str, tuple[Callable[[Session], object], str]] = {
    "one deleted": (lambda s: s.execute(delete(ViewEntry).where(ViewEntry.id == 2)), "views:1-4"),
    "a whole sealed stretch deleted": (_stretch_goes, "views:1-4"),
    "everything deleted": (lambda s: s.execute(delete(ViewEntry)), "views:1-4"),
    "another's name": (
        lambda s: s.execute(update(ViewEntry).where(ViewEntry.id == 5).values(actor="x")),
        "views:5-5",
    ),
    "re-dated out of what is kept": (lambda s: s.execute(update(ViewEntry).values(at=NOW - 900 * DAY)), "views:1-4"),
    "the seal's words blanked": (
        lambda s: _blank(s, "views:5-5"),
        "views:5-5",
    ),
}


def test_what_was_done_to_sealed_readings_is_found(store: Store) -> None:
    for moments in ([NOW] * 4, [LATER]):
        read_by(store, *moments)
        with store.write() as session:
            seal_views(session, moments[0] + timedelta(minutes=5))
    for kept_since in (None, NOW - 30 * DAY):
        assert altered(store, kept_since) is None
        for name, (tamper, subject) in VIEW_TAMPERINGS.items():
            with store.engine.connect() as connection, Session(connection) as session:
                tamper(session)
                session.flush()
                assert verify_views(session, kept_since) == subject, name
                session.rollback()


def test_a_purge_that_the_log_tells_of_is_no_tampering_and_hides_none(store: Store) -> None:
    for at in (NOW - 9 * DAY, NOW):
        read_by(store, at, at)
        with store.write() as session:
            seal_views(session, at + timedelta(minutes=5))
    with store.write() as session:
        record_purge(session, NOW - 5 * DAY, NOW)
        session.execute(delete(ViewEntry).where(ViewEntry.id <= 2))
    assert altered(store) is None
    with store.write() as session:
        session.execute(delete(ViewEntry))
    assert altered(store) == "views:3-4"


def test_an_entry_dated_into_the_future_stops_no_sealing(store: Store) -> None:
    read_by(store, NOW, NOW + 900 * DAY)
    with store.write() as session:
        assert seal_views(session, LATER) == 2


def _put_back(store: Store, rows: int) -> None:
    """As if a database of earlier days had been put in place: fewer rows, and the head that was true then."""
    with store.write() as session:
        kept = session.scalars(select(AuditEntry).where(AuditEntry.id <= rows).order_by(AuditEntry.id)).all()
        facts = [(one.at, one.actor, one.action, one.subject, dict(one.detail)) for one in kept]
        session.execute(delete(AuditEntry))
        session.execute(delete(Status).where(Status.name == HEAD))
        if store.engine.dialect.name == "sqlite":
            session.execute(text("DELETE FROM sqlite_sequence WHERE name = 'audit_entry'"))
        else:
            session.execute(text("ALTER SEQUENCE audit_entry_id_seq RESTART"))
    heads = store.engine.dialect.tici_heads  # type: ignore[attr-defined]
    del store.engine.dialect.tici_heads  # type: ignore[attr-defined]
    for at, actor, action, subject, detail in facts:
        with store.write() as session:
            record(session, actor, action, subject, at, **detail)
    store.engine.dialect.tici_heads = heads  # type: ignore[attr-defined]


def fault(store: Store) -> str | None:
    with store.read() as session:
        return verify_log(session)


@pytest.mark.parametrize("left", [0, 3], ids=["emptied with its head", "rolled back with its older head"])
def test_a_log_that_became_shorter_is_found_though_its_chain_is_whole(store: Store, left: int) -> None:
    write(store)
    assert fault(store) is None
    _put_back(store, left)
    assert broken_at(store) is None
    assert "记下过 5 号" in str(fault(store))


def test_the_noted_heads_cannot_be_taken_away_altered_or_forged_unseen(store: Store, tmp_path: Path) -> None:
    write(store)
    noted = (tmp_path / FILE).read_bytes()
    assert (tmp_path / FILE).stat().st_mode & 0o077 == 0
    (tmp_path / FILE).unlink()
    assert "不见了" in str(fault(store))
    (tmp_path / FILE).write_bytes(b"")
    assert "不见了" in str(fault(store))
    for bad in (noted.replace(b'"id": 5', b'"id": 2'), noted.replace(b"head", b"restored"), noted + b"junk\n"):
        (tmp_path / FILE).write_bytes(bad)
        assert "被改动过的行" in str(fault(store))
    (tmp_path / FILE).write_bytes(noted + b'{"kind": "he')  # the machine went down while it was written
    assert fault(store) is None


def test_a_log_put_back_on_purpose_is_whole_again_and_grows(store: Store) -> None:
    write(store)
    _put_back(store, 2)
    with store.read() as session:
        heads, head = store.engine.dialect.tici_heads, newest_head(session)  # type: ignore[attr-defined]
    heads.note_restored(head)
    assert fault(store) is None
    write(store, 1)
    assert fault(store) is None
    _put_back(store, 1)
    assert "记下过 3 号" in str(fault(store))


def test_a_full_disk_beside_the_database_stops_nobody(store: Store, tmp_path: Path) -> None:
    (tmp_path / FILE).mkdir()
    write(store, 2)
    (tmp_path / FILE).rmdir()
    write(store, 1)
    with store.read() as session:
        assert verify_heads(session) is None
    assert fault(store) is None


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_no_page_edits_the_log(system: System, method: str) -> None:
    app = create_app(system)
    rules = [rule for rule in app.url_map.iter_rules() if method in (rule.methods or ())]
    kept = ("audit", "/admin/views", "/admin/log", "/logs")
    assert not [rule.rule for rule in rules if any(part in rule.rule for part in kept)]
