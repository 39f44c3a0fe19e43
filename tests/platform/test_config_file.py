"""Saving config.toml from a page: no edit is lost, no reader sees half a file, the author is recorded."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.platform import clock
from bot.platform.config.file import (
    ConfigEdit,
    ConfigNotWrittenError,
    StaleConfigError,
    read_config_text,
    save_config,
    why_not_writable,
)
from bot.platform.config.parsing import ConfigError
from bot.platform.config.versions import changes_before, compare, record_change, version_text
from bot.platform.database.audit_log import verify_chain
from bot.platform.database.store import Store
from bot.platform.environment import read_environment
from bot.platform.models import AuditEntry, ConfigChange
from bot.system import System
from tests.support.parts import CONFIG, variables

MORE = CONFIG.replace('any = ["多少钱"]', 'any = ["多少钱", "学费"]')
OTHER = CONFIG.replace('any = ["多少钱"]', 'any = ["价钱"]')


@pytest.fixture
def system(store: Store, tmp_path: Path) -> System:
    system = System(read_environment(variables(tmp_path, TICI_DATABASE_URL=store.url)))
    system.__dict__["store"] = store
    return system


def save(system: System, text: str, stamp: str | None = None, author: str = "WuTong") -> None:
    path = system.environment.config
    edit = ConfigEdit(text, stamp or read_config_text(path).stamp, author, "改规则 ask-price")
    save_config(system.keeper, edit, clock.now())


def ledger(system: System) -> list[tuple[str, str]]:
    with system.store.read() as session:
        return [(row.author, row.version) for row in reversed(changes_before(session, None, 100))]


def test_a_saved_text_is_on_disk_in_force_and_in_the_ledger(system: System) -> None:
    first = system.settings.version
    save(system, MORE)
    assert system.environment.config.read_text(encoding="utf-8") == MORE
    assert system.settings.source == MORE
    assert ledger(system) == [("", first), ("WuTong", system.settings.version)]
    with system.store.read() as session:
        assert version_text(session, first) == CONFIG
        (entry,) = session.scalars(select(AuditEntry))
        assert (entry.actor, entry.action, entry.detail["what"]) == ("WuTong", "config.save", "改规则 ask-price")
        assert verify_chain(session) is None


def test_an_edit_by_hand_is_in_the_ledger_without_a_name_and_once_for_all_processes(system: System) -> None:
    first = system.settings.version
    other = System(system.environment)
    other.__dict__["store"] = system.store
    assert other.settings.version == first
    system.environment.config.write_text(MORE, encoding="utf-8")
    for one in (system, other):
        one.keeper.look_again()
        assert one.settings.source == MORE
    assert ledger(system) == [("", first), ("", system.settings.version)]


def test_two_cannot_both_come_next(system: System) -> None:
    system.settings  # noqa: B018 - the first change
    with system.store.write() as session:
        assert record_change(session, "v2", "甲", "", clock.now())
        assert not record_change(session, "v2", "乙", "", clock.now())
        session.add(ConfigChange(follows=1, version="v3", at=clock.now()))
        with pytest.raises(Exception, match=r"(?i)unique"):
            session.flush()
        session.rollback()


def test_who_is_slower_is_told_and_overwrites_nothing(system: System) -> None:
    stamp = read_config_text(system.environment.config).stamp
    save(system, MORE, stamp)
    with pytest.raises(StaleConfigError) as slower:
        save(system, OTHER, stamp)
    assert slower.value.current.text == MORE
    assert system.environment.config.read_text(encoding="utf-8") == MORE
    save(system, OTHER, slower.value.current.stamp)
    assert system.settings.source == OTHER


@pytest.mark.parametrize(
    "broken",
    [
        CONFIG + "\nnonsense",
        CONFIG.replace("any =", "anny ="),
        CONFIG.replace('any = ["多少钱"]', 'any = ["多少钱"]\nexamples = { hit = ["在吗"] }'),
    ],
)
def test_a_broken_text_or_a_failed_example_is_refused_with_its_line(system: System, broken: str) -> None:
    with pytest.raises(ConfigError) as refused:
        save(system, broken)
    assert all(problem.line > 1 for problem in refused.value.problems)
    assert system.environment.config.read_text(encoding="utf-8") == CONFIG


def test_line_ends_mode_and_byte_order_mark_stay(system: System) -> None:
    path = system.environment.config
    path.write_bytes(b"\xef\xbb\xbf" + CONFIG.replace("\n", "\r\n").encode())
    path.chmod(0o640)
    save(system, MORE)
    assert path.read_bytes() == b"\xef\xbb\xbf" + MORE.replace("\n", "\r\n").encode()
    assert path.stat().st_mode & 0o777 == 0o640
    assert [one.name for one in path.parent.iterdir() if one.name.endswith(".tmp")] == []


def test_behind_a_link_the_file_itself_is_replaced(system: System) -> None:
    path = system.environment.config
    real = path.with_name("real.toml")
    path.rename(real)
    path.symlink_to(real)
    save(system, MORE)
    assert path.is_symlink()
    assert real.read_text(encoding="utf-8") == MORE


def test_a_file_that_is_read_only_stays_and_says_what_to_do(system: System) -> None:
    path = system.environment.config
    path.chmod(0o444)
    assert "chmod" in str(why_not_writable(path))
    with pytest.raises(ConfigNotWrittenError, match="只读"):
        save(system, MORE)
    assert path.read_text(encoding="utf-8") == CONFIG
    assert all(author == "" for author, _ in ledger(system))


def test_a_disk_that_fails_half_way_leaves_the_old_file_and_no_ledger(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ConfigNotWrittenError, match="No space"):
        save(system, MORE)
    monkeypatch.undo()
    path = system.environment.config
    assert path.read_text(encoding="utf-8") == CONFIG
    assert [one.name for one in path.parent.iterdir() if one.name.endswith(".tmp")] == []
    assert all(author == "" for author, _ in ledger(system))


def test_a_comparison_shows_lines_with_their_numbers() -> None:
    diff = compare("a\nb\nc\n", "a\nx\nc\nd\n")
    assert [(line.kind, line.text) for line in diff] == [
        ("same", "a"), ("gone", "b"), ("new", "x"), ("same", "c"), ("new", "d"),
    ]  # fmt: skip
    assert (diff[2].before, diff[2].after) == (None, 2)
    long = "\n".join(map(str, range(50)))
    assert [line.kind for line in compare(long, long.replace("25", "x"))].count("gap") == 1
    assert compare("a", "a") == ()
