"""A customer changes hands, in whatever order WeCom tells it: what was stays, what is open goes on with the heir."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.commands.wecom import run_comparison
from bot.platform import clock
from bot.platform.models import (
    Agent,
    AuditEntry,
    Customer,
    Follow,
    Handover,
    OpenQuestion,
    OwnFollowUp,
    Promise,
    SopEnrolment,
    SopTask,
)
from bot.system import System
from bot.worker import jobs
from tests.support.mirrors import CONFIG, Pair
from tests.support.parts import AGENT, COLLEAGUE, Town
from tests.support.rows import Rows

SOPS = """
[budget]
agent_gap = "0m"

[[sops]]
id = "hello"
on = "@added"
stop = ["left"]
  [[sops.steps]]
  after = "0m"
  anytime = true
  say = "您好"
  [[sops.steps]]
  after = "2d"
  anytime = true
  say = "还在吗"
"""


@pytest.fixture
def pair(tmp_path: Path, system: System, sandbox: Town) -> Pair:
    """A customer of one agent, with a prompt on their phone and one to come."""
    (tmp_path / "config.toml").write_text(CONFIG + SOPS, encoding="utf-8")
    pair = Pair(system, sandbox.control)
    pair.meet()
    due(pair)
    assert tasks(pair) == [(AGENT, "delivered"), (AGENT, "planned")]
    return pair


def due(pair: Pair) -> None:
    jobs.due()
    pair.work()


def tasks(pair: Pair) -> list[tuple[str, str]]:
    with pair.system.store.read() as session:
        rows = session.execute(
            select(Agent.userid, SopTask.state)
            .join(SopTask, SopTask.agent_id == Agent.id)
            .join(SopEnrolment, SopEnrolment.id == SopTask.enrolment_id)
            .where(SopEnrolment.ended_at.is_(None))
            .order_by(SopTask.enrolment_id, SopTask.step)
        )
        return [(userid, state) for userid, state in rows]


def follows(pair: Pair) -> dict[str, str | None]:
    """Who has or had the customer -> how it ended."""
    with pair.system.store.read() as session:
        mine = select(Follow).join(Customer).where(Customer.external_userid == pair.who)
        return {follow.agent.userid: follow.ended_by for follow in session.scalars(mine)}


def log(pair: Pair) -> list[tuple[str, str, str]]:
    with pair.system.store.read() as session:
        entries = session.scalars(select(AuditEntry).where(AuditEntry.action.startswith("customer.")))
        return [(e.action, e.detail.get("from", ""), e.detail.get("to", "")) for e in entries]


HANDED = [("customer.transfer", AGENT, COLLEAGUE)]


@pytest.mark.parametrize("order", ["del add", "add del", "del", "add", "del del add add", "add del add"])
def test_the_heir_goes_on(pair: Pair, order: str) -> None:
    """Lost events too: who alone is told of finds out by reading."""
    before = pair.ledger()
    pair.phone.transfer(AGENT, COLLEAGUE, pair.who)
    for change in order.split():
        pair.tell_transfer() if change == "del" else pair.tell("add", COLLEAGUE)
        pair.work()
    if "del" not in order:
        compare(pair)
    due(pair)
    assert tasks(pair) == [(COLLEAGUE, "delivered"), (COLLEAGUE, "planned")]
    assert follows(pair) == {AGENT: "transfer", COLLEAGUE: None}
    assert log(pair) == HANDED
    assert pair.ledger() == before or len(pair.ledger()) == len(before), "the card stays where it was"
    assert pair.on_phone(COLLEAGUE) == [pair.on_board()]
    cards = [effect["userid"] for effect in pair.phone.effects(0, "message")]
    assert cards[-1] == COLLEAGUE, "they are told"
    with pair.system.store.read() as session:
        giver, taker = (
            select(Agent.userid).join(Handover, column == Agent.id)
            for column in (Handover.giver_id, Handover.taker_id)
        )
        assert (session.scalars(giver).all(), session.scalars(taker).all()) == ([AGENT], [COLLEAGUE])


def test_what_was_promised_asked_and_noted_goes_along(pair: Pair) -> None:
    now = clock.now()
    with pair.system.store.write() as session:
        agent = session.scalars(select(Agent).where(Agent.userid == AGENT)).one()
        customer = session.scalars(select(Customer).where(Customer.external_userid == pair.who)).one()
        message = Rows(session, now).message(customer, "发票怎么开")
        session.flush()
        about = {
            "customer_id": customer.id, "agent_id": agent.id, "message_id": message.id, "msgid": message.msgid,
        }  # fmt: skip
        for start, closed in ((0, None), (9, now)):
            owed = Promise(**about, by="agent", said_at=now, start=start, words="合同", deed="send", closed_at=closed)
            asked = OpenQuestion(**about, asked_at=now, start=start, words="发票怎么开", closed_at=closed)
            session.add_all([owed, asked])
        session.add(
            OwnFollowUp(
                agent_id=agent.id, customer_id=customer.id, words="发合同", due_at=now, state="open", created_at=now
            )
        )
    pair.phone.transfer(AGENT, COLLEAGUE, pair.who)
    pair.tell_transfer()
    pair.tell("add", COLLEAGUE)
    pair.work()
    with pair.system.store.read() as session:
        heir = session.scalars(select(Agent.id).where(Agent.userid == COLLEAGUE)).one()
        assert list(session.scalars(select(OwnFollowUp.agent_id))) == [heir]
        for model in (Promise, OpenQuestion):
            owners = session.execute(select(model.agent_id, model.closed_at.is_(None))).all()
            assert sorted((owner == heir, is_open) for owner, is_open in owners) == [(False, False), (True, True)]


def compare(pair: Pair) -> None:
    pair.phone.move_clock(600)  # contacts just added are not missed at once
    run_comparison(pair.system, None)


def test_events_lost_altogether_are_found_by_comparing(pair: Pair) -> None:
    pair.phone.move_clock(600)
    pair.phone.transfer(AGENT, COLLEAGUE, pair.who)
    compare(pair)
    due(pair)
    assert follows(pair) == {AGENT: "transfer", COLLEAGUE: None}
    assert tasks(pair) == [(COLLEAGUE, "delivered"), (COLLEAGUE, "planned")]
    assert log(pair) == HANDED


def test_whoever_inherits_from_one_who_left_goes_on(pair: Pair) -> None:
    pair.phone.member(AGENT, status=5)
    pair.tell_staff("delete_user", AGENT)
    pair.work()
    with pair.system.store.read() as session:
        assert session.scalars(select(Agent.left_at).where(Agent.userid == AGENT)).one() is not None
    assert follows(pair) == {AGENT: None}, "their customers are still to be given away"
    pair.phone.move_clock(timedelta(days=2).total_seconds())
    due(pair)
    assert "planned" not in dict(tasks(pair)).values()
    sent = [effect["userid"] for effect in pair.phone.effects(0, "message")]
    assert sent == [AGENT], "nothing is sent to one who left"
    pair.phone.transfer(AGENT, COLLEAGUE, pair.who)
    pair.tell("add", COLLEAGUE)
    pair.tell_transfer()
    pair.work()
    due(pair)
    assert {userid for userid, _ in tasks(pair)} == {COLLEAGUE}
    assert [effect["userid"] for effect in pair.phone.effects(0, "message")].count(COLLEAGUE) >= 1


def test_a_handing_over_that_failed_changes_nothing_but_the_log(pair: Pair) -> None:
    before = tasks(pair)
    pair.phone.transfer(AGENT, COLLEAGUE, pair.who, "customer_refused")
    pair.tell_failed_transfer(COLLEAGUE)
    pair.work()
    assert tasks(pair) == before
    assert follows(pair) == {AGENT: None}
    assert log(pair) == [("customer.transfer-failed", "", COLLEAGUE)]


def test_one_who_just_deletes_the_customer_has_no_heir(pair: Pair) -> None:
    pair.phone.part(AGENT, pair.who)
    pair.tell("del")
    pair.work()
    assert tasks(pair) == []
    pair.phone.add_customer(COLLEAGUE, "", external_userid=pair.who, welcome=False)
    pair.tell("add", COLLEAGUE)
    pair.work()
    assert log(pair) == []
    assert {userid for userid, _ in tasks(pair)} == {COLLEAGUE}, "and the colleague greets them as a new one"


def test_an_end_told_before_its_beginning_is_the_end(pair: Pair) -> None:
    began = clock.now()
    who = pair.phone.add_customer(AGENT, "来去匆匆", welcome=False)["external_userid"]
    pair.phone.part(AGENT, who)
    pair.tell("del", AGENT, who, at=began + timedelta(seconds=5))
    pair.tell("add", AGENT, who, at=began)
    pair.work()
    pair.who = who
    assert follows(pair) == {AGENT: "agent"}
    assert pair.on_board() is None
