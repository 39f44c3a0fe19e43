"""A move taken back after other things have happened: what would have ended since stays ended, the rest goes on."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import select, update

from bot.agents.handover import end_or_inherit
from bot.agents.misjudged import consequences_of, take_back_move
from bot.customers.identity import find_agents, start_follow
from bot.customers.state import CustomerState, last_move, load_customer
from bot.platform.database.store import Store
from bot.platform.models import Agent, Customer, Evidence, Follow, Placement, SopEnrolment, SopTask
from bot.platform.work import Work
from bot.sops.outlook import outlook
from bot.sops.replanning import plans_follow
from tests.sops.test_replanning import edit, keep
from tests.sops.test_undoing import CONFIG, Deed, do, drag, running, undo
from tests.support.engine import Engine, engine

MORE = """
[[tags]]
group = "进展"
names = ["成交了", "聊过"]

[[pipelines]]
name = "售后"
stages = [{ name = "开课", on = [] }, { name = "续费", on = [], won = true }, { name = "退费", on = [], lost = true }]

[[rules]]
id = "trial"
tag = "想试听"
any = ["试听课"]
match = "text"
"""
EDITED = (
    (CONFIG + MORE)
    .replace('stop = ["moved", "lost", "won"]', 'stop = ["moved", "lost", "won", "reply", "tag:成交了"]')
    .replace('{ name = "试听", on = [] }', '{ name = "试听", on = ["想试听"] }')
)
AGENT, COLLEAGUE = "LinXiaoyu", "ChenGuoan"


@pytest.fixture
def world(store: Store) -> Engine:
    return engine(store, EDITED, "2026-05-12T10:00")


@pytest.fixture
def who(world: Engine) -> str:
    keep(world)
    who = world.customer()
    world.happen(who, events=["@added"])
    world.change(world.tasks(who, "lead")[0].id, state="delivered", delivered_at=world.now)
    world.say(AGENT, who, "您好，刚才忘了介绍我自己")
    world.later(minutes=5)
    do(world, who, drag("试听"))
    world.later(minutes=5)
    return who


def in_store(world: Engine, who: str, deed: Callable[[Work, CustomerState], object]) -> None:
    with world.store.write() as session:
        customer = session.scalars(select(Customer).where(Customer.external_userid == who)).one()
        deed(Work(session, world.settings, world.now), load_customer(session, customer))


def wins_elsewhere(work: Work, state: CustomerState) -> None:
    place = Placement(customer_id=state.customer.id, pipeline="售后", stage="续费", entered_at=work.now, serial=1)
    work.session.add(place)


@pytest.mark.parametrize(
    ("happens", "revived"),
    [
        pytest.param(lambda world, who: world.say(who, AGENT, "好的，我看看"), [], id="they replied"),
        pytest.param(lambda world, who: world.say(who, AGENT, "好", room="wr1"), ["lead"], id="a word in a group"),
        pytest.param(lambda world, who: world.say(AGENT, who, "在吗"), ["lead"], id="our own word"),
        pytest.param(lambda world, who: world.happen(who, "t", tags=["成交了"]), ["lead"], id="a tag not carried"),
        pytest.param(lambda world, who: in_store(world, who, wins_elsewhere), [], id="won in another pipeline"),
    ],
)
@pytest.mark.parametrize("back", [undo, drag("新线索")], ids=["undone", "dragged back"])
def test_what_would_have_ended_meanwhile_stays_ended(
    world: Engine, who: str, happens: object, revived: list[str], back: Deed
) -> None:
    assert callable(happens)
    happens(world, who)
    world.later(minutes=1)
    told = do(world, who, back)
    assert told.get("revived", []) == revived
    assert ("lead" in running(world)) == bool(revived or "lead" in told.get("started", []))


def test_what_is_taken_up_again_follows_the_config_as_it_is_now(world: Engine, who: str) -> None:
    edit(world, EDITED.replace("第二天再问一句", "第二天再看看要不要帮忙"))
    assert world.tasks(who, "lead")[1].wording == "第二天再问一句", "it has ended, and is left alone"
    assert followed(world)
    do(world, who, undo)
    assert not followed(world), "all plans are compared with the config once more"
    edit(world, world.settings.source)
    assert world.tasks(who, "lead")[1].wording == "第二天再看看要不要帮忙"


def followed(world: Engine) -> bool:
    with world.store.read() as session:
        return plans_follow(Work(session, world.settings, world.now))


def test_who_took_the_customer_over_goes_on_with_it(world: Engine, who: str) -> None:
    def hand_over(work: Work, state: CustomerState) -> None:
        (giver,) = state.active_follows
        heir = find_agents(work.session, [COLLEAGUE], work.now)[COLLEAGUE.casefold()]
        start_follow(work.session, heir, state.customer, work.now)
        work.session.flush()
        giver.ended_at, giver.ended_by = work.now, "transfer"
        end_or_inherit(work, load_customer(work.session, state.customer), giver)

    in_store(world, who, hand_over)
    world.later(minutes=1)
    assert do(world, who, undo)["revived"] == ["lead"]
    with world.store.read() as session:
        lead = select(SopTask.state, Agent.userid).join(Agent, Agent.id == SopTask.agent_id)
        lead = lead.join(SopEnrolment, SopEnrolment.id == SopTask.enrolment_id).where(SopEnrolment.sop_id == "lead")
        assert [tuple(row) for row in session.execute(lead)] == [("planned", COLLEAGUE)] * 2


def test_an_agent_whom_they_deleted_is_not_asked_to_go_on(world: Engine, who: str) -> None:
    with world.store.write() as session:
        session.execute(update(Follow).values(ended_at=world.now, ended_by="customer"))
    assert "revived" not in do(world, who, undo)


def test_before_a_card_is_dragged_back_it_says_what_that_stops_and_takes_up_again(world: Engine, who: str) -> None:
    with world.store.read() as session:
        work = Work(session, world.settings, world.now)
        state = load_customer(session, session.scalars(select(Customer)).one())
        told = outlook(work, state, work.settings.pipelines[0], last_move(session, state, "转化"))
    assert {name: list(titles) for name, titles in vars(told["新线索"]).items()} == {
        "starts": [], "stops": ["试听提醒"], "resumes": ["线索跟进"],
    }  # fmt: skip
    assert told["成交"].resumes == ()
    assert do(world, who, drag("新线索")) == {"stopped": ["trial"], "revived": ["lead"]}


def test_a_move_by_a_misjudged_word_says_what_is_taken_back_with_it(world: Engine) -> None:
    who = world.customer()
    world.happen(who, events=["@added"])
    world.say(who, AGENT, "试听课怎么约")
    with world.store.write() as session:
        work = Work(session, world.settings, world.now)
        state = load_customer(session, session.scalars(select(Customer)).one())
        evidence = session.scalars(select(Evidence)).one()
        (move,) = consequences_of(work, state, evidence).moves
        undone = take_back_move(work, state, evidence, move.id, "wang")
        assert undone.row.to_stage == "新线索"
        assert [one.sop_id for one in undone.effects.stopped] == ["trial"]
        assert [one.sop_id for one in undone.effects.revived] == ["lead"]
