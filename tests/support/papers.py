"""A company whose agents send papers: a material library, a welcome and a step with attachments."""

from __future__ import annotations

import base64
from pathlib import Path

from bot.system import System
from tests.support.mass import PICTURE, Mass
from tests.support.parts import AGENT, Town

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


def write_files(tmp_path: Path) -> Path:
    """Config and library, written before anything reads them."""
    (tmp_path / "config.toml").write_text(CONFIG, encoding="utf-8")
    (tmp_path / "materials").mkdir()
    (tmp_path / "materials" / "poster.png").write_bytes(PICTURE)
    (tmp_path / "materials" / "价目表.txt").write_bytes(PRICES)
    return tmp_path


def told_to_send(system: System, sandbox: Town) -> Mass:
    """One customer, whose agent has been told to send papers."""
    mass = Mass(system, sandbox.control)
    mass.meet(1)
    mass.work()
    mass.start(tag="要资料")
    mass.later(seconds=2)
    mass.work()
    assert mass.task(mass.who[0]).state == "delivered"
    return mass


def send_file(mass: Mass, content: bytes, userid: str = AGENT) -> None:
    encoded = base64.b64encode(content).decode()
    mass.phone.send(userid, mass.who[0], "file", filename="价目表.txt", content_base64=encoded)
    mass.work()
