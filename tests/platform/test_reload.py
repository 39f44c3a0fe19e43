"""The config in force: loaded when edited, refused when broken, taken from the database after a restart."""

from __future__ import annotations

import gc
import time
import weakref
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.platform.config import reload
from bot.platform.config.parsing import ConfigError
from bot.platform.config.reload import STATUS, SettingsKeeper
from bot.platform.database.store import Store, get_status
from bot.platform.models import ConfigVersion
from tests.support.parts import CONFIG


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(CONFIG, encoding="utf-8")
    return path


def problems(store: Store) -> list[str]:
    with store.read() as session:
        status = get_status(session, STATUS)
    assert status is not None
    return list(status.value["problems"])


def soon(keeper: SettingsKeeper) -> str:
    """The version in force, with the file checked again."""
    time.sleep(reload.LOOK_EVERY + 0.05)
    return keeper.current().version


def test_an_edit_is_taken_a_broken_one_refused_and_the_mended_one_taken_again(store: Store, config: Path) -> None:
    keeper = SettingsKeeper(config, store)
    first = keeper.current().version
    config.write_text(CONFIG + "\n[nonsense]\n", encoding="utf-8")
    assert soon(keeper) == first
    assert "nonsense" in problems(store)[0]
    config.write_text(CONFIG.replace("测试学堂", "新学堂"), encoding="utf-8")
    assert soon(keeper) != first
    assert problems(store) == []
    with store.read() as session:
        assert len(session.scalars(select(ConfigVersion)).all()) == 2


def test_a_rule_that_fails_its_own_examples_is_refused(store: Store, config: Path) -> None:
    keeper = SettingsKeeper(config, store)
    first = keeper.current().version
    config.write_text(
        CONFIG.replace('match = "text"', 'match = "text"\nexamples = { hit = ["你好"] }'), encoding="utf-8"
    )
    assert soon(keeper) == first
    assert "你好" in problems(store)[0]


def test_a_process_that_starts_on_a_broken_file_works_by_the_last_good_version(store: Store, config: Path) -> None:
    good = SettingsKeeper(config, store).current()
    config.write_text("workspace = 3", encoding="utf-8")
    fresh = SettingsKeeper(config, store)
    assert fresh.current().version == good.version
    assert fresh.current().sops.keys() == good.sops.keys()
    assert fresh.problems


def test_without_any_good_version_there_is_nothing_to_work_by(store: Store, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="flask init"):
        SettingsKeeper(tmp_path / "none.toml", store).current()


def test_a_vanished_file_changes_nothing(store: Store, config: Path) -> None:
    keeper = SettingsKeeper(config, store)
    first = keeper.current().version
    config.unlink()
    assert soon(keeper) == first
    assert "文件不存在" in problems(store)[0]


def test_a_config_that_is_no_longer_in_force_is_forgotten(store: Store, config: Path) -> None:
    """A worker runs for months, and somebody edits words and rules every day."""
    keeper = SettingsKeeper(config, store)
    books, versions = [], set()
    for number in range(6):
        config.write_text(CONFIG + f'\n[text]\nwords = ["新词{number}"]\n', encoding="utf-8")
        keeper.look_again()
        books.append(weakref.ref(keeper.current().book))
        versions.add(keeper.current().version)
    gc.collect()
    assert len(versions) == len(books)
    assert [book() is not None for book in books] == [False] * 5 + [True]
