"""What was put out for an agent is not sent any more once they may not read about the customer it tells of."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bot.delivery.handler import NotNeededError, PostponedError
from bot.platform import clock
from bot.platform.models import Agent, Follow, Outbox, SopTask
from bot.platform.work import Work
from bot.worker.handlers import HANDLERS
from tests.support.rows import Rows
from tests.support.site import CONFIG, open_site
from tests.web.test_access import SOP
from tests.web.test_reading import NAME, Scene, disable, end_relation, leave, lower_role, set_scene

ENDS = [end_relation, disable, leave]
OTHER = "另一位客户"


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    (tmp_path / "materials").mkdir()
    (tmp_path / "materials" / "leaflet.pdf").write_bytes(b"%PDF-1.4")
    with open_site(tmp_path, CONFIG + SOP) as site:
        scene = set_scene(site)
        site.signed_in("admin")  # one must be left when another is disabled
        scene.change(lambda session: setattr(session.get_one(SopTask, scene.things["task"]), "state", "queued"))
        yield scene


def prepared(scene: Scene, kind: str, **given: Any) -> str:
    """What would leave now, in words; or the name of the error that keeps it."""
    now = clock.now()
    with scene.site.store.write() as session:
        row = Outbox(key=f"{kind}:{now}", kind=kind, created_at=now, not_before=now, agent_id=scene.agent, **given)
        work = Work(session, scene.site.system.settings, now)
        try:
            return str(HANDLERS[kind].prepare(work, scene.site.system, row))
        except (PostponedError, NotNeededError) as error:
            return type(error).__name__


@pytest.mark.parametrize("end", ENDS)
def test_a_card_waits_once_its_agent_may_not_read(
    scene: Scene, end: Callable[[Scene], Callable[[Any], None]]
) -> None:
    task = scene.things["task"]
    sent = prepared(scene, "card", task_id=task, payload={})
    assert NAME in sent
    scene.change(end(scene))
    assert prepared(scene, "card", task_id=task, payload={}) == "PostponedError"
    assert prepared(scene, "card", task_id=task, payload={"card": sent}) == "PostponedError", "made before"


@pytest.mark.parametrize("end", ENDS)
def test_a_list_and_a_reminder_name_nobody_of_whom_their_agent_may_not_read(
    scene: Scene, end: Callable[[Scene], Callable[[Any], None]]
) -> None:
    tasks = [scene.things["task"]]

    def add_another(session: Any) -> None:
        rows, agent = Rows(session, clock.now()), session.get_one(Agent, scene.agent)
        tasks.append(rows.task(rows.customer(OTHER, agent=agent), agent, "您好", state="queued").id)

    scene.change(add_another)
    made = {"task_ids": tasks, "card": f"{NAME} {OTHER}", "userid": "Owner"}
    assert OTHER in prepared(scene, "digest", payload={"task_ids": tasks})

    def end_of_one(session: Any) -> None:
        other = session.get_one(SopTask, tasks[1]).customer_id
        follow = session.scalars(select(Follow).where(Follow.customer_id == other)).one()
        follow.ended_at, follow.ended_by = clock.now(), "customer"

    scene.change(end_of_one)
    for payload in ({"task_ids": tasks}, made):
        left = prepared(scene, "digest", payload=payload)
        assert (NAME in left, OTHER in left) == (True, False)

    def delivered(session: Any) -> None:
        for one in tasks:
            session.get_one(SopTask, one).state = "delivered"

    scene.change(end(scene))
    assert prepared(scene, "digest", payload=made) == "PostponedError"
    scene.change(delivered)
    assert NAME not in prepared(scene, "nudge", payload={"to": "agent", "task_ids": tasks})


@pytest.fixture
def led(tmp_path: Path) -> Iterator[Scene]:
    """The customer is Owner's, who is late; the scene's agent is Chief, who leads Owner's department."""
    always = CONFIG.replace("[workspace]", '[workspace]\nworkdays = "everyday"\nwork_hours = "00:00-23:59"')
    with open_site(tmp_path, always + SOP) as site:
        scene = set_scene(site, "leader")
        site.signed_in("admin")

        def late(session: Any) -> None:
            session.get_one(SopTask, scene.things["task"]).state = "delivered"
            for follow in session.scalars(select(Follow)):
                follow.waiting_since = clock.now()
            owner = session.scalars(select(Agent).where(Agent.key == "owner")).one()
            owner.leaders = ["chief"]
            session.get_one(Agent, scene.agent).leads = [2]

        scene.change(late)
        yield scene


LEADERS_END: dict[Callable[[Scene], Callable[[Any], None]], str | None] = {
    end_relation: None,
    disable: "",
    leave: "",
    lower_role: "有 1 ",
}


@pytest.mark.parametrize("kind", ["nudge", "waiting_leader"])
@pytest.mark.parametrize("end", LEADERS_END)
def test_a_leader_is_told_of_nobody_whom_they_may_not_read(
    led: Scene, kind: str, end: Callable[[Scene], Callable[[Any], None]]
) -> None:
    with led.site.store.read() as session:
        owner = session.scalars(select(Agent.id).where(Agent.key == "owner")).one()
        follows = session.scalars(select(Follow.id)).all()
    payload = {"to": "leader", "task_ids": [led.things["task"]], "follow_ids": list(follows)}

    def told(given: dict[str, Any]) -> dict[str, Any] | None:
        now = clock.now()
        with led.site.store.write() as session:
            row = Outbox(key=f"{now}", kind=kind, created_at=now, not_before=now, agent_id=owner, payload=given)
            work = Work(session, led.site.system.settings, now)
            try:
                return HANDLERS[kind].prepare(work, led.site.system, row)
            except NotNeededError:
                return None

    first = told(payload)
    assert first is not None
    assert NAME in first["texts"]["chief"]
    assert NAME not in first["other"], "whom we do not know is told how many, and no names"
    assert told(first) == first, "a further try says the same"
    led.change(end(led))
    for given in (payload, first):
        left, wanted = told(given), LEADERS_END[end]
        if wanted is None:
            assert left is None
        else:
            assert left is not None
            assert NAME not in str(left["texts"])
            assert wanted in left["texts"]["chief"]
            assert bool(left["texts"]["chief"]) == bool(wanted)
