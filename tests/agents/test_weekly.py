"""The week's summary: once, on the first working day, to leaders alone, with their own team's figures."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from bot.agents.weekly import KIND, SendWeek, is_first_workday, put_weeks
from bot.delivery.handler import NotNeededError
from bot.platform import clock
from bot.platform.config.settings import parse_settings
from bot.platform.models import Agent, Department, Follow, Outbox
from bot.platform.work import Work
from bot.system import System
from sop.workcalendar import Workcalendar
from sop.workspace import Workspace
from tests.support.engine import Engine, local, send_all
from tests.support.parts import AGENT, Town
from tests.support.prompted import CONFIG
from tests.support.rows import Rows

MONDAY = "2027-03-08T09:15"


@pytest.mark.parametrize(
    ("day", "first"),
    [(date(2026, 10, 8), True), (date(2026, 10, 9), False), (date(2026, 10, 12), True), (date(2026, 10, 11), False)],
)
def test_the_first_working_day_is_what_the_calendar_says(day: date, first: bool) -> None:
    """Thursday the 8th follows the National Day holidays."""
    assert is_first_workday(Workcalendar(Workspace(workdays="china")), day) is first


@pytest.fixture
def world(system: System, sandbox: Town) -> Engine:
    """A leader of two; one agent of the team and one of another met a customer last week."""
    clock.move_forward(local(MONDAY) - clock.now())
    system.environment.config.write_text(
        CONFIG.replace("china", "mon-fri").replace("ChenGuoan", ""), encoding="utf-8"
    )
    world = Engine(system.store, parse_settings(CONFIG.replace("china", "mon-fri"), examples=False), local(MONDAY))
    with system.store.write() as session:
        rows = Rows(session, world.now)
        session.add_all([Department(id=2, parent_id=1, name="一组"), Department(id=3, parent_id=1, name="二组")])
        for userid, department, leads in ((AGENT, 2, [2]), ("Mate", 2, []), ("Other", 3, [])):
            agent = rows.agent(userid)
            agent.key, agent.userid, agent.departments, agent.leads = userid.casefold(), userid, [department], leads
            customer = rows.customer(userid, None, agent)
            session.flush()
            follow = session.scalars(select(Follow).where(Follow.customer_id == customer.id)).one()
            follow.added_at = world.now - timedelta(days=3)
    return world


def put(world: Engine) -> int:
    with world.store.write() as session:
        return put_weeks(Work(session, world.settings, world.now))


def test_leaders_alone_are_told_once_a_week(world: Engine) -> None:
    assert [put(world), put(world)] == [1, 0]
    with world.store.read() as session:
        assert session.scalars(select(Agent.userid).join(Outbox, Outbox.agent_id == Agent.id)).all() == [AGENT]
    world.later(days=1)
    assert put(world) == 0
    world.later(days=6)
    assert put(world) == 1


def test_it_can_be_switched_off_and_does_not_come_before_its_hour(world: Engine) -> None:
    off = CONFIG.replace("[workspace]", "[workspace]\nweekly_summary = false")
    assert put(Engine(world.store, parse_settings(off, examples=False), world.now)) == 0
    world.later(hours=-1)
    assert put(world) == 0


def test_the_card_counts_the_team_and_arrives(world: Engine, system: System, sandbox: Town) -> None:
    put(world)
    since = sandbox.control.last_effect()
    send_all(system)
    (card,) = [one["template_card"] for one in sandbox.control.effects(since, "message") if "template_card" in one]
    assert card["main_title"]["title"] == "上周小结 3月1日–3月7日"
    rows = {row["keyname"]: row["value"] for row in card["horizontal_content_list"]}
    assert rows["新客户"] == "2（前一周 0）"
    assert card["card_action"]["url"].endswith("/reports?report=stages&from=2027-03-01&to=2027-03-07&compare=1")


def test_an_empty_week_is_not_told(world: Engine, system: System) -> None:
    put(world)
    with world.store.write() as session:
        for follow in session.scalars(select(Follow)):
            follow.added_at = world.now - timedelta(days=60)
        row = session.scalars(select(Outbox).where(Outbox.kind == KIND)).one()
        with pytest.raises(NotNeededError):
            SendWeek().prepare(Work(session, world.settings, world.now), system, row)
