"""Material uploads: bad files are named when the config is loaded, good ones stay uploaded, agents get theirs."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from bot.platform import clock
from bot.platform.config.parsing import ConfigError
from bot.platform.config.settings import load_settings
from bot.platform.signed_links import task_url
from bot.system import System
from tests.support.mass import Mass
from tests.support.papers import CONFIG, PRICES, SAY, URL, send_file, told_to_send, write_files
from tests.support.parts import Town
from tests.support.rows import Rows
from tests.support.site import Site, open_site


@pytest.fixture
def files(tmp_path: Path) -> Path:
    return write_files(tmp_path)


@pytest.fixture
def mass(files: Path, system: System, sandbox: Town) -> Mass:
    assert files.exists()
    return told_to_send(system, sandbox)


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


def test_midnight_is_no_reason_to_upload_again_what_was_refused(mass: Mass) -> None:
    day = (clock.now() + timedelta(days=4)).replace(hour=0, minute=0, second=0, microsecond=0)
    mass.phone.fault("media/upload", times=-1, errcode=48002)
    mass.later(seconds=int((day - clock.now()).total_seconds()) - 300)
    mass.work()
    first = len(mass.rows("material"))
    mass.later(minutes=10)
    mass.work()
    assert len(mass.rows("material")) == first
    mass.later(hours=24)
    mass.work()
    assert len(mass.rows("material")) == first + 2


def test_a_changed_file_is_uploaded_at_once_and_the_old_one_still_proves(mass: Mass) -> None:
    folder = mass.system.environment.config.parent / "materials"
    (folder / "价目表.txt").write_bytes(PRICES + b"new")
    mass.later(seconds=20)
    mass.work()
    assert uploads(mass) == ["poster.png", "价目表.txt", "价目表.txt"]
    send_file(mass, PRICES)
    assert mass.task(mass.who[0]).outcome == "file"


# The agent's page.


def test_the_agent_gets_the_file_by_their_link_alone(files: Path, tmp_path: Path) -> None:
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
        agent = rows.agent("林晓雨")
        task = rows.task(rows.customer("陈静", agent=agent), agent, SAY, attach=attach)
        return task_url("", task.ref, task.agent_id, site.key, clock.now())
