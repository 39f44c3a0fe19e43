"""Proof from the archive: links, files and mini-programs that an agent sent complete the step they belong to."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.platform.models import Agent
from bot.platform.signed_links import link_url
from bot.system import System
from tests.support.mass import Mass
from tests.support.papers import PRICES, SAY, URL, send_file, told_to_send, write_files
from tests.support.parts import AGENT, COLLEAGUE, Town


@pytest.fixture
def files(tmp_path: Path) -> Path:
    return write_files(tmp_path)


@pytest.fixture
def mass(files: Path, system: System, sandbox: Town) -> Mass:
    assert files.exists()
    return told_to_send(system, sandbox)


def test_the_link_alone_proves_the_step_and_the_text_then_says_it_better(mass: Mass) -> None:
    mass.phone.send(AGENT, mass.who[0], "link", title="目录", link_url=URL + "/")
    mass.work()
    task = mass.task(mass.who[0])
    assert (task.state, task.outcome, task.attached, task.timing) == ("completed", "link", [0], "in-time")
    mass.phone.say(AGENT, mass.who[0], SAY)
    mass.work()
    task = mass.task(mass.who[0])
    assert (task.outcome, task.similarity, task.attached) == ("exact", 1.0, [0])


def test_after_the_text_attachments_are_added_and_no_other_step_is_taken_for_done(mass: Mass) -> None:
    mass.phone.say(AGENT, mass.who[0], SAY)
    mass.work()
    mass.start(tag="要资料", cause="once more")
    mass.phone.send(AGENT, mass.who[0], "weapp", title="报名", appid="wx1234567890abcdef")
    send_file(mass, PRICES)
    task = mass.task(mass.who[0])
    assert (task.outcome, task.attached) == ("exact", [1, 2])


def test_the_tracked_link_in_own_words_is_proof_as_well(mass: Mass) -> None:
    task = mass.task(mass.who[0])
    tracked = link_url("https://tici.example.com", task.ref, 0, mass.system.signing_key)
    mass.phone.say(AGENT, mass.who[0], f"看这里：{tracked}。")
    mass.work()
    assert mass.task(mass.who[0]).outcome == "link"


def test_another_agents_file_proves_it_with_their_name(mass: Mass) -> None:
    mass.phone.add_customer(COLLEAGUE, "客户1", external_userid=mass.who[0], welcome=False)
    send_file(mass, PRICES, COLLEAGUE)
    task = mass.task(mass.who[0])
    with mass.system.store.read() as session:
        assert session.get_one(Agent, task.sent_by_id).userid == COLLEAGUE
    assert task.outcome == "file"


def test_another_file_or_link_proves_nothing(mass: Mass) -> None:
    send_file(mass, PRICES + b"other")
    mass.phone.send(AGENT, mass.who[0], "link", title="目录", link_url="https://example.com/other")
    mass.phone.send(AGENT, mass.who[0], "weapp", title="报名", appid="wx0000000000000000")
    mass.work()
    assert mass.task(mass.who[0]).state == "delivered"
