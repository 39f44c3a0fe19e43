"""The search index: customers are found by name and, where allowed, by what they wrote."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Select, delete, func, select

from bot.platform.database.search_index import (
    WORDS,
    index_words,
    name_terms,
    named,
    reindex_words,
    saying,
    word_terms,
)
from bot.platform.database.store import Store
from bot.platform.models import Customer, Follow, Message, SearchToken
from tests.platform.test_encryption import everything
from tests.support.rows import Rows

NOW = datetime(2026, 3, 4, 2, tzinfo=UTC)


def found(store: Store, wanted: Select[Any]) -> list[str]:
    with store.read() as session:
        return sorted(session.scalars(select(Customer.name).where(Customer.id.in_(wanted))))


@pytest.fixture
def town(store: Store) -> Store:
    with store.write() as session:
        rows = Rows(session, NOW)
        agent = rows.agent()
        wang, ou, anna = (rows.customer(name, agent=agent) for name in ("王建国", "歐陽娜娜", "Anna Li 李安娜"))
        rows.customer("王小国")
        follow = session.scalars(select(Follow).where(Follow.customer_id == wang.id)).one()
        follow.remark = "铂金会员-老王"
        said = [
            rows.message(wang, "请问学费多少钱？"),
            rows.message(ou, "iPhone 15 能上课吗"),
            rows.message(anna, "多谢，钱已付"),
            rows.message(anna, "学费多少钱", agent=agent),
        ]
        index_words(session, said)
    return store


CALLED = {
    "王建国": ["王建国"],
    "王": ["王小国", "王建国"],
    "建国": ["王建国"],
    "王国": [],
    "欧阳": ["歐陽娜娜"],
    "娜": ["Anna Li 李安娜", "歐陽娜娜"],
    "ANN": ["Anna Li 李安娜"],
    "anna 安娜": ["Anna Li 李安娜"],
    "nna": [],
    "铂金会员": ["王建国"],
    "": [],
    "%": [],
    "  ？！": [],
}
SAID = {
    "学费": ["王建国"],
    "多少钱": ["王建国"],
    "學費": ["王建国"],
    "多钱": [],
    "iphone": ["歐陽娜娜"],
    "iPhone 15": ["歐陽娜娜"],
    "phone": [],
    "钱": [],
    "": [],
}


def test_customers_are_found_by_name_and_remark(town: Store) -> None:
    assert {asked: found(town, named(asked)) for asked in CALLED} == CALLED


def test_customers_are_found_by_their_own_words(town: Store) -> None:
    assert {asked: found(town, saying(asked)) for asked in SAID} == SAID


def test_the_index_tells_nobody_what_it_holds(town: Store) -> None:
    dump = everything(town)
    for word in ("学费", "多少", "王建", "anna", "铂金"):
        assert word.encode() not in dump
    with town.read() as session:
        tokens = session.scalars(select(SearchToken.token)).all()
    assert len(tokens) > 40
    assert all(abs(int(token)) > 2**20 for token in tokens[:50])


def test_who_is_renamed_is_found_by_the_new_name_only(town: Store) -> None:
    with town.write() as session:
        customer = next(one for one in session.scalars(select(Customer)) if one.name == "王建国")
        customer.name = "赵建国"
    assert found(town, named("赵建国")) == ["赵建国"]
    assert found(town, named("王建")) == []
    assert found(town, named("老王")) == ["赵建国"]


def test_a_name_that_was_rolled_back_is_not_found(town: Store) -> None:
    with suppress(RuntimeError), town.write() as session:
        session.scalars(select(Customer)).first().name = "不存在"  # type: ignore[union-attr]
        session.flush()
        raise RuntimeError
    assert found(town, named("不存在")) == []


def test_words_of_purged_messages_go_and_the_others_stay(town: Store) -> None:
    with town.write() as session:
        customer = next(one for one in session.scalars(select(Customer)) if one.name == "歐陽娜娜")
        session.add(Rows(session, NOW).message(customer, "周末有课吗"))
        index_words(session, session.scalars(select(Message).where(Message.customer_id == customer.id)))
        first = session.scalar(select(func.min(Message.id)).where(Message.customer_id == customer.id))
        session.execute(delete(Message).where(Message.id == first))
        reindex_words(session, [customer.id])
    assert found(town, saying("iphone")) == []
    assert found(town, saying("周末")) == ["歐陽娜娜"]
    assert found(town, saying("学费")) == ["王建国"]


def test_indexing_twice_adds_nothing(town: Store) -> None:
    with town.write() as session:
        assert index_words(session, session.scalars(select(Message)).all()) == 0
        words = select(func.count()).select_from(SearchToken).where(SearchToken.kind == WORDS)
        assert (session.scalar(words) or 0) > 10


@given(st.text(max_size=40))
def test_whatever_is_called_so_is_found_by_all_of_it(name: str) -> None:
    from bot.platform.database.search_index import _asked

    assert set(_asked(name, single=True)) <= name_terms(name)
    assert set(_asked(name, single=False)) <= word_terms(name)
