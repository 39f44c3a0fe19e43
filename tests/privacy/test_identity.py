"""Identity outside: after an erasure or a restore, no card, link, button or reading means somebody else."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from bot.agents.card_clicks import take_click
from bot.agents.chat import answer_agent
from bot.app import create_app
from bot.commands.wecom import run_comparison
from bot.customers.identity import find_agents
from bot.intake.pull import pull
from bot.ops.backup import back_up
from bot.ops.restore import restore
from bot.platform import clock, signed_links
from bot.platform.database.reading_log import viewed
from bot.platform.models import Agent, CallbackEvent, Customer, LinkOpening, Model, Outbox, SopTask, ViewEntry
from bot.platform.work import Work
from bot.privacy.erasure import erase
from bot.privacy.export import export
from bot.system import System
from bot.wecom.event_kinds import CardClick
from tests.support.mirrors import Pair
from tests.support.parts import AGENT, ASK, Town

LATER = "客户乙"


@pytest.fixture
def pair(system: System, sandbox: Town) -> Pair:
    return Pair(system, sandbox.control)


@pytest.fixture
def phone(system: System) -> Iterator[FlaskClient]:
    """A browser that has nothing but links."""
    app = create_app(system)
    yield app.test_client()
    app.extensions["tici-streams"].stop()


def cards(pair: Pair) -> list[dict[str, Any]]:
    """The cards that reached the agent's phone, the oldest first."""
    return [e["template_card"] for e in pair.phone.effects(0, "message") if "template_card" in e]


def path_of(card: dict[str, Any]) -> str:
    return urlsplit(str(card["card_action"]["url"])).path


def key_of(card: dict[str, Any]) -> str:
    """What the button says when it is pressed that tells of words sent; the one before it opens them."""
    return str(next(button["key"] for button in card["button_list"] if "key" in button))


def press(pair: Pair, key: str) -> str:
    with pair.system.store.write() as session:
        stamp = clock.now()
        digest = hashlib.sha1(f"{key}{stamp}".encode()).hexdigest()
        row = CallbackEvent(
            digest=digest, name="template_card_event", raw_xml="", created_at=stamp, received_at=stamp
        )
        session.add(row)
        session.flush()
        event = CardClick(AGENT, key, "task", "button_interaction", "", (), False, 1)
        return take_click(Work(session, pair.settings, stamp), event, row)


def task_of(pair: Pair, who: str) -> SopTask:
    with pair.system.store.read() as session:
        mine = select(SopTask).join(Customer, Customer.id == SopTask.customer_id)
        return session.scalars(mine.where(Customer.external_userid == who).order_by(SopTask.id)).first() or SopTask()


def means_nobody_now(pair: Pair, phone: FlaskClient, card: dict[str, Any], other: str) -> None:
    """An old card opens nothing, and its button changes nothing of the customer who came later."""
    before = task_of(pair, other).state
    page = phone.get(path_of(card))
    assert page.status_code == 410
    assert LATER not in page.text
    assert press(pair, key_of(card)).startswith("stored")
    assert task_of(pair, other).state == before == "delivered"


def test_the_next_customers_card_comes_after_the_newest_was_erased(pair: Pair, phone: FlaskClient) -> None:
    gone = pair.meet("客户甲")
    old = cards(pair)[-1]
    with pair.system.store.write() as session:
        mine = session.scalars(select(Customer.id).where(Customer.external_userid == gone)).one()
        for _ in range(2):
            viewed(session, AGENT, mine, "customer", clock.now())
    erase(pair.system, gone, "admin", clock.now())
    pair.work()
    after = pair.meet(LATER)
    assert task_of(pair, after).state == "delivered", "42014: the task_id was used before"
    names = [card["task_id"] for card in cards(pair)]
    assert len(names) == len(set(names)) == 2
    means_nobody_now(pair, phone, old, after)
    with pair.system.store.read() as session:
        assert session.scalars(select(ViewEntry.customer_id)).all() == [mine, mine], "readings stay in their log"
        assert "view_entry" not in export(session, after, clock.now())["tables"]


def test_a_tracked_link_of_an_erased_customer_is_nobody_elses(pair: Pair, phone: FlaskClient) -> None:
    gone = pair.meet("客户甲")
    key = phone.application.config["SECRET_KEY"]
    link, cover = (make("", task_of(pair, gone).ref, 0, key)
                   for make in (signed_links.link_url, signed_links.picture_url))  # fmt: skip
    erase(pair.system, gone, "admin", clock.now())
    after = pair.meet(LATER)
    with pair.system.store.write() as session:
        task = session.get_one(SopTask, task_of(pair, after).id)
        task.attach = [{"kind": "link", "title": "别人的", "url": "https://example.com/theirs"}]
    for path in (link, cover):
        assert phone.get(path).status_code == 404
    with pair.system.store.read() as session:
        assert session.scalars(select(LinkOpening)).all() == []


def test_the_numbers_of_a_list_in_the_chat_mean_nobody_else_after_an_erasure(pair: Pair) -> None:
    gone = pair.meet("客户甲")

    def write(text: str) -> str:
        with pair.system.store.write() as session:
            agent = find_agents(session, [AGENT], clock.now())[AGENT.casefold()]
            return answer_agent(Work(session, pair.settings, clock.now()), agent, text)

    assert "客户甲" in write("今日")
    erase(pair.system, gone, "admin", clock.now())
    after = pair.meet(LATER)
    answer = write("完成 1")
    assert "不用做了" in answer
    assert LATER not in answer
    assert task_of(pair, after).state == "delivered"


@pytest.mark.parametrize("lost", [False, True], ids=["in place", "on a new machine"])
def test_what_left_after_the_backup_means_nobody_after_a_restore(
    pair: Pair, phone: FlaskClient, tmp_path: Path, lost: bool
) -> None:
    system = pair.system
    kept = pair.meet("客户甲")
    early = cards(pair)[-1]
    back_up(system, tmp_path / "b.zip", clock.now(), keys=False, on_progress=lambda *_: None)
    pair.meet("客户丙")
    late = cards(pair)[-1]
    with system.store.read() as session:
        given = {table.name: highest(session, table) for table in Model.metadata.sorted_tables if "id" in table.c}
    if lost:  # nothing tells what was given since
        with system.store.engine.begin() as connection:
            Model.metadata.drop_all(connection)
            connection.exec_driver_sql("DROP TABLE alembic_version")
    clock_moves(pair)
    restore(system, tmp_path / "b.zip", clock.now(), replace=True, on_progress=lambda *_: None)
    after = pair.meet(LATER)
    assert task_of(pair, after).state == "delivered"
    names = [card["task_id"] for card in cards(pair)]
    assert len(names) == len(set(names)) == 3
    means_nobody_now(pair, phone, late, after)
    with system.store.read() as session:
        newest = session.scalars(select(Customer.id).where(Customer.external_userid == after)).one()
        assert newest > given["customer"]
        assert task_of(pair, after).id > given["sop_task"]
        assert max(session.scalars(select(Outbox.id))) > given["outbox"]
    page = phone.get(path_of(early))
    assert page.status_code == 200, "what the backup holds is still the same"
    assert "客户甲" in page.text
    assert press(pair, key_of(early)) == "click: sent"
    assert task_of(pair, kept).outcome == "ticked"


def test_what_was_prompted_after_the_backup_is_not_prompted_again_after_a_restore(pair: Pair, tmp_path: Path) -> None:
    """The archive is read once more, and a contact without an event is found: both were followed up before."""
    system = pair.system
    asking = pair.meet("客户甲")
    back_up(system, tmp_path / "b.zip", clock.now(), keys=False, on_progress=lambda *_: None)
    pair.phone.say(asking, AGENT, ASK)
    pull(system)
    pair.work()
    pair.meet("客户丙")
    before = len(cards(pair))
    assert before == 3
    clock_moves(pair)
    restore(system, tmp_path / "b.zip", clock.now(), replace=True, on_progress=lambda *_: None)
    clock.move_forward(timedelta(minutes=1))
    pull(system)
    run_comparison(system, None)
    pair.work()
    assert len(cards(pair)) == before
    with system.store.read() as session:
        of: dict[str, list[tuple[str, int, str]]] = {name: [] for name in ("客户甲", "客户丙")}
        for task in session.scalars(select(SopTask).order_by(SopTask.id)):
            of[task.customer.name].append((task.enrolment.sop_id, task.step, task.state))
    assert of["客户甲"][1:] == [("price", 0, "cancelled"), ("price", 1, "planned")], "what was not due yet goes on"
    assert of["客户丙"] == [("hello", 0, "cancelled")]


def highest(session: Any, table: Any) -> int:
    return max(session.scalars(select(table.c.id)), default=0)


def clock_moves(pair: Pair) -> None:
    """Some time passes."""
    clock.move_forward(timedelta(hours=2))


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_database_file_that_was_put_back_by_hand_gives_cards_no_new_meaning(
    pair: Pair, phone: FlaskClient, tmp_path: Path
) -> None:
    """Nothing of ours runs then, and row ids do return: what is outside names no row ids."""
    pair.meet("客户甲")
    engine = pair.system.store.engine
    engine.dispose()
    shutil.copy(tmp_path / "tici.db", tmp_path / "aside.db")
    lost = pair.meet("客户丙")
    old, number = cards(pair)[-1], task_of(pair, lost).id
    engine.dispose()
    for name in ("tici.db-wal", "tici.db-shm"):
        (tmp_path / name).unlink(missing_ok=True)
    shutil.copy(tmp_path / "aside.db", tmp_path / "tici.db")
    after = pair.meet(LATER)
    assert task_of(pair, after).id == number
    assert len({card["task_id"] for card in cards(pair)}) == 3
    means_nobody_now(pair, phone, old, after)


def test_a_day_link_does_not_pass_to_an_agent_who_got_the_same_row(pair: Pair, phone: FlaskClient) -> None:
    pair.meet("客户甲")
    with pair.system.store.write() as session:
        agent = session.scalars(select(Agent).where(Agent.key == AGENT.casefold())).one()
        key = phone.application.config["SECRET_KEY"]
        path, number = signed_links.day_url("", agent.id, key, clock.now()), agent.id
    assert phone.get(path).status_code == 200
    with pair.system.store.write() as session:
        session.get_one(Agent, number).created_at = clock.now() + timedelta(minutes=1)
    assert phone.get(path).status_code == 410


def test_cards_of_before_go_on_meaning_their_task_and_nobody_else(pair: Pair, phone: FlaskClient) -> None:
    who = pair.meet("客户甲")
    with pair.system.store.write() as session:  # as the migration leaves it
        task = session.get_one(SopTask, task_of(pair, who).id)
        task.ref = str(task.id)
        number, agent_id = task.id, task.agent_id
    signer = signed_links._signer(phone.application.config["SECRET_KEY"], "task")
    until = int((clock.now() + signed_links.TASK_LIFE).timestamp())
    path = f"/t/{signer.dumps([number, agent_id, until])}"
    assert "客户甲" in phone.get(path).text
    assert press(pair, f"sent:{number}") == "click: sent"
    erase(pair.system, who, "admin", clock.now())
    after = pair.meet(LATER)
    assert phone.get(path).status_code == 410
    assert press(pair, f"sent:{number}").startswith("stored")
    assert press(pair, f"sent:{task_of(pair, after).id}").startswith("stored"), "a new task has no number outside"
    assert task_of(pair, after).state == "delivered"
