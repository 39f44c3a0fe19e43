"""A batch of any size leaves the same rows as its messages one at a time, in all tables."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bot.platform.config.settings import Settings, parse_settings
from bot.platform.database.store import Store
from bot.platform.models import Outbox, SopTask
from tests.support.archived import NOW, Archived, text_message
from tests.support.dump import differences, dump
from tests.support.fresh import bring_up
from tests.support.made_archive import AGENTS, CONFIG, MadeArchive
from tests.support.parts import KEYS

TABLES = {"Customer", "Agent", "Follow", "Message", "Evidence", "Tagging", "Placement", "StageMove", "SopEnrolment",
          "SopTask", "Outbox", "Consent", "GroupChat", "GroupMember", "MediaFile"}  # fmt: skip


Rows = dict[str, list[str]]
OneByOne = Callable[[str, Callable[[Store], Rows]], Rows]


@pytest.fixture(scope="module")
def one_by_one(tmp_path_factory: pytest.TempPathFactory) -> OneByOne:
    """What single messages leave in a database of their own: SQLite, and once, whatever it is compared with."""
    found: dict[str, Rows] = {}

    def rows(name: str, work: Callable[[Store], Rows]) -> Rows:
        if name not in found:
            store = Store(f"sqlite:///{tmp_path_factory.mktemp('singly') / 'tici.db'}", KEYS)
            bring_up(store.engine)
            found[name] = work(store)
            store.close()
        return found[name]

    return rows


def rows_of(store: Store, messages: list[dict[str, Any]], size: int, settings: Settings) -> Rows:
    """All rows after these messages have arrived in batches of that size."""
    archived = Archived(store, settings)
    plains = [json.dumps(message, ensure_ascii=False).encode() for message in messages]
    for start in range(0, len(plains), size):
        archived.arrive(*plains[start : start + size])
    with store.read() as session:
        return dump(session)


@pytest.mark.parametrize(("seed", "size"), [(1, 400), (2, 37)])
def test_batches_leave_what_single_messages_leave(store: Store, one_by_one: OneByOne, seed: int, size: int) -> None:
    messages, settings = MadeArchive(seed, customers=9).messages(400), parse_settings(CONFIG, examples=False)
    singly = one_by_one(f"seed {seed}", lambda other: rows_of(other, messages, 1, settings))
    assert set(singly) >= TABLES
    assert differences(singly, rows_of(store, messages, size, settings)) == []


def test_a_batch_after_a_batch_finds_what_the_first_left(store: Store, one_by_one: OneByOne) -> None:
    archive, settings = MadeArchive(3, customers=30), parse_settings(CONFIG, examples=False)
    first, second = archive.messages(150), archive.messages(150)
    singly = one_by_one("twice", lambda other: rows_of(other, first + second, 1, settings))
    rows_of(store, first, 150, settings)
    assert differences(singly, rows_of(store, first + second, 300, settings)) == []  # the first again: passed over


def test_cards_on_the_phone_are_closed_alike(store: Store, one_by_one: OneByOne) -> None:
    archive, settings = MadeArchive(3, customers=12), parse_settings(CONFIG, examples=False)
    first, second = archive.messages(150), archive.messages(150)

    def delivered(into: Store, size: int) -> Rows:
        rows_of(into, first, 150, settings)
        deliver_cards(into)
        return rows_of(into, second, size, settings)

    singly = one_by_one("cards", lambda other: delivered(other, 1))
    assert any("'kind': 'card_change'" in row for row in singly["Outbox"])
    assert differences(singly, delivered(store, 150)) == []


def deliver_cards(store: Store) -> None:
    """Every card that waits reaches its agent's phone."""
    with store.write() as session:
        for row in session.scalars(select(Outbox).where(Outbox.kind == "card", Outbox.state == "waiting")):
            task = session.get_one(SopTask, row.task_id)
            task.state, task.delivered_at = "delivered", NOW
            row.state, row.done_at, row.result = "sent", NOW, {"response_code": "code"}
            row.payload = {**row.payload, "userid": "LinXiaoyu"}


def test_real_dialogues_in_batches_leave_what_single_messages_leave(
    shared: Path, store: Store, one_by_one: OneByOne
) -> None:
    lines = (shared / "data/crosswoz/dialogues.jsonl").read_text("utf-8").splitlines()[:40]
    messages = list(woven([json.loads(line)["turns"] for line in lines]))
    config = CONFIG.replace('"多少钱"', '"餐馆", "景点"').replace('"想报名"', '"酒店"')
    settings = parse_settings(config, examples=False)
    singly = one_by_one("real", lambda other: rows_of(other, messages, 1, settings))
    assert len(singly["Message"]) == len(messages)
    assert len(singly["Evidence"]) > 100
    assert differences(singly, rows_of(store, messages, 500, settings)) == []


def woven(dialogues: list[list[dict[str, Any]]]) -> Iterator[dict[str, Any]]:
    """The dialogues side by side, a minute a turn."""
    for turn in range(max(map(len, dialogues))):
        for number, turns in enumerate(dialogues):
            if turn < len(turns):
                customer, agent = f"wm{number:030}", AGENTS[number % 3]
                ours = turns[turn]["role"] == "agent"
                sender, to = (agent, customer) if ours else (customer, agent)
                at = NOW + timedelta(minutes=turn - 60, seconds=number)
                yield text_message(f"real{number}x{turn}_external", sender, to, turns[turn]["text"], at)
