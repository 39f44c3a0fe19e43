"""Handover briefs: whoever takes a customer over gets one card with what they must know, or one list for several."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from bot.agents.handover_brief import SendHandover, tell_handovers
from bot.customers.handovers import handover_of, open_by_first_payment, open_handover, tick
from bot.delivery.handler import NotNeededError, PostponedError
from bot.platform.config.settings import parse_settings
from bot.platform.database.store import Store
from bot.platform.models import (
    Agent,
    Customer,
    CustomerField,
    Follow,
    Handover,
    OpenQuestion,
    Order,
    Outbox,
    Promise,
)
from bot.platform.work import Work
from tests.support.archived import NOW, Archived
from tests.support.rows import Rows

CONFIG = """
[handover]
people = ["boss"]
first_payment = true

[[fields]]
name = "boss"
title = "决策人"

[[fields]]
name = "city"
title = "城市"

[[pipelines]]
name = "课程转化"
fields = ["city", "birthday"]
stages = [{ name = "新线索", on = ["@added"] }]
"""


class Place:
    """What of a system the handler asks for."""

    class environment:  # noqa: N801 -- as the real one is called
        base_url = "https://tici.example.com"


@pytest.fixture
def archived(store: Store) -> Archived:
    archived = Archived(store, parse_settings(CONFIG, examples=False))
    with store.write() as session:
        rows = Rows(session, NOW - timedelta(days=9))
        giver, taker = rows.agent("李老师"), rows.agent("王老师")
        customer = rows.customer("陈女士", agent=giver)
        session.add(Follow(agent_id=taker.id, customer_id=customer.id, added_at=NOW))
        for name, value in (("boss", "张总"), ("city", "上海")):
            session.add(CustomerField(customer_id=customer.id, name=name, value=value))
        message = rows.message(customer, "发票怎么开")
        about = {"customer_id": customer.id, "agent_id": giver.id, "message_id": message.id, "msgid": message.msgid}
        session.add(Promise(**about, by="agent", said_at=NOW, start=0, words="周五前发合同", deed="send", due_at=NOW))
        session.add(OpenQuestion(**about, asked_at=NOW, start=0, words="发票怎么开"))
        order(session, customer.id, 1, "paid")
        order(session, customer.id, 2, "refunded")
    return archived


def order(session: Any, customer_id: int, number: int, status: str) -> None:
    session.add(
        Order(source="shop", own_id=str(number), customer_id=customer_id, amount=299_900, status=status,
              ordered_at=NOW, changed_at=NOW, taken_at=NOW)
    )  # fmt: skip


def people(session: Any) -> tuple[Customer, Agent, Agent]:
    return (
        session.scalars(select(Customer)).first(),
        *session.scalars(select(Agent).order_by(Agent.id)),
    )


def hand(archived: Archived) -> None:
    with archived.store.write() as session:
        customer, giver, taker = people(session)
        open_handover(Work(session, archived.settings, archived.now), customer.id, giver.id, taker.id, "transfer")


def told(archived: Archived) -> list[Outbox]:
    with archived.store.write() as session:
        tell_handovers(Work(session, archived.settings, archived.now))
    return list(archived.rows(Outbox, Outbox.kind == "handover"))


def card(archived: Archived, row: Outbox, at: datetime | None = None) -> dict[str, Any]:
    with archived.store.write() as session:
        work = Work(session, archived.settings, at or archived.now)
        prepared = SendHandover().prepare(work, Place(), session.get_one(Outbox, row.id))  # type: ignore[arg-type]
        found: dict[str, Any] = prepared["card"]
        return found


def lines(found: dict[str, Any]) -> list[tuple[str, str]]:
    return [(one["keyname"], one["value"]) for one in found["horizontal_content_list"]]


def test_the_card_says_what_one_must_know(archived: Archived) -> None:
    hand(archived)
    hand(archived)  # WeCom tells it twice
    (row,) = told(archived)
    assert told(archived) == [row] or len(told(archived)) == 1
    found = card(archived, row)
    assert found["main_title"]["title"] == "陈女士 交给您了"
    assert found["card_action"]["url"].endswith("/c/1/handover")
    assert lines(found) == [
        ("关键人", "张总"), ("基本情况", "城市 上海；还不知道birthday"), ("已付款", "1 笔，2999 元"),
        ("答应过", "周五前发合同"), ("没回答", "发票怎么开"), ("下一步", "先打个招呼，说明由您接着服务"),
    ]  # fmt: skip


def test_it_waits_for_work_hours_and_is_not_sent_where_nothing_is_left(archived: Archived) -> None:
    hand(archived)
    (row,) = told(archived)
    with pytest.raises(PostponedError):
        card(archived, row, NOW.replace(hour=18))
    with archived.store.write() as session:
        session.execute(update(Follow).where(Follow.added_at == NOW).values(ended_at=NOW))
    with pytest.raises(NotNeededError):  # who has lost the customer again is told nothing
        card(archived, row)
    with archived.store.write() as session:
        session.execute(update(Follow).values(ended_at=None))
        session.execute(update(Handover).values(accepted_at=NOW))
    with pytest.raises(NotNeededError):
        card(archived, row)


def test_several_come_in_one_list(archived: Archived) -> None:
    hand(archived)
    with archived.store.write() as session:
        _, giver, taker = people(session)
        for n in range(8):
            other = Rows(session, NOW).customer(f"客户{n}", agent=taker)
            open_handover(Work(session, archived.settings, NOW), other.id, giver.id, taker.id, "transfer")
    (row,) = told(archived)
    found = card(archived, row)
    assert found["main_title"]["title"] == "9 位客户交给您了"
    assert len(lines(found)) == 6
    assert "还有 3 位" in found["sub_title_text"]


def test_the_first_payment_tells_who_has_the_customer_and_naming_a_taker_tells_them(archived: Archived) -> None:
    def pay() -> None:
        with archived.store.write() as session:
            customer, giver, _ = people(session)
            follows = session.scalars(select(Follow).where(Follow.agent_id == giver.id)).all()
            open_by_first_payment(Work(session, archived.settings, NOW), customer.id, follows)

    pay()
    pay()
    (row,) = told(archived)
    assert card(archived, row)["main_title"]["title"] == "陈女士 第一次付款，可以交接了"
    hand(archived)
    _, second = told(archived)
    assert card(archived, second)["main_title"]["title"] == "陈女士 交给您了"
    assert len(archived.rows(Handover)) == 1
    with archived.store.write() as session:
        session.execute(update(Handover).values(accepted_at=NOW))
        order(session, 1, 3, "paid")
    pay()
    assert len(archived.rows(Handover)) == 1  # the second payment hands nobody over


def test_without_the_key_a_payment_hands_nobody_over(archived: Archived) -> None:
    archived.settings = parse_settings("", examples=False)
    with archived.store.write() as session:
        work = Work(session, archived.settings, NOW)
        open_by_first_payment(work, 1, session.scalars(select(Follow)).all())
    assert archived.rows(Handover) == []


def test_ticks_come_and_go(archived: Archived) -> None:
    hand(archived)
    with archived.store.write() as session:
        work = Work(session, archived.settings, NOW)
        row = handover_of(session, 1)
        assert row is not None
        tick(work, row, "一", "Wang", done=True)
        tick(work, row, "二", "Wang", done=True)
        tick(work, row, "一", "Wang", done=False)
    (row,) = archived.rows(Handover)
    assert row.ticks == {"二": ["Wang", NOW.isoformat()]}
