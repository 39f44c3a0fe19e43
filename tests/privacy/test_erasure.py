"""A person who asks for it is erased: from database, files, queue and WeCom, and nothing brings them back."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select

from bot.commands.wecom import run_comparison
from bot.customers.tombstones import FILE
from bot.delivery.handler import KEPT
from bot.intake.media.store import FileRequest, open_media_store
from bot.intake.pull import pull
from bot.ops.consistency import audit, audit_sealed
from bot.platform import clock
from bot.platform.database.alarms import alarms
from bot.platform.database.audit_log import verify_chain
from bot.platform.database.search_index import index_words
from bot.platform.database.store import Store
from bot.platform.models import (
    ArchiveCursor,
    AuditEntry,
    Customer,
    CustomerField,
    Erasure,
    GroupMember,
    MediaFile,
    Message,
    Model,
    Note,
    Outbox,
    Tombstone,
)
from bot.platform.models.sealed import damage_tolerated
from bot.privacy.erasure import (
    ALARM,
    STUCK_AFTER,
    NobodyToEraseError,
    _erase_rows,
    _tell_stuck,
    apply_tombstones,
    ask_erasure,
    attempt_erasure,
    continue_erasures,
    erase,
)
from bot.privacy.export import NobodyToExportError, as_json, export, messages_csv
from bot.system import System
from bot.wecom.media import MediaChunk
from tests.ops.test_key_rotation import turn_bit
from tests.platform.test_encryption import everything
from tests.support.mirrors import CONFIG, Pair
from tests.support.parts import AGENT, COLLEAGUE, Town

NAME, REMARK, SAID, PHONE = "欧阳测试甲", "老客户备注乙", "想问问多少钱丙", "13912345678"
IN_ROOM, NOTE, FIELD, FILE_NAME = "群里说的话丁", "笔记里的话戊", "备注字段己", "合同庚.pdf"


def opened(store: Store) -> str:
    """Everything in the database, sealed values opened."""
    found = []
    with store.read() as session:
        for table in Model.metadata.sorted_tables:
            for row in session.execute(select(table)):
                found.append(f"{table.name}: {list(row)!r}")  # noqa: PERF401
    return "\n".join(found)


@pytest.fixture
def pair(system: System, sandbox: Town, tmp_path: Path) -> Pair:
    (tmp_path / "config.toml").write_text(CONFIG + "\n[privacy]\nsearch_messages = true\n", encoding="utf-8")
    pair = Pair(system, sandbox.control)
    who = pair.meet(NAME, AGENT)
    sandbox.control.edit_customer(AGENT, who, remark=REMARK)
    pair.tell("edit", AGENT, who)
    pair.work()
    other = pair.meet("旁人", COLLEAGUE)
    room = sandbox.control.post("rooms", {"owner": AGENT, "name": "看房群", "members": [who, other]})["chat_id"]
    for sender, to, text in ((who, AGENT, f"{SAID}，电话{PHONE}"), (other, COLLEAGUE, "旁人的话")):
        sandbox.control.say(sender, to, text)
    for sender, text in ((who, IN_ROOM), (other, f"@{NAME} 好的"), (AGENT, "大家好")):
        sandbox.control.post("say-in-room", {"from": sender, "chat_id": room, "content": text})
    pull(system)
    pair.work()
    _more(pair, who)
    return pair


def _more(pair: Pair, who: str) -> None:
    """What the rest of the program writes about a person."""
    media, now = open_media_store(pair.system), clock.now()
    with pair.system.store.write() as session:
        customer = pair.state(session, who).customer
        message = session.scalars(select(Message).where(Message.customer_id == customer.id)).first()
        assert message is not None
        session.add(Note(customer_id=customer.id, author="LinXiaoyu", text=NOTE, created_at=now))
        session.add(CustomerField(customer_id=customer.id, name="wish", value=FIELD))
        session.add(
            MediaFile(
                message_id=message.id, kind="file", name=FILE_NAME, sdkfileid="sdk", fileid_hash="f", sent_at=now,
                content_hash=media.fetch(_chunk, FileRequest("sdk", "part", "", 1000)).content,
            )
        )  # fmt: skip
        follow = customer.follows[0]
        for state, key in (("done", "list"), ("waiting", "later")):
            session.add(
                Outbox(
                    key=f"day:{key}:{who}", kind="day_list", state=state, agent_id=follow.agent_id,
                    payload={"task_ids": [], "card": f"{NAME}：{SAID}", "day": "2026-03-04"}, result={},
                    created_at=now, not_before=now, done_at=now if state == "done" else None,
                )
            )  # fmt: skip
        index_words(session, [message])


def _chunk(_file: str, _index: str) -> MediaChunk:
    return MediaChunk(FILE_NAME.encode(), "", True)


def needles(who: str) -> list[str]:
    return [NAME, REMARK, SAID, PHONE, IN_ROOM, NOTE, FIELD, FILE_NAME, who]


def residue(pair: Pair, folder: Path, words: list[str]) -> dict[str, list[str]]:
    """Where each word still stands: database (opened, and as it lies on the disk), queue, files of ours."""
    queue = pair.system.queue.connection
    places = {
        "database": opened(pair.system.store).encode(),
        "sealed": everything(pair.system.store),
        "queue": b"".join(queue.dump(key) or b"" for key in queue.keys("*")),
    }
    for path in folder.rglob("*"):
        if path.is_file() and "sandbox" not in path.relative_to(folder).parts:
            places[str(path.relative_to(folder))] = path.read_bytes()
    return {
        word: found for word in words if (found := [name for name, text in places.items() if word.encode() in text])
    }


def test_everything_of_a_person_goes(pair: Pair, tmp_path: Path, sandbox: Town) -> None:
    system, who, words = pair.system, pair.who, needles(pair.who)
    assert set(residue(pair, tmp_path, words)) == set(words)
    with system.store.read() as session:
        others = session.scalar(select(func.count()).select_from(Message).where(Message.customer_id.is_not(None)))
    done = erase(system, who, "tests", clock.now())
    assert done.rows["message"] == 1
    assert (done.rows["group_messages_blanked"], done.files, len(done.outbox_ids)) == (1, 1, 1)
    assert list(open_media_store(system).contents()) == []
    pair.work()
    assert residue(pair, tmp_path, words) == {}
    assert {effect["remark"] for effect in sandbox.control.effects(0, "remark")} >= {""}
    assert pair.on_phone(AGENT, who) == []
    text = opened(system.store)
    assert "旁人的话" in text
    assert "大家好" in text
    with system.store.read() as session:
        left = session.scalar(select(func.count()).select_from(Message).where(Message.customer_id.is_not(None)))
        assert (left, others) == (2, 4)
        assert verify_chain(session) is None
        assert session.scalars(select(GroupMember.person).where(GroupMember.kind == "customer")).one() != who
        assert session.scalar(select(func.count()).select_from(Tombstone)) == 1
        assert session.scalar(select(AuditEntry.action).order_by(AuditEntry.id.desc()).limit(1)) == "customer.erase"
    with pytest.raises(NobodyToEraseError):
        erase(system, who, "tests", clock.now())


def test_after_an_erasure_the_auditor_is_content(pair: Pair) -> None:
    store = pair.system.store
    before = {found.name for found in audit(store, clock.now(), running=False)}  # against rows made by hand
    erase(pair.system, pair.who, "tests", clock.now())
    pair.work()
    assert {found.name for found in audit(store, clock.now(), running=False)} <= before
    assert "message-judged" not in before


def waiting(pair: Pair) -> list[Erasure]:
    with pair.system.store.read() as session:
        return list(session.scalars(select(Erasure).where(Erasure.done_at.is_(None))))


def asked(pair: Pair) -> int:
    return ask_erasure(pair.system, pair.who, "tests", clock.now())


def test_an_erasure_that_is_broken_off_is_gone_on_with_until_it_is_done(pair: Pair, tmp_path: Path) -> None:
    system, words = pair.system, needles(pair.who)
    erasure, now = asked(pair), clock.now()
    assert asked(pair) == erasure, "asked for twice, done once"
    with system.store.engine.begin() as other:  # longer than anybody waits
        other.execute(select(Customer.id).with_for_update())
        assert attempt_erasure(system, erasure, now) is False
    (row,) = waiting(pair)
    assert row.person == pair.who
    with system.store.write() as session:
        row = session.get_one(Erasure, erasure)
        row.attempts, row.not_before = STUCK_AFTER, now
        _tell_stuck(session, now)
        assert [alarm.name for alarm in alarms(session)] == [ALARM]
    assert continue_erasures(system, now) == 1
    pair.work()
    assert residue(pair, tmp_path, words) == {}
    with system.store.read() as session:
        done = session.get_one(Erasure, erasure)
        assert (done.person, done.done_at is not None, done.receipt["rows"]["message"]) == ("", True, 1)
        assert "contents" not in done.receipt
        assert list(alarms(session)) == []
    assert continue_erasures(system, now + timedelta(hours=3)) == 0


def test_broken_off_once_the_rows_are_gone_the_files_go_all_the_same(pair: Pair) -> None:
    erasure, now = asked(pair), clock.now()
    with pair.system.store.write() as session:
        customer = session.scalars(select(Customer.id).where(Customer.external_userid == pair.who)).one()
        _erase_rows(session, customer, session.get_one(Erasure, erasure), now)
    assert len(list(open_media_store(pair.system).contents())) == 1
    assert continue_erasures(pair.system, now) == 1
    assert list(open_media_store(pair.system).contents()) == []
    assert waiting(pair) == []


def test_damaged_values_of_others_and_their_own_stop_no_erasure(pair: Pair) -> None:
    store = pair.system.store
    with store.read() as session:
        customer = session.scalars(select(Customer).where(Customer.external_userid == pair.who)).one()
        theirs, others = (
            session.scalars(select(Message.id).where(where, Message.roomid != "")).first()
            for where in (Message.customer_id == customer.id, Message.customer_id.is_distinct_from(customer.id))
        )
        entry = session.scalars(select(Outbox.id)).first()
    assert theirs is not None
    assert others is not None
    assert entry is not None
    turn_bit(store, Message.__table__.c.text, theirs)
    turn_bit(store, Message.__table__.c.raw, others, at=2)
    turn_bit(store, Customer.__table__.c.name, customer.id)
    turn_bit(store, Outbox.__table__.c.payload, entry)
    with store.read() as session, damage_tolerated():
        assert "wm" in as_json(export(session, pair.who, clock.now())).decode()
    erase(pair.system, pair.who, "tests", clock.now())
    with store.read() as session:
        assert session.get(Customer, customer.id) is None
    assert {line.rpartition(" ")[0] for line in audit_sealed(store)[0].examples} <= {"message.raw", "outbox.payload"}


def test_what_wecom_tells_of_people_is_not_kept_in_the_rows_that_asked(pair: Pair) -> None:
    with pair.system.store.read() as session:
        kept = [(row.kind, dict(row.result or {})) for row in session.scalars(select(Outbox))]
    assert {kind for kind, _ in kept} >= {"profile", "group_chat"}
    assert [(kind, result) for kind, result in kept if set(result) - KEPT] == []


def test_neither_archive_nor_events_nor_comparing_bring_him_back(pair: Pair, tmp_path: Path, sandbox: Town) -> None:
    system, who = pair.system, pair.who
    erase(system, who, "tests", clock.now())
    pair.work()
    with system.store.write() as session:
        for cursor in session.scalars(select(ArchiveCursor)):
            cursor.seq = 0
    sandbox.control.say(who, AGENT, SAID)
    sandbox.control.say(AGENT, who, f"{NAME}您好")
    pull(system)
    pair.tell("edit", AGENT, who)
    pair.work()
    run_comparison(system, policy=None, dry_run=False)
    pair.work()
    assert residue(pair, tmp_path, needles(who)) == {}
    with system.store.read() as session:
        assert who not in session.scalars(select(Customer.external_userid)).all()


def test_who_is_added_anew_begins_anew(pair: Pair, tmp_path: Path, sandbox: Town) -> None:
    system, who = pair.system, pair.who
    erase(system, who, "tests", clock.now())
    pair.work()
    sandbox.control.move_clock(60)
    (tmp_path / "clock").write_text("60")
    pair.tell("add", AGENT, who)
    pair.work()
    sandbox.control.say(who, AGENT, "我又来了")
    with system.store.write() as session:
        for cursor in session.scalars(select(ArchiveCursor)):
            cursor.seq = 0
    pull(system)
    with system.store.read() as session:
        customer = pair.state(session, who).customer
        said = [m.text for m in session.scalars(select(Message).where(Message.customer_id == customer.id))]
    assert said == ["我又来了"]


def test_an_old_backup_does_not_bring_him_back(pair: Pair, tmp_path: Path) -> None:
    system, who = pair.system, pair.who
    with system.store.read() as session:
        backup = {table: [dict(r) for r in session.execute(select(table)).mappings()] for table in _tables()}
    erase(system, who, "tests", clock.now())
    assert who not in (tmp_path / FILE).read_text()
    with system.store.write() as session:
        for table in reversed(_tables()):
            session.execute(table.delete())
        for table in _tables():
            if backup[table]:
                session.execute(table.insert(), backup[table])
    with (tmp_path / FILE).open("a") as file:
        file.write('{"hash": "cut sh')
    assert SAID in opened(system.store)
    assert apply_tombstones(system, clock.now()) == 1
    pair.work()
    assert residue(pair, tmp_path, needles(who)) == {}
    assert apply_tombstones(system, clock.now()) == 0


def test_a_person_gets_all_that_is_stored_of_him(pair: Pair) -> None:
    with pair.system.store.read() as session:
        exported = export(session, pair.who, clock.now())
        with pytest.raises(NobodyToExportError):
            export(session, "wmNobody", clock.now())
    read = json.loads(as_json(exported))
    assert {"customer", "follow", "message", "note", "customer_field", "group_member"} <= set(read["tables"])
    text = as_json(exported).decode()
    assert [word for word in needles(pair.who) if word not in text] == []
    assert "旁人的话" not in text
    assert SAID in messages_csv(exported, UTC)


def test_a_cell_is_no_formula() -> None:
    row = {"sent_at": clock.now(), "role": "customer", "sender": "wm", "kind": "text", "text": "=1+1", "line": ""}
    assert "'=1+1" in messages_csv({"tables": {"message": [row]}}, UTC)


def test_a_conversation_as_a_file_has_the_hours_of_the_workspace() -> None:
    row = {"sent_at": datetime(2026, 3, 4, 17, 30, tzinfo=UTC), "role": "customer", "sender": "wm", "kind": "text"}
    table = messages_csv({"tables": {"message": [{**row, "text": "007", "line": ""}]}}, ZoneInfo("Asia/Shanghai"))
    head, line, *_ = table.splitlines()
    assert "Asia/Shanghai" in head
    assert line == "2026-03-05 01:30:00,customer,wm,text,'007"


def _tables() -> list[Any]:
    return [table for table in Model.metadata.sorted_tables if table.name != "config_version"]
