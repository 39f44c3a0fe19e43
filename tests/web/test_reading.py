"""Who may read, when something has ended: every address, link, list, answer and button x every state."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.agents import accounts
from bot.agents.card_clicks import take_click
from bot.agents.chat import answer_agent
from bot.agents.reading import may_read, reader_of_agent
from bot.platform import clock
from bot.platform.database.store import Store
from bot.platform.models import (
    Account,
    Agent,
    CallbackEvent,
    Customer,
    Follow,
    GroupChat,
    GroupMember,
    OpenQuestion,
    OwnFollowUp,
    Promise,
    SopTask,
)
from bot.platform.signed_links import day_url, task_url
from bot.platform.work import Work
from bot.web.auth.visitor import AGENT, ROLES
from bot.wecom.event_kinds import CardClick
from tests.support.access_matrix import ANYBODY, ROWS, Row, furnish
from tests.support.rows import Rows
from tests.support.site import CONFIG, Site, open_site
from tests.web.test_access import SOP, USUAL

NAME, WORDS = "归属客户", "只有自己的员工能看的话"
LINKS = ("task.show", "task.download", "task.later", "task.unfit", "task.back", "task.chat", "day_list.show")
SIGNS_OUT = ("signin.", "preferences.")
STRANGER = (302, 401, 204)
SEARCHES = ("/board?q=归属客", "/board?agent={agent}", "/sops/s/hello/preview?name=归属客", "/tasks?agent={agent}",
            "/board/changes", "/sidebar")  # fmt: skip


@dataclass
class Scene:
    """A site with one customer, the agent who has them, and their browser."""

    site: Site
    client: FlaskClient
    agent: int
    things: dict[str, Any]

    def change(self, change: Callable[[Any], None]) -> None:
        with self.site.store.write() as session:
            change(session)

    def ask(self, key: tuple[str, ...]) -> tuple[int, str]:
        """The status and the words of an address; one who is sent to sign in got 401."""
        row, method = ROWS[key], key[1]
        form = {name: value.format(**self.things) for name, value in row.form.items()} if method == "POST" else None
        with self.client.open(row.path.format(**self.things), method=method, data=form) as answer:
            words = "" if key[0] == "live.stream" else answer.get_data(as_text=True)
            return answer.status_code, words

    def chat(self) -> str:
        """What the agent is told in the app, whatever they ask."""
        with self.site.store.write() as session:
            agent = session.get_one(Agent, self.agent)
            work = Work(session, self.site.system.settings, clock.now())
            return "\n".join(answer_agent(work, agent, text) for text in ("今日", f"客户 {NAME}", "完成 1"))

    def press(self) -> str:
        """What came of the button 稍后 on the task's card."""
        with self.site.store.write() as session:
            agent, now = session.get_one(Agent, self.agent), clock.now()
            ref = session.get_one(SopTask, self.things["task"]).ref
            row = CallbackEvent(
                digest=f"{now}", name="template_card_event", raw_xml="", created_at=now, received_at=now
            )
            session.add(row)
            session.flush()
            event = CardClick(agent.userid, f"later:{ref}", "task", "button_interaction", "", (), False, 1)
            return take_click(Work(session, self.site.system.settings, now), event, row)


def set_scene(site: Site, role: str = AGENT) -> Scene:
    """One customer of Owner; the browser is Owner's, or the one of who leads Owner's department."""
    client = site.signed_in(AGENT, "Owner", [2])
    with site.store.read() as session:
        owner = session.scalars(select(Agent.id).where(Agent.key == "owner")).one()
    things = furnish(site, owner, "owner")
    if role != AGENT:
        client = site.signed_in(role, "Chief", [2])
    with site.store.write() as session:
        customer = session.get_one(Customer, things["customer"])
        Rows(session, clock.now()).message(customer, WORDS, ago=timedelta(minutes=2))
        chief = session.scalar(select(Agent.id).where(Agent.key == "chief"))
    return Scene(site, client, owner if chief is None else chief, things)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "materials").mkdir()
    (tmp_path / "materials" / "leaflet.pdf").write_bytes(b"%PDF-1.4")
    return tmp_path


def end_relation(scene: Scene) -> Callable[[Any], None]:
    def change(session: Any) -> None:
        now = clock.now()
        for follow in session.scalars(select(Follow)):
            follow.ended_at, follow.ended_by = now, "customer"
        for member in session.scalars(select(GroupMember).where(GroupMember.kind == "agent")):
            member.left_at = now
        for room in session.scalars(select(GroupChat)):
            room.owner = "Somebody"

    return change


def disable(scene: Scene) -> Callable[[Any], None]:
    def change(session: Any) -> None:
        account = session.scalars(select(Account).where(Account.agent_id == scene.agent)).one()
        accounts.disable(session, account, "the test", clock.now())

    return change


def leave(scene: Scene) -> Callable[[Any], None]:
    return lambda session: setattr(session.get_one(Agent, scene.agent), "left_at", clock.now())


def lower_role(scene: Scene) -> Callable[[Any], None]:
    return lambda session: setattr(
        session.scalars(select(Account).where(Account.agent_id == scene.agent)).one(), "role", AGENT
    )


def of_signed_in(key: tuple[str, ...], row: Row, ended: tuple[int, ...]) -> tuple[int, ...]:
    """Statuses where the visitor stays signed in as an agent: what belongs to the customer is gone (`ended`)."""
    if row.open_to == ANYBODY:
        return (410,) if key[0] in LINKS[:6] else (*USUAL, *row.also)
    if AGENT not in row.open_to:
        return (404,)
    if key[0] in ("tasks.desk_only", "sidebar.later", "sidebar.unfit"):
        return (*USUAL, 404)  # one's own day is there, without what has ended
    return ended if row.owned else (*USUAL, *row.also)


def of_stranger(key: tuple[str, ...], row: Row) -> tuple[int, ...]:
    if row.open_to == ANYBODY:
        return (410,) if key[0] in LINKS else (*USUAL, *row.also)
    return STRANGER


def wrong(scene: Scene, expected: Callable[[tuple[str, ...], Row], tuple[int, ...]]) -> list[str]:
    """Every address that answers otherwise than expected, or tells of the customer."""
    found = []
    for key, row in ROWS.items():
        if key[0].startswith(SIGNS_OUT):
            continue
        status, words = scene.ask(key)
        if status not in expected(key, row):
            found.append(f"{' '.join(key)}: {status}")
        if NAME in words or WORDS in words:
            found.append(f"{' '.join(key)}: tells of the customer")
    for path in SEARCHES:
        words = scene.client.get(path.format(**scene.things)).text
        if NAME in words or WORDS in words:
            found.append(f"{path}: tells of the customer")
    return found


def test_before_anything_ends_each_surface_tells_of_the_customer(place: Path) -> None:
    """The control: where the tests below find nothing, there was something."""
    with open_site(place, CONFIG + SOP) as site:
        scene = set_scene(site)
        for key in (("board.show", "GET"), ("board.customer", "GET"), ("customer.talk", "GET"), ("tasks.show", "GET"),
                    ("tasks.desk_only", "GET"), ("tasks.one", "GET"), ("groups.one", "GET"), ("task.show", "GET"),
                    ("day_list.show", "GET"), ("sidebar.customer", "POST"), ("sidebar.group", "POST")):  # fmt: skip
            status, words = scene.ask(key)
            assert status == 200, key
            assert NAME in words or WORDS in words, key
        for path in SEARCHES[:4]:
            assert NAME in scene.client.get(path.format(**scene.things)).text, path
        assert NAME in scene.chat()


def test_once_the_relation_has_ended(place: Path) -> None:
    with open_site(place, CONFIG + SOP) as site:
        scene = set_scene(site)
        scene.change(end_relation(scene))
        assert wrong(scene, lambda key, row: of_signed_in(key, row, (404,))) == []
        assert "您的客户里没有" in scene.chat()
        assert NAME not in scene.chat().replace(f"「{NAME}」", "")
        assert scene.press().startswith("click: refused")


@pytest.mark.parametrize("end", [disable, leave])
def test_once_the_account_is_disabled_or_the_agent_has_left(
    place: Path, end: Callable[[Scene], Callable[[Any], None]]
) -> None:
    with open_site(place, CONFIG + SOP) as site:
        scene = set_scene(site)
        if end is disable:  # an admin must be left
            site.signed_in("admin")
        scene.change(end(scene))
        assert wrong(scene, of_stranger) == []
        assert NAME not in scene.chat()
        assert "停用" in scene.chat()
        assert scene.press().startswith("click: refused")


def test_once_a_leader_is_an_agent_again(place: Path) -> None:
    with open_site(place, CONFIG + SOP) as site:
        scene = set_scene(site, "leader")
        ref = None
        with site.store.read() as session:
            ref = session.get_one(SopTask, scene.things["task"]).ref
        assert NAME in scene.ask(("board.customer", "GET"))[1]
        key, now = site.key, clock.now()
        scene.things["task_link"] = task_url("", ref, scene.agent, key, now)
        scene.things["day_link"] = day_url("", scene.agent, key, now)
        scene.change(lower_role(scene))
        found = [
            one for one in wrong(scene, lambda key, row: of_signed_in(key, row, (404,))) if "desk_only" not in one
        ]
        assert found == []
        assert scene.ask(("tasks.desk_only", "GET"))[0] == 404
        assert NAME not in scene.chat().replace(f"「{NAME}」", "")


def close(model: type[Promise] | type[OpenQuestion], id: int, session: Session) -> None:
    row = session.get_one(model, id)
    assert isinstance(row, Promise | OpenQuestion)
    row.closed_at = clock.now()


@pytest.mark.parametrize("state", ["completed", "replied", "cancelled", "expired"])
def test_a_link_ends_with_its_task(place: Path, state: str) -> None:
    with open_site(place, CONFIG + SOP) as site:
        scene = set_scene(site)
        scene.change(lambda session: setattr(session.get_one(SopTask, scene.things["task"]), "state", state))
        scene.change(lambda session: setattr(session.get_one(OwnFollowUp, scene.things["own"]), "state", "done"))
        for model, name in ((Promise, "promise"), (OpenQuestion, "question")):
            scene.change(partial(close, model, scene.things[name]))
        for key in [key for key in ROWS if key[0] in LINKS[:4]]:
            status, words = scene.ask(key)
            assert status == 410, key
            assert NAME not in words
        assert NAME not in scene.ask(("day_list.show", "GET"))[1]
        assert scene.ask(("tasks.one", "GET"))[0] == 200, "who is signed in may look back"


def test_a_link_ends_when_its_task_runs_out_though_nobody_has_noted_it_yet(place: Path) -> None:
    with open_site(place, CONFIG + SOP) as site:
        scene = set_scene(site)
        scene.change(
            lambda session: setattr(session.get_one(SopTask, scene.things["task"]), "expires_at", clock.now())
        )
        assert scene.ask(("task.show", "GET"))[0] == 410


def test_a_link_shows_nothing_newer_than_its_prompt_and_no_numbers(place: Path) -> None:
    with open_site(place, CONFIG + SOP) as site:
        scene = set_scene(site)
        with site.store.write() as session:
            now, customer = clock.now(), session.get_one(Customer, scene.things["customer"])
            rows = Rows(session, now)
            colleague = rows.agent("同事")
            session.get_one(SopTask, scene.things["task"]).delivered_at = now - timedelta(minutes=1)
            rows.message(customer, "我的电话是 13912345678", ago=timedelta(minutes=3))
            rows.message(customer, "后来对同事说的话", colleague)
            rows.tag(customer, "后来才有的标签")
            rows.place(customer, "后来的阶段", "老客服务")
        page = scene.ask(("task.show", "GET"))[1]
        assert WORDS in page
        assert "我的电话是" in page
        for newer in ("13912345678", "后来对同事说的话", "后来才有的标签", "后来的阶段"):
            assert newer not in page
        signed_in = scene.ask(("board.customer", "GET"))[1]
        assert "后来对同事说的话" in signed_in


@pytest.mark.parametrize(
    ("role", "departments", "reads"),
    [
        ("admin", [9], True),
        ("auditor", [9], True),
        ("leader", [2], True),
        ("leader", [9], False),
        (AGENT, [2], False),
    ],
)
def test_whose_role_reads_more_needs_no_relation(
    store: Store, role: str, departments: list[int], reads: bool
) -> None:
    assert role in ROLES
    now = clock.now()
    with store.write() as session:
        rows = Rows(session, now)
        owner, reader = rows.agent(), rows.agent("看的人")
        owner.departments, reader.departments = [2], departments
        customer = rows.customer(agent=owner)
        account = Account(agent_id=reader.id, role=role, role_by="the test", created_at=now)
        session.add(account)
        session.flush()
        assert may_read(session, reader_of_agent(session, owner.id, now), customer.id)
        assert may_read(session, reader_of_agent(session, reader.id, now), customer.id) is reads
        account.disabled_at = now
        session.flush()
        assert not may_read(session, reader_of_agent(session, reader.id, now), customer.id)
        customer.follows[0].ended_at = now
        session.flush()
        assert not may_read(session, reader_of_agent(session, owner.id, now), customer.id)
        assert not may_read(session, reader_of_agent(session, 10**9, now), customer.id)
