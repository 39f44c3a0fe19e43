"""The config gate: a damaged file, or what is no file, never replaces what is in force; an admin may confirm it."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.platform import clock
from bot.platform.config.file import ConfigEdit, accept_config, read_config_text, save_config
from bot.platform.config.parsing import ConfigError
from bot.platform.config.reading import MOST_BYTES, REST_SECONDS
from bot.platform.config.reload import SettingsKeeper
from bot.platform.config.settings import Settings, load_settings, parse_settings
from bot.platform.config.shrinkage import shrinkage
from bot.platform.database.store import Store
from bot.platform.models import AuditEntry, ConfigChange
from tests.support.parts import CONFIG

PLAYBOOKS = sorted((Path(__file__).parents[2] / "bot" / "platform" / "config" / "playbooks").glob("*.toml"))


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(CONFIG, encoding="utf-8")
    return path


def glance(keeper: SettingsKeeper) -> str:
    """The text in force, with the file looked at now, as a process at work does every second."""
    keeper._looked = 0.0
    return keeper.current().source


def rested(keeper: SettingsKeeper) -> str:
    """The text in force once the file has rested and was looked at."""
    time.sleep(REST_SECONDS + 0.1)
    return glance(keeper)


def cuts(text: str) -> list[str]:
    """The text cut before each of its tables."""
    return [text[:at] for at in range(1, len(text)) if text[at - 1] == "\n" and text[at:].lstrip(" ").startswith("[")]


def readable(texts: list[str]) -> list[Settings]:
    found = []
    for text in texts:
        with suppress(ConfigError):
            found.append(parse_settings(text, examples=False))
    return found


@pytest.mark.parametrize("playbook", PLAYBOOKS, ids=lambda path: path.stem)
def test_no_cut_of_a_playbook_passes_for_an_edit(playbook: Path) -> None:
    text = playbook.read_text(encoding="utf-8")
    whole = parse_settings(text, examples=False)
    edited = text.replace("[workspace]", "[workspace]  # edited", 1)
    assert edited != text
    found = readable([*cuts(text), *cuts(edited)[::5]])
    lost = [one for one in found if one.tables != whole.tables]
    assert len(lost) >= 10  # these are good TOML and good configs: nothing but the comparison stops them
    assert [one.source[-80:] for one in lost if shrinkage(whole, one) is None] == []


def test_ordinary_edits_pass() -> None:
    text = PLAYBOOKS[1].read_text(encoding="utf-8")
    whole = parse_settings(text, examples=False)
    blocks = text.split("\n[[rules]]\n")
    assert len(blocks) > 5
    for leaving in range(2, 5):
        fewer = "\n[[rules]]\n".join(blocks[:leaving] + blocks[leaving + 1 :])
        assert shrinkage(whole, parse_settings(fewer, examples=False)) is None
    more = text + '\n[[rules]]\nid = "one-more"\ntag = "新标签"\nany = ["没人说过的话"]\n'
    assert shrinkage(whole, parse_settings(more, examples=False)) is None
    moved = "\n[[rules]]\n".join([blocks[0], blocks[2], blocks[1], *blocks[3:]])
    assert shrinkage(whole, parse_settings(moved, examples=False)) is None
    assert shrinkage(whole, parse_settings(text.rstrip() + "\n\n# a word at the end\n", examples=False)) is None


DAMAGES: dict[str, str] = {
    "empty": "",
    "blank": "\n \n",
    "only a comment": "# config\n",
    "only the workspace": '[workspace]\nname = "测试学堂"\nworkdays = "everyday"\n',
    "cut before the rules": CONFIG[: CONFIG.index("[[rules]]")],
    "cut before the pipelines": CONFIG[: CONFIG.index("[[pipelines]]")],
    "cut before the SOPs": CONFIG[: CONFIG.index("[[sops]]")],
    "cut before the last step": CONFIG[: CONFIG.rindex("  [[sops.steps]]")],
    "without its SOPs": CONFIG[: CONFIG.index("[[sops]]")] + '\n[text]\nwords = ["新词"]\n',
    "the beginning lost": CONFIG[CONFIG.index("[[rules]]") :],
}


@pytest.mark.parametrize("text", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_damaged_file_is_not_taken_and_the_mended_one_is(store: Store, config: Path, text: str) -> None:
    keeper = SettingsKeeper(config, store)
    keeper.current()
    config.write_text(text, encoding="utf-8")
    assert rested(keeper) == CONFIG
    assert len(keeper.problems) >= 1
    fresh = SettingsKeeper(config, store)  # a process that begins meanwhile
    assert fresh.current().source == CONFIG
    assert rested(fresh) == CONFIG
    assert fresh.problems
    edited = CONFIG.replace("测试学堂", "新学堂")
    config.write_text(edited, encoding="utf-8")
    assert [rested(keeper), rested(fresh)] == [edited, edited]
    assert (keeper.problems, fresh.problems) == ([], [])


def test_a_file_counts_only_once_it_has_rested(store: Store, config: Path) -> None:
    keeper = SettingsKeeper(config, store)
    keeper.current()
    for length in range(0, len(CONFIG), 200):  # somebody writes slowly, and every look sees another piece
        config.write_text(CONFIG[:length], encoding="utf-8")
        assert glance(keeper) == CONFIG
        assert keeper.problems == []
    edited = CONFIG.replace("测试学堂", "新学堂")
    config.write_text(edited, encoding="utf-8")
    os.utime(config, (0, 0))  # a copy with the old time of modification is as fresh
    assert glance(keeper) == CONFIG
    assert rested(keeper) == edited


def test_a_command_right_after_an_edit_obeys_it(store: Store, config: Path) -> None:
    SettingsKeeper(config, store).current()
    edited = CONFIG.replace("测试学堂", "新学堂")
    config.write_text(edited, encoding="utf-8")
    assert SettingsKeeper(config, store).current().source == edited


def fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def device(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


def random_device(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/urandom")


def ring(path: Path) -> None:
    path.unlink()
    path.symlink_to(path)


def dangling(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.with_name("nowhere"))


def huge(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(MOST_BYTES * 1000)  # a sparse file: it takes no room


def socket_file(path: Path) -> None:
    path.unlink()
    os.mknod(path, stat.S_IFSOCK | 0o600)  # binding one fails where the path is longer than 108 bytes


def not_utf8(path: Path) -> None:
    path.write_bytes(b"\xff\xfe" + CONFIG.encode("utf-16-le"))


def zeros(path: Path) -> None:
    path.write_bytes(bytes(len(CONFIG)))  # what a power cut may leave


def below_a_file(path: Path) -> None:
    """A folder of the path became a file."""
    path.unlink()
    parent = path.parent
    parent.rmdir()
    parent.write_text("x")


ODD = (fifo, folder, device, random_device, ring, dangling, huge, socket_file, not_utf8, zeros, below_a_file)


@pytest.mark.parametrize("make", ODD, ids=lambda make: make.__name__)
def test_what_is_no_plain_file_is_a_sentence_and_nothing_hangs(
    store: Store, tmp_path: Path, make: Callable[[Path], None]
) -> None:
    place = tmp_path / "etc"
    place.mkdir()
    config = place / "config.toml"
    config.write_text(CONFIG, encoding="utf-8")
    keeper = SettingsKeeper(config, store)
    keeper.current()
    make(config)
    assert rested(keeper) == CONFIG
    (problem,) = keeper.problems
    assert any("\u4e00" <= letter <= "\u9fff" for letter in problem.message)
    assert "Error" not in str(problem)
    with pytest.raises(ConfigError):
        load_settings(config)
    fresh = SettingsKeeper(config, store)
    assert fresh.current().source == CONFIG


def test_an_admin_confirms_by_saving_what_is_there(store: Store, config: Path) -> None:
    keeper, other = SettingsKeeper(config, store), SettingsKeeper(config, store)
    keeper.current(), other.current()
    short = DAMAGES["cut before the SOPs"]
    config.write_text(short, encoding="utf-8")
    assert [rested(keeper), rested(other)] == [CONFIG, CONFIG]
    save_config(keeper, ConfigEdit(short, read_config_text(config).stamp, "WuTong", "改整份文件"), clock.now())
    assert keeper.current().source == glance(other) == short
    assert keeper.problems == other.problems == []
    with store.read() as session:
        assert session.scalars(select(ConfigChange.author).order_by(ConfigChange.id)).all() == ["", "WuTong"]


def test_an_admin_confirms_by_command(store: Store, config: Path) -> None:
    keeper, other = SettingsKeeper(config, store), SettingsKeeper(config, store)
    other.current()
    config.write_text("", encoding="utf-8")
    assert rested(other) == CONFIG
    accept_config(keeper, "cli:wu", clock.now())
    assert glance(other) == ""
    with store.read() as session:
        assert session.scalars(select(AuditEntry.action)).all() == ["config.accept"]
    config.write_text(CONFIG, encoding="utf-8")
    assert rested(other) == CONFIG
    config.write_text("", encoding="utf-8")  # confirmed once, not for ever
    assert rested(other) == CONFIG
