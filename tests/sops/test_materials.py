"""The material library: found or complained of, kept warm in WeCom, sent with welcomes, given to agents, proven."""

from __future__ import annotations

import base64
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.customers.identity import find_agents
from bot.platform import clock
from bot.platform.config.settings import ConfigError, load_settings
from bot.platform.models import Agent, Material, Outbox
from bot.platform.signed_links import link_url, task_url
from bot.system import System
from tests.support.mass import PICTURE, Mass
from tests.support.parts import AGENT, COLLEAGUE, Town
from tests.support.rows import Rows
from tests.support.site import Site, open_site

SAY = "资料给您整理好了，先看看目录，再看看价目表。"
URL = "https://example.com/list"
CONFIG = f"""
[workspace]
workdays = "everyday"
work_hours = "00:00-23:59"

[welcome]
say = "您好"
attach = [{{ kind = "link", title = "目录", url = "{URL}" }}, {{ kind = "image", file = "poster.png" }}]

[[tags]]
group = "活动"
names = ["要资料"]

[[sops]]
id = "papers"
on = "tag:要资料"
stop = ["left"]

  [[sops.steps]]
  anytime = true
  say = "{SAY}"
  attach = [
    {{ kind = "link", title = "目录", url = "{URL}" }},
    {{ kind = "file", file = "价目表.txt" }},
    {{ kind = "miniprogram", title = "报名", appid = "wx1234567890abcdef", page = "pages/join", pic = "poster.png" }},
  ]
"""
PRICES = "九块九 一百九十九\n".encode()


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Config and library, written before anything reads them."""
    (tmp_path / "config.toml").write_text(CONFIG, encoding="utf-8")
    (tmp_path / "materials").mkdir()
    (tmp_path / "materials" / "poster.png").write_bytes(PICTURE)
    (tmp_path / "materials" / "价目表.txt").write_bytes(PRICES)
    return tmp_path


@pytest.fixture
def mass(files: Path, system: System, sandbox: Town) -> Mass:
    """One customer, whose agent has been told to send papers."""
    assert files.exists()
    mass = Mass(system, sandbox.control)
    mass.meet(1)
    mass.work()
    mass.start(tag="要资料")
    mass.later(seconds=2)
    mass.work()
    assert mass.task(mass.who[0]).state == "delivered"
    return mass


def uploads(mass: Mass) -> list[str]:
    return sorted(effect["filename"] for effect in mass.phone.effects(0, "media"))


# What is wrong with a library is said when the config is loaded.


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("poster.png", None, "没有这个文件；把文件放进去"),
        ("poster.png", b"GIF89a not a picture of theirs", "内容不是 jpg 或 png"),
        ("poster.png", b"\xff\xd8\xff", "3 字节，企业微信|3 字节；企业微信"),
        ("价目表.txt", b"", "0 字节"),
        ("价目表.txt", b"x" * (20 * 1024 * 1024 + 1), "20.0 MB"),
    ],
)
def test_a_file_that_cannot_go_along_is_named_with_its_line(
    files: Path, name: str, content: bytes | None, says: str
) -> None:
    path = files / "materials" / name
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=says) as caught:
        load_settings(files / "config.toml")
    lines = {problem.line for problem in caught.value.problems}
    wanted = {number for number, line in enumerate(CONFIG.splitlines(), 1) if name in line}
    assert lines == wanted


def test_a_link_out_of_the_library_is_refused(files: Path) -> None:
    (files / "secret.txt").write_text("not for customers")
    (files / "materials" / "价目表.txt").unlink()
    (files / "materials" / "价目表.txt").symlink_to(files / "secret.txt")
    with pytest.raises(ConfigError, match="不在素材库"):
        load_settings(files / "config.toml")


def test_a_missing_file_put_in_later_makes_the_config_good(mass: Mass) -> None:
    folder = mass.system.environment.config.parent
    (folder / "config.toml").write_text(CONFIG.replace("价目表.txt", "新价目.txt"), encoding="utf-8")
    keeper = mass.system.keeper
    keeper._looked = float("-inf")
    assert keeper.current().source == CONFIG
    assert "新价目.txt" in str(keeper.problems[0])
    (folder / "materials" / "新价目.txt").write_bytes(PRICES)
    keeper._looked = float("-inf")
    assert "新价目.txt" in keeper.current().source


# Kept warm.


def test_each_file_is_uploaded_once_and_again_before_three_days_are_over(mass: Mass) -> None:
    assert uploads(mass) == ["poster.png", "价目表.txt"]
    mass.later(hours=40)
    mass.work()
    assert len(uploads(mass)) == 2
    mass.later(hours=9)
    mass.work()
    assert len(uploads(mass)) == 4


def test_a_changed_file_is_uploaded_at_once_and_the_old_one_still_proves(mass: Mass) -> None:
    folder = mass.system.environment.config.parent / "materials"
    (folder / "价目表.txt").write_bytes(PRICES + b"new")
    mass.later(seconds=20)
    mass.work()
    assert uploads(mass) == ["poster.png", "价目表.txt", "价目表.txt"]
    _send_file(mass, PRICES)
    assert mass.task(mass.who[0]).outcome == "file"


def test_the_welcome_takes_its_picture_along_and_does_not_wait_for_it(mass: Mass) -> None:
    first = _welcome(mass, "甲")
    assert [item["msgtype"] for item in first["attachments"]] == ["link", "image"]
    with mass.system.store.write() as session:
        for material in session.query(Material):
            material.uploaded_at = clock.now() - timedelta(days=2, hours=23, minutes=55)  # would expire on the way
    second = _welcome(mass, "乙")
    assert [item["msgtype"] for item in second["attachments"]] == ["link"]
    assert second["text"] == {"content": "您好"}


# Proof.


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
    _send_file(mass, PRICES)
    task = mass.task(mass.who[0])
    assert (task.outcome, task.attached) == ("exact", [1, 2])


def test_the_tracked_link_in_own_words_is_proof_as_well(mass: Mass) -> None:
    task = mass.task(mass.who[0])
    tracked = link_url("https://tici.example.com", task.id, 0, mass.system.signing_key)
    mass.phone.say(AGENT, mass.who[0], f"看这里：{tracked}。")
    mass.work()
    assert mass.task(mass.who[0]).outcome == "link"


def test_another_agents_file_proves_it_with_his_name(mass: Mass) -> None:
    mass.phone.add_customer(COLLEAGUE, "客户1", external_userid=mass.who[0], welcome=False)
    _send_file(mass, PRICES, COLLEAGUE)
    task = mass.task(mass.who[0])
    with mass.system.store.read() as session:
        assert session.get_one(Agent, task.sent_by_id).userid == COLLEAGUE
    assert task.outcome == "file"


def test_another_file_or_link_proves_nothing(mass: Mass) -> None:
    _send_file(mass, PRICES + b"other")
    mass.phone.send(AGENT, mass.who[0], "link", title="目录", link_url="https://example.com/other")
    mass.phone.send(AGENT, mass.who[0], "weapp", title="报名", appid="wx0000000000000000")
    mass.work()
    assert mass.task(mass.who[0]).state == "delivered"


# The agent's page.


def test_the_agent_gets_the_file_by_his_link_alone(files: Path, tmp_path: Path) -> None:
    with open_site(tmp_path, CONFIG) as site:
        path = _task_path(site)
        client = site.app.test_client()
        page = client.get(path)
        assert "价目表.txt" in page.text
        assert "小程序 · 报名" in page.text
        answer = client.get(f"{path}/file/1")
        assert (answer.status_code, answer.data) == (200, PRICES)
        assert "attachment" in answer.headers["Content-Disposition"]
        answer.close()  # the file with it
        assert client.get(f"{path}/file/0").status_code == 404  # a link has no file
        assert client.get(f"{path}/file/9").status_code == 404
        assert client.get(f"{path[:-2]}xx/file/1").status_code == 404
        (files / "materials" / "价目表.txt").unlink()
        assert client.get(f"{path}/file/1").status_code == 404


def _task_path(site: Site) -> str:
    attach = [
        {"kind": "link", "title": "目录", "url": URL},
        {"kind": "file", "file": "价目表.txt"},
        {"kind": "miniprogram", "title": "报名", "appid": "wx1", "page": "p", "pic": "poster.png"},
    ]
    with site.store.write() as session:
        rows = Rows(session, clock.now())
        task = rows.task(rows.customer("陈静"), rows.agent("林晓雨"), SAY, attach=attach)
        return task_url("", task.id, task.agent_id, site.key, clock.now())


def _send_file(mass: Mass, content: bytes, userid: str = AGENT) -> None:
    encoded = base64.b64encode(content).decode()
    mass.phone.send(userid, mass.who[0], "file", filename="价目表.txt", content_base64=encoded)
    mass.work()


def _welcome(mass: Mass, name: str) -> dict[str, Any]:
    """A customer adds the agent; what he was greeted with."""
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
