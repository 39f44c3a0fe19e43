"""The welcome: with its attachments, and never late for them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.customers.identity import find_agents
from bot.platform import clock
from bot.platform.models import Material, Outbox
from bot.system import System
from tests.support.mass import Mass
from tests.support.papers import told_to_send, write_files
from tests.support.parts import AGENT, Town


@pytest.fixture
def files(tmp_path: Path) -> Path:
    return write_files(tmp_path)


@pytest.fixture
def mass(files: Path, system: System, sandbox: Town) -> Mass:
    assert files.exists()
    return told_to_send(system, sandbox)


def test_the_welcome_takes_its_picture_along_and_does_not_wait_for_it(mass: Mass) -> None:
    first = _welcome(mass, "甲")
    assert [item["msgtype"] for item in first["attachments"]] == ["link", "image"]
    with mass.system.store.write() as session:
        for material in session.query(Material):
            material.uploaded_at = clock.now() - timedelta(days=2, hours=23, minutes=55)  # would expire on the way
    second = _welcome(mass, "乙")
    assert [item["msgtype"] for item in second["attachments"]] == ["link"]
    assert second["text"] == {"content": "您好"}


def _welcome(mass: Mass, name: str) -> dict[str, Any]:
    """A customer adds the agent; what they were greeted with."""
    added = mass.phone.add_customer(AGENT, name)
    before = mass.phone.last_effect()
    with mass.system.store.write() as session:
        agent = find_agents(session, [AGENT], clock.now())[AGENT.casefold()]
        row = Outbox(
            key=f"welcome:{name}", kind="welcome", payload={"welcome_code": added["welcome_code"]}, agent_id=agent.id,
            customer_id=mass.customer(session, mass.who[0]).id, created_at=clock.now(), not_before=clock.now(),
        )  # fmt: skip
        session.add(row)
    mass.work()
    effect: dict[str, Any] = mass.phone.effects(before, "welcome")[0]
    return effect


def test_the_first_words_name_the_agent_whom_nobody_has_read_yet(mass: Mass) -> None:
    """The userid of an agent is none of a customer's business."""
    path = mass.system.environment.config
    path.write_text(path.read_text("utf-8").replace('say = "您好"', 'say = "您好，我是{agent.name}"', 1), "utf-8")
    mass.system.keeper.look_again()
    with mass.system.store.write() as session:
        find_agents(session, [AGENT], clock.now())[AGENT.casefold()].name = ""
    assert _welcome(mass, "甲")["text"] == {"content": "您好，我是林晓雨"}
    with mass.system.store.write() as session:
        agent = find_agents(session, [AGENT], clock.now())[AGENT.casefold()]
        assert agent.name == "林晓雨"
        agent.name = ""
    mass.phone.fault("user/get", times=-1, errcode=60011)
    assert _welcome(mass, "乙")["text"] == {"content": f"您好，我是{AGENT}"}
    mass.phone.clear_faults()
