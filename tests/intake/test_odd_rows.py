"""A hostile archive: a msgid with other words, a seq beyond reason, two unreadable rows with one seq."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from bot.intake.decrypt import UnreadableRow
from bot.intake.messages import OpenedRow
from bot.intake.odd_rows import FIRST_JUMP, JUMP, sort_out
from bot.intake.pipeline import process_batch
from bot.intake.pull import pull
from bot.intake.quarantine import LARGEST_SEQ, quarantine_rows, replay_quarantine
from bot.intake.repeated_messages import OTHER_WORDS
from bot.ops.consistency import audit
from bot.platform import clock
from bot.platform.config.settings import parse_settings
from bot.platform.database.store import Store
from bot.platform.models import ArchiveCursor, Message, Quarantine
from bot.platform.work import Work
from bot.system import System
from bot.wecom.archive import SealedRow
from bot.wecom.messages import read_message
from tests.support.archived import CONFIG, NOW, said
from tests.support.mirrors import CONFIG as PAIR_CONFIG
from tests.support.mirrors import Pair
from tests.support.parts import AGENT, Town


def row(seq: int, msgid: str = "m", sealed: str = "x") -> SealedRow:
    return SealedRow(seq, msgid, 1, "key", sealed)


@pytest.mark.parametrize(
    ("after", "seqs", "followed"),
    [
        (0, [1, 2, 3], [1, 2, 3]),
        (0, [FIRST_JUMP], [FIRST_JUMP]),  # an old company's archive begins somewhere
        (0, [2**62], []),
        (0, [1, 2, 2**62], [1, 2]),
        (0, [1, 5 * 10**11], [1]),
        (7, [8, 8 + JUMP, 9 + 3 * JUMP], [8, 8 + JUMP]),
        (7, [2**63, 2**70], []),
        (2**40, [2**40 + 1], [2**40 + 1]),
    ],
)
def test_which_seqs_are_followed(after: int, seqs: list[int], followed: list[int]) -> None:
    found, odd = sort_out([row(seq) for seq in seqs], after)
    assert [one.seq for one in found] == followed
    assert [one.row.seq for one in odd] == seqs[len(followed) :]


def arrive(store: Store, *rows: tuple[int, bytes]) -> list[OpenedRow]:
    settings = parse_settings(CONFIG, examples=False)
    with store.write() as session:
        return process_batch(Work(session, settings, NOW), [OpenedRow(seq, read_message(raw)) for seq, raw in rows])


def changed(raw: bytes, text: str) -> bytes:
    message = json.loads(raw)
    return json.dumps({**message, "text": {"content": text}}, ensure_ascii=False).encode()


def test_other_words_under_a_msgid_that_came_before_are_noticed_and_not_believed(store: Store) -> None:
    first, second = said("多少钱"), said("在吗")
    assert arrive(store, (1, first), (2, first), (3, changed(first, "不要了"))) != []
    assert [one.seq for one in arrive(store, (4, changed(first, "已付款")), (5, second), (6, first))] == [4]
    assert arrive(store, (1, first), (5, second)) == [], "read once more"
    respelled = json.dumps(json.loads(second), indent=1).encode()
    assert arrive(store, (7, respelled)) == [], "the same words, written otherwise"
    with store.read() as session:
        assert session.scalars(select(Message.text).order_by(Message.id)).all() == ["多少钱", "在吗"]


def test_words_that_an_erasure_blanked_are_compared_with_nothing(store: Store) -> None:
    raw = said("多少钱")
    arrive(store, (1, raw))
    with store.write() as session:
        session.execute(update(Message).values(raw=""))
    assert arrive(store, (2, raw)) == []


def test_two_unreadable_rows_with_one_seq_are_both_kept_and_each_once(store: Store) -> None:
    rows = [row(5), row(5, sealed="other words"), row(5, msgid="n"), row(2**70)]
    for _ in range(2):
        with store.write() as session:
            quarantine_rows(session, [UnreadableRow(one, "no key") for one in rows], NOW)
    with store.read() as session:
        kept = session.scalars(select(Quarantine).order_by(Quarantine.id)).all()
        assert [one.seq for one in kept] == [5, 5, 5, LARGEST_SEQ]
        assert [one.sealed["seq"] for one in kept] == [5, 5, 5, 2**70]


@pytest.fixture
def pair(system: System, sandbox: Town, tmp_path: Path) -> Pair:
    (tmp_path / "config.toml").write_text(PAIR_CONFIG, encoding="utf-8")
    pair = Pair(system, sandbox.control)
    pair.meet("李女士", AGENT)
    return pair


def test_a_seq_beyond_reason_is_put_aside_and_reading_goes_on_from_where_it_was(pair: Pair, sandbox: Town) -> None:
    system = pair.system
    sandbox.control.say(pair.who, AGENT, "第一句")
    assert pull(system).rows == 1
    sandbox.control.post("archive/gap", {"count": 2**61})
    sandbox.control.say(pair.who, AGENT, "从哪儿来的")
    for _ in range(2):
        assert pull(system).rows == 0
    with system.store.read() as session:
        (held,) = session.scalars(select(Quarantine)).all()
        assert session.scalars(select(ArchiveCursor.seq)).one() == 1
        assert "跳得离谱" in held.reason
    assert audit(system.store, clock.now(), running=False) == []
    assert replay_quarantine(system) == (1, 0)  # once a person has looked at it
    with system.store.read() as session:
        assert session.scalars(select(Message.text).order_by(Message.id)).all() == ["第一句", "从哪儿来的"]
        assert session.scalars(select(ArchiveCursor.seq)).one() == 1
    assert audit(system.store, clock.now(), running=False) == []


def test_a_forged_repetition_is_held_and_flagged_and_stays_held(pair: Pair, sandbox: Town) -> None:
    system = pair.system
    sandbox.control.say(pair.who, AGENT, "多少钱")
    pull(system)
    with system.store.write() as session:  # what is archived now, as if it had been archived first with other words
        kept = session.scalars(select(Message)).one()
        kept.raw, kept.seq = changed(kept.raw.encode(), "不买了").decode(), 0
        session.scalars(select(ArchiveCursor)).one().seq = 0
    pull(system)
    with system.store.read() as session:
        (held,) = session.scalars(select(Quarantine)).all()
        assert held.reason == OTHER_WORDS
        assert session.scalar(select(func.count()).select_from(Message)) == 1
    assert audit(system.store, clock.now(), running=False) == []
    assert replay_quarantine(system) == (0, 1)
