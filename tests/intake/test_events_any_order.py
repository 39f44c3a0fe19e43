"""Events come twice, late, in any order or not at all: nothing fails, and comparing tells what is true."""

from __future__ import annotations

import hashlib
import random  # noqa: TID251 - shuffles by a seed
import re
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bot.commands.wecom import run_comparison
from bot.platform import clock
from bot.platform.database.alarms import alarms
from bot.platform.models import Agent, CallbackEvent, CorpTag, Customer, Follow, GroupChat, Outbox, SopTask
from bot.sandbox.control import ControlRefusedError
from bot.sync.directory import compare_groups
from bot.system import System, use_system
from bot.worker import jobs
from tests.support.engine import send_all
from tests.support.mirrors import CONFIG
from tests.support.parts import Town

TEAM = ("LinXiaoyu", "ChenGuoan", "ZhouMin")


@pytest.fixture
def office(tmp_path: Path, system: System) -> System:
    """A system with a board, whose jobs run here."""
    (tmp_path / "config.toml").write_text(CONFIG, encoding="utf-8")
    use_system(system)
    return system


def arrive(system: System, xmls: Sequence[str]) -> None:
    """Store these callbacks, in this order, as the web process stores them."""
    for number, xml in enumerate(xmls):
        found = {name: re.search(f"<{name}>(?:<!\\[CDATA\\[)?([^\\]<]*)", xml) for name in
                 ("Event", "MsgType", "ChangeType", "CreateTime")}  # fmt: skip
        said = {name: match[1] if match else "" for name, match in found.items()}
        with system.store.write() as session:
            session.add(
                CallbackEvent(
                    digest=hashlib.sha1(f"{number}{xml}".encode()).hexdigest(),
                    name=said["Event"] or said["MsgType"], change_type=said["ChangeType"], raw_xml=xml, attempts=0,
                    created_at=datetime.fromtimestamp(int(said["CreateTime"]), UTC), received_at=clock.now(),
                )
            )  # fmt: skip


def work(system: System) -> None:
    """Handle what came, and deliver all that follows from it."""
    for _ in range(60):
        jobs.handle_events()
        with system.store.write() as session:
            for row in session.scalars(select(Outbox).where(Outbox.state == "waiting", Outbox.kind != "consent")):
                row.not_before = min(row.not_before, clock.now())
        if not send_all(system):
            return
    raise AssertionError("there is always more to do")


def outcomes(system: System) -> list[str]:
    with system.store.read() as session:
        return [str(outcome) for outcome in session.scalars(select(CallbackEvent.outcome))]


@pytest.mark.parametrize("seed", range(2))
def test_every_recorded_event_twice_in_any_order(office: System, shared: Path, seed: int) -> None:
    xmls = [path.read_text("utf-8") for path in sorted((shared / "wecom/fixtures/events").glob("*.xml"))]
    assert len(xmls) == 34
    twice = [*xmls, *xmls]
    random.Random(seed).shuffle(twice)
    arrive(office, twice)
    jobs.handle_events()
    told = outcomes(office)
    assert len(told) == 68
    assert not [outcome for outcome in told if outcome.startswith("failed")]
    with office.store.read() as session:
        assert session.scalars(select(CallbackEvent).where(CallbackEvent.handled_at.is_(None))).all() == []
        keys = session.scalars(select(Outbox.key)).all()
        assert len(keys) == len(set(keys))


def live(town: Town, dice: random.Random) -> None:
    """Some weeks of a company, in which things happen by chance."""
    control = town.control
    people: list[str] = []
    rooms: list[str] = []

    def someone() -> tuple[str, str] | None:
        pairs = [(f["userid"], f["external_userid"]) for f in control.state()["follows"] if not f["blocked"]]
        return dice.choice(pairs) if pairs else None

    def add() -> None:
        known = dice.choice(people) if people and dice.random() < 0.3 else None
        given = {"external_userid": known} if known else {}
        people.append(control.add_customer(dice.choice(TEAM), "客户", welcome=False, **given)["external_userid"])

    def part() -> None:
        if pair := someone():
            control.part(*pair, by=dice.choice(("agent", "customer")))

    def transfer() -> None:
        if pair := someone():
            taker = dice.choice([userid for userid in TEAM if userid != pair[0]])
            control.transfer(pair[0], taker, pair[1], dice.choice(("done", "done", "customer_refused")))

    def room() -> None:
        rooms.append(control.post("rooms", {"owner": dice.choice(TEAM), "name": f"群{len(rooms)}"})["chat_id"])

    def change_room() -> None:
        if rooms:
            change = dice.choice(({"name": f"改{len(rooms)}"}, {"notice": "x"}, {"dismiss": True}))
            chat_id = rooms.pop() if "dismiss" in change else dice.choice(rooms)
            control.post("change-room", {"chat_id": chat_id, **change})

    def library() -> None:
        control.change_library("create", group="意向", name=f"标签{dice.random()}")

    for _ in range(30):
        with suppress(ControlRefusedError):  # such as adding an agent whom they have
            dice.choice((add, add, add, part, transfer, transfer, room, change_room, library))()
        control.move_clock(dice.choice((1, 60, 6 * 3600)))


def truth(town: Town) -> dict[str, Any]:
    """What WeCom says is so. A customer who deleted the agent stays in the agent's list, but is no contact."""
    follows = town.control.state()["follows"]
    return {"follows": sorted((f["userid"], f["external_userid"]) for f in follows if not f["blocked"])}


def belief(system: System) -> dict[str, Any]:
    """What we hold to be so."""
    with system.store.read() as session:
        follows = session.scalars(select(Follow).where(Follow.ended_at.is_(None)))
        return {"follows": sorted((f.agent.userid, f.customer.external_userid) for f in follows)}


@pytest.mark.parametrize("seed", range(2))
def test_a_company_whose_events_are_shuffled_doubled_and_lost(office: System, sandbox: Town, seed: int) -> None:
    dice = random.Random(seed)
    run_comparison(office, None)
    live(sandbox, dice)
    listed = sandbox.control.get("callbacks")["callbacks"]
    xmls = [row["xml"] for row in listed if row["target"] == "app"]
    assert len(xmls) > 20
    # A customer who leaves is seen in no list: of that only the event tells, and it must not be lost.
    come = [xml for xml in xmls if "del_follow_user" in xml or dice.random() > 0.2]
    come += dice.sample(come, len(come) // 3)
    dice.shuffle(come)
    for start in range(0, len(come), 10):
        arrive(office, [f"{xml}<!--{start}-->" for xml in come[start : start + 10]])
        work(office)
    sandbox.control.move_clock(600)
    for _ in range(2):
        run_comparison(office, None)
        work(office)
    assert belief(office) == truth(sandbox)
    assert not [outcome for outcome in outcomes(office) if outcome.startswith("failed")]
    ids = [chat["chat_id"] for chat in
           office.wecom.post("externalcontact/groupchat/list", data={"limit": 1000})["group_chat_list"]]  # fmt: skip
    with office.store.read() as session:
        ours = select(GroupChat.chat_id).where(GroupChat.dismissed_at.is_(None))
        assert sorted(session.scalars(ours)) == sorted(ids)
        named = {tag["name"] for group in office.wecom.corp_tags() for tag in group["tag"]}
        assert set(session.scalars(select(CorpTag.name))) == named
        followed = select(Follow.agent_id).where(Follow.ended_at.is_(None), Follow.customer_id == SopTask.customer_id)
        stray = select(SopTask).where(SopTask.state == "planned", SopTask.agent_id.not_in(followed))
        assert session.scalars(stray).all() == [], "nobody is to prompt a customer they do not have"
        assert session.scalars(select(Customer.external_userid)).all()


EVENT = "<xml><ToUserName>c</ToUserName><FromUserName>{sender}</FromUserName><CreateTime>{at}</CreateTime>" \
        "<MsgType>event</MsgType><Event>{event}</Event>{rest}</xml>"  # fmt: skip


def event(name: str, rest: str = "", sender: str = "sys") -> str:
    return EVENT.format(sender=sender, at=int(clock.now().timestamp()), event=name, rest=rest)


def agent(system: System, userid: str) -> Agent:
    with system.store.read() as session:
        return session.scalars(select(Agent).where(Agent.key == userid.casefold())).one()


def test_staff_is_followed_through_events(office: System, sandbox: Town) -> None:
    sandbox.control.member("LinXiaoyu", name="林晓雨（主管）", leads=[2])
    arrive(office, [event("change_contact", "<ChangeType>update_user</ChangeType><UserID>LinXiaoyu</UserID>"),
                    event("change_contact", "<ChangeType>update_party</ChangeType><Id>2</Id>")])  # fmt: skip
    work(office)
    assert (agent(office, "linxiaoyu").name, agent(office, "LinXiaoyu").leads) == ("林晓雨（主管）", [2])
    sandbox.control.member("LinXiaoyu", status=5)
    arrive(office, [event("unsubscribe", "<AgentID>1000002</AgentID>", sender="LinXiaoyu")])
    work(office)
    assert agent(office, "LinXiaoyu").left_at is not None
    sandbox.control.member("LinXiaoyu", status=1, active=1)
    arrive(office, [event("subscribe", "<AgentID>1000002</AgentID>", sender="LinXiaoyu")])
    work(office)
    assert agent(office, "LinXiaoyu").left_at is None, "they came back"
    renamed = "<ChangeType>update_user</ChangeType><UserID>ZhouMin</UserID><NewUserID>Zhou.Min</NewUserID>"
    arrive(office, [event("change_contact", renamed)])
    jobs.handle_events()
    assert agent(office, "zhou.min").userid == "Zhou.Min"


def test_wecoms_warnings_are_alarms_until_it_takes_them_back(office: System) -> None:
    def lasting() -> list[str]:
        with office.store.read() as session:
            return sorted(alarm.name for alarm in alarms(session))

    arrive(office, [event("inactive_alert"), event("low_active_alert", "<EffectTime>2026-12-01</EffectTime>")])
    work(office)
    assert lasting() == ["wecom.inactive", "wecom.low_active"]
    arrive(office, [event("active_restored"), event("reopen_inactive_agent")])
    work(office)
    assert lasting() == []


def test_a_group_that_moved_to_another_owner_is_still_one(office: System, sandbox: Town) -> None:
    chat = sandbox.control.post("rooms", {"owner": "LinXiaoyu", "name": "一群"})["chat_id"]
    run = run_comparison(office, None)
    sandbox.control.post("change-room", {"chat_id": chat, "owner": "ZhouMin"})
    run.counts.clear()
    compare_groups(office, run, ["LinXiaoyu"])
    compare_groups(office, run, ["ZhouMin"])
    assert run.counts["groups"] == [0, 1, 0]
    with office.store.read() as session:
        assert session.scalars(select(GroupChat)).one().dismissed_at is None
