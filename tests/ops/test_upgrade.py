"""Upgrades: what is told before, the backup that is made first, and the way back."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest

from bot.app import create_app
from bot.ops.doctor.finding import BAD, OK, WARN
from bot.ops.upgrade import keep_newest, readiness
from bot.platform import clock
from bot.platform.database import schema
from bot.platform.environment import read_environment
from bot.system import System


@pytest.fixture
def old(tmp_path: Path, database_url: str) -> System:
    """A database as an earlier release left it."""
    system = System(read_environment({"TICI_VAR": str(tmp_path), "TICI_DATABASE_URL": database_url}))
    with system.store.engine.begin() as connection:
        schema.upgrade_on(connection, "0014")
    return system


def test_an_old_database_is_backed_up_and_brought_to_this_release(old: System, tmp_path: Path) -> None:
    backups = tmp_path / "backups"
    found = {one.title: one.finding for one in readiness(old, backups, clock.now())}
    assert found["要改的"].level == OK
    assert "0014" in found["要改的"].found
    assert found["备份"].level == WARN
    runner = create_app(old).test_cli_runner()
    assert runner.invoke(args=["upgrade", "--check"]).exit_code == 0
    assert schema.current_revision(old.store.engine) == "0014"
    assert not backups.exists()
    done = runner.invoke(args=["upgrade"], env={"COLUMNS": "200"})
    assert done.exit_code == 0, done.output
    assert schema.current_revision(old.store.engine) == schema.head_revision()
    assert len(list(backups.glob("tici-*-before-0014.zip"))) == 1
    assert "flask restore" in done.output
    old.store.close()


def test_a_database_of_a_later_release_is_left_alone(old: System, tmp_path: Path) -> None:
    with old.store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    found = {one.title: one.finding for one in readiness(old, tmp_path, clock.now())}
    assert found["要改的"].level == BAD
    assert create_app(old).test_cli_runner().invoke(args=["upgrade"]).exit_code == 1
    old.store.close()


def test_only_the_newest_backups_are_kept(tmp_path: Path) -> None:
    for day in range(5):
        path = tmp_path / f"tici-2026010{day}.zip"
        path.touch()
        at = (clock.now() - timedelta(days=9 - day)).timestamp()
        os.utime(path, (at, at))
    (tmp_path / "other.zip").touch()
    assert [path.name for path in keep_newest(tmp_path, 3)] == ["tici-20260101.zip", "tici-20260100.zip"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "other.zip", "tici-20260102.zip", "tici-20260103.zip", "tici-20260104.zip",
    ]  # fmt: skip
