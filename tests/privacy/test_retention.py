"""What is too old goes at night with all that hangs on it; the ledgers stay true, the index follows the config."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from bot.ops.consistency import audit
from bot.platform import clock
from bot.platform.config.privacy_tables import Retention
from bot.platform.config.settings import parse_settings
from bot.platform.database.search_index import WORDS, saying
from bot.platform.database.store import set_status
from bot.platform.models import (
    CallbackEvent,
    Customer,
    Evidence,
    MediaFile,
    Message,
    MessageLinkOpening,
    Model,
    Outbox,
    Placement,
    Quarantine,
    SearchToken,
    StageMove,
    Tagging,
    ViewEntry,
)
from bot.privacy.retention import KINDS, STATUS, count_old, keep_search_index, purge, purge_nightly
from bot.system import System
from tests.support.parts import CONFIG
from tests.support.rows import Rows

OLD, YOUNG = timedelta(days=200), timedelta(days=10)
KEEP = """
[privacy.retention]
messages = "100d"
media = "100d"
events = "100d"
views = "100d"
outbox = "100d"
quarantine = "100d"
"""


def configure(system: System, folder: Path, more: str) -> None:
    (folder / "config.toml").write_text(CONFIG + more, encoding="utf-8")
    system.__dict__.pop("keeper", None)


def fill(system: System) -> int:
    now = clock.now()
    with system.store.write() as session:
        rows = Rows(session, now)
        agent = rows.agent()
        customer = rows.customer("李女士", stage="考虑价格", agent=agent)
        move = session.scalars(select(StageMove)).one()
        for number, ago in enumerate((OLD, OLD, YOUNG)):
            message = rows.message(customer, f"请问多少钱{number}", ago=ago)
            rows.evidence(message, [["多少钱", 2, 5]], "考虑价格", "命中 多少钱")
            session.add(
                MediaFile(message_id=message.id, kind="file", sdkfileid="x", fileid_hash=f"f{number}",
                          sent_at=now - ago)
            )  # fmt: skip
            session.add(
                CallbackEvent(digest=str(number), name="e", raw_xml="<xml/>", created_at=now - ago,
                              received_at=now - ago, handled_at=now - ago)
            )  # fmt: skip
            opening = MessageLinkOpening(title="指南", customer_id=customer.id, opened_at=now - ago)
            opening.handled_at = now - ago if ago == OLD else None
            session.add(opening)
            session.add(ViewEntry(at=now - ago, actor="a", customer_id=customer.id, page="customer"))
            session.add(
                Quarantine(seq=number, msgid=str(number), publickey_ver=1, sealed={}, reason="", created_at=now - ago,
                           released_at=now - ago)
            )  # fmt: skip
            session.add(
                Outbox(key=str(number), kind="card", state="sent", payload={"text": "李女士"}, result={},
                       created_at=now - ago, not_before=now - ago, done_at=now - ago)
            )  # fmt: skip
        first = session.scalars(select(Message).order_by(Message.id)).first()
        assert first is not None
        rows.tag(customer, "考虑价格", msgid=first.msgid, reason="命中 多少钱", rule_id="ask-price")
        move.msgid, move.evidence = first.msgid, "命中 多少钱"
        customer.last_word_at, customer.last_words = now - YOUNG, "请问多少钱2"
        return customer.id


def count(system: System, model: type[Model]) -> int:
    with system.store.read() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def unsound(system: System) -> set[str]:
    """What the auditor has against rows made by hand."""
    return {found.name for found in audit(system.store, clock.now(), running=False)}


def test_what_is_too_old_goes_and_the_ledgers_stay_true(system: System, tmp_path: Path) -> None:
    configure(system, tmp_path, KEEP)
    fill(system)
    now = clock.now()
    with system.store.read() as session:
        told = count_old(session, system.settings, now)
    assert told == {"messages": 2, "media": 2, "events": 4, "views": 2, "outbox": 2, "quarantine": 2}
    assert count(system, Message) == 3
    before = unsound(system)
    done = purge(system, now)
    assert done == {
        kind: rows for kind, rows in told.items() if kind != "media"
    }  # the files went with their messages
    assert [count(system, m) for m in (Message, MediaFile, CallbackEvent, ViewEntry, Quarantine)] == [1] * 5
    with system.store.read() as session:
        proofs = session.scalars(select(Evidence).order_by(Evidence.id)).all()
        assert [(e.rule_id, bool(e.message_id), e.spans, e.reason) for e in proofs] == [
            ("ask-price", False, [], ""), ("ask-price", False, [], ""),
            ("ask-price", True, [["多少钱", 2, 5]], "命中 多少钱"),
        ]  # fmt: skip
        assert session.scalars(select(Tagging.reason)).one() == ""
        assert session.scalars(select(StageMove.evidence)).one() == ""
        assert session.scalars(select(Placement.stage)).one() == "考虑价格"
        assert session.scalars(select(Customer.last_words)).one() == "请问多少钱2"
        assert session.scalars(select(Outbox.payload).order_by(Outbox.id)).all() == [{}, {}, {"text": "李女士"}]
        assert count_old(session, system.settings, now) == dict.fromkeys(told, 0)
    assert unsound(system) <= before
    assert purge(system, now) == {}


def test_by_default_messages_stay(system: System) -> None:
    fill(system)
    with system.store.read() as session:
        assert set(count_old(session, system.settings, clock.now())) == {"events", "views", "outbox", "quarantine"}


def test_it_runs_once_a_day_from_its_hour_on(system: System, tmp_path: Path) -> None:
    configure(system, tmp_path, '\n[privacy]\npurge_at = "00:00"\n' + KEEP)
    fill(system)
    now = clock.now()
    assert purge_nightly(system, now)
    assert count(system, Message) == 1
    assert not purge_nightly(system, now)
    with system.store.write() as session:
        set_status(session, STATUS, {"day": "2020-01-01"}, now)
    assert purge_nightly(system, now)
    configure(system, tmp_path, '\n[privacy]\npurge_at = "23:59"\n')
    with system.store.write() as session:
        set_status(session, STATUS, {"day": "2020-01-01"}, now)
    morning = now.astimezone(system.settings.zone).replace(hour=12, minute=0)
    assert not purge_nightly(system, morning)


def test_words_are_searched_for_only_while_it_is_allowed(system: System, tmp_path: Path) -> None:
    customer_id = fill(system)

    def found() -> list[int]:
        with system.store.read() as session:
            return list(session.scalars(select(Customer.id).where(Customer.id.in_(saying("多少钱")))))

    assert keep_search_index(system, clock.now()) == 0
    assert found() == []
    configure(system, tmp_path, "\n[privacy]\nsearch_messages = true\n")
    assert keep_search_index(system, clock.now()) == 3
    assert found() == [customer_id]
    assert keep_search_index(system, clock.now()) == 0
    configure(system, tmp_path, "\n[privacy]\nsearch_messages = false\n")
    assert keep_search_index(system, clock.now()) == 1
    assert found() == []
    with system.store.read() as session:
        assert session.scalar(select(func.count()).select_from(SearchToken).where(SearchToken.kind == WORDS)) == 0


def test_every_kind_has_its_key_and_none_is_shorter_than_the_archive() -> None:
    assert {kind.name for kind in KINDS} == set(Retention.model_fields)
    with pytest.raises(Exception, match="events"):
        parse_settings('[privacy.retention]\nevents = "3d"\n')
