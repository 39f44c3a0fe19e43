"""What a batch of messages costs the database: so many statements, however many messages there are in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event, select

from bot.platform.config.settings import parse_settings
from bot.platform.database.store import Store
from bot.platform.models import Customer, Evidence, Message, Outbox, Placement, SopEnrolment, StageMove
from tests.support.archived import CONFIG, Archived, said

PEOPLE = 20
THRICE = """
[[rules]]
id = "asks-again"
tag = "追问价格"
any = ["多少钱"]
match = "text"
times = 3
within = "1d"
"""
ON_PHONES = '[[tags]]\ngroup = "话题"\nphone = true\nnames = ["追问价格"]\n'


@contextmanager
def counted(store: Store) -> Iterator[list[str]]:
    """What is asked of the database meanwhile."""
    asked: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        asked.append(statement)

    event.listen(store.engine, "before_cursor_execute", note)
    yield asked
    event.remove(store.engine, "before_cursor_execute", note)


def talk(rounds: int, words: str, at: int) -> list[bytes]:
    """So many words of each of the people, all in one hour."""
    return [
        said(words, at + turn / 100, **{"from": f"wm{person:030}"})
        for turn in range(rounds)
        for person in range(PEOPLE)
    ]


def test_ten_times_the_messages_cost_no_more_statements(store: Store) -> None:
    archived = Archived(store)
    archived.arrive(*talk(1, "你好", 0))
    with counted(store) as few:
        archived.arrive(*talk(1, "好的", 1))
    with counted(store) as many:
        archived.arrive(*talk(10, "在的", 2))
    assert len(many) <= len(few) + 3  # PostgreSQL takes its rows in portions
    with store.read() as session:
        assert len(session.scalars(select(Message.id)).all()) == 12 * PEOPLE


def test_meeting_many_costs_no_more_than_meeting_two(store: Store) -> None:
    archived = Archived(store)
    with counted(store) as few:
        archived.arrive(*talk(1, "你好", 0)[:2])
    with counted(store) as many:
        archived.arrive(*talk(1, "你好", 1)[2:])
    assert len(many) <= len(few) + 5
    with store.read() as session:
        assert len(session.scalars(select(Placement)).all()) == PEOPLE


def test_tags_on_the_phones_cost_no_more_for_many_than_for_two(store: Store) -> None:
    archived = Archived(store, parse_settings(CONFIG + THRICE.replace("times = 3", "times = 1") + ON_PHONES))
    archived.arrive(*talk(1, "你好", 0))
    with counted(store) as few:
        archived.arrive(*talk(1, "多少钱", 1)[:2])
    with counted(store) as many:
        archived.arrive(*talk(1, "多少钱", 2)[2:])
    assert len(many) <= len(few) + 5
    with store.read() as session:
        rows = session.scalars(select(Outbox).where(Outbox.kind == "mark_tag")).all()
        assert sum(row.payload["pipeline"] == "话题" for row in rows) == PEOPLE


def test_hits_are_counted_within_one_batch_and_across_batches(store: Store) -> None:
    archived = Archived(store, parse_settings(CONFIG + THRICE, examples=False))
    archived.arrive(*talk(2, "多少钱", 0))
    assert [e.counted for e in hits(archived)] == [1, 2] * PEOPLE
    archived.arrive(*talk(2, "多少钱", 30))
    assert [e.counted for e in hits(archived)] == [1, 2, 3, 3] * PEOPLE


def hits(archived: Archived) -> list[Evidence]:
    """Of the rule that counts, each customer's in the order of the archive."""
    rows = archived.rows(Evidence, Evidence.rule_id == "asks-again")
    return sorted(rows, key=lambda e: (e.customer_id, e.id))


def test_rows_are_numbered_in_the_order_they_were_added(store: Store) -> None:
    now = Archived(store).now
    for first in (0, 50):
        with store.write() as session:
            rows = [
                Customer(external_userid=f"wm{n}", created_at=now, activity=0, conversion=0)
                for n in range(first, first + 50)
            ]
            session.add_all(rows)
            session.flush()
            ids = [row.id for row in rows]
            assert ids == sorted(set(ids))
    with store.read() as session:
        found = session.execute(select(Customer.external_userid).order_by(Customer.id)).scalars().all()
    assert found == [f"wm{n}" for n in range(100)]


def test_rows_that_bring_their_number_are_not_met_by_those_that_get_one(store: Store) -> None:
    now = Archived(store).now
    given = 2 if store.engine.dialect.name == "sqlite" else 1000  # there the sequence knows nothing of the given ones
    with store.write() as session:
        rows = [Customer(external_userid=f"wm{n}", created_at=now, activity=0, conversion=0) for n in range(3)]
        rows[2].id = given
        session.add_all(rows)
        session.flush()
        assert rows[2].id == given
        assert len({row.id for row in rows}) == 3


EVERYTHING = """
[[rules]]
id = "asks-once-more"
tag = "又问"
any = ["多少钱"]
match = "text"
times = 2
within = "1d"

[[rules]]
id = "eager"
tag = "高意向"
any = ["想报名"]
match = "text"

[[rules]]
id = "not-now"
tag = "再考虑"
any = ["想想"]
match = "text"

[[tags]]
group = "意向"
exclusive = true
names = ["高意向", "再考虑"]

[[rules]]
id = "opens"
tag = "开口了"
on = ["@first-message"]

[[pipelines]]
name = "意向"
stages = [{ name = "高意向", aside = true }, { name = "再考虑", aside = true }]

[[sops]]
id = "now"
on = "tag:高意向"
stop = ["moved", "reply"]

  [[sops.steps]]
  after = "0m"
  anytime = true
  say = "报名的链接发您。"

[[sops]]
id = "back"
stage = "再考虑"
again = "3d"

  [[sops.steps]]
  after = "0m"
  say = "不着急，您慢慢想。"
"""


def wavering(people: range, turns: int, at: int) -> list[bytes]:
    """Each of these people asks, is eager, and thinks again, so many times over."""
    words = ("多少钱", "想报名", "我再想想")
    return [
        said(words[turn % 3], at + turn, **{"from": f"wm{person:030}"})
        for turn in range(3 * turns)
        for person in people
    ]


@pytest.mark.parametrize(("people", "turns"), [(40, 1), (4, 10)])
def test_ten_times_the_hits_moves_and_enrolments_cost_no_more(store: Store, people: int, turns: int) -> None:
    archived = Archived(store, parse_settings(CONFIG + EVERYTHING, examples=False))
    archived.arrive(*wavering(range(2000, 2004), 1, 0))  # what is asked only once is asked here
    with counted(store) as few:
        archived.arrive(*wavering(range(4), 1, 10))
    before = {model: len(archived.rows(model)) for model in (Evidence, StageMove, SopEnrolment)}
    with counted(store) as many:
        archived.arrive(*wavering(range(100, 100 + people), turns, 20))
    grown = {model: len(archived.rows(model)) - count for model, count in before.items()}
    assert grown[Evidence] >= 10 * 4 * 3
    assert grown[StageMove] >= 10 * 4 * 2
    assert grown[SopEnrolment] >= min(people, 4 * 10)
    assert len(many) <= len(few) + 8, "\n".join(many)  # numbers and rows in portions, kinds of change
