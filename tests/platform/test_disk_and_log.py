"""A log that cannot be written breaks nothing; with little room on the disk what can wait waits, then goes on."""

from __future__ import annotations

import logging
import os
import shutil
import stat
import subprocess
import sys
from collections import namedtuple
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from bot.ops.disk_alarm import ALARM, watch_disk
from bot.platform import clock
from bot.platform.database.alarms import alarms
from bot.platform.disk import MEGABYTE, free_megabytes, must_wait
from bot.platform.environment import ROOT, SurroundingsError, read_environment
from bot.platform.log import get_logger, setup_logging
from bot.platform.secret_files import keep_private
from bot.system import System
from bot.worker import scheduler
from tests.support.parts import variables
from tests.support.site import Site

Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def full_log(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Standard error leads to a disk that is full."""
    with suppress(OSError), open("/dev/full", "w", buffering=1) as full:  # closing writes what is left, too
        monkeypatch.setattr(sys, "stderr", full)
        setup_logging()
        yield
        monkeypatch.undo()
    setup_logging()


def test_a_log_that_cannot_be_written_breaks_no_request(site: Site, full_log: None) -> None:
    get_logger(__name__).error("lost", why="the disk is full")
    logging.getLogger("a library").warning("lost")
    client = site.app.test_client()
    assert client.post("/wecom/callback", data=b"x").status_code == 400  # a refusal is logged
    assert client.get("/healthz").status_code == 200
    assert client.post("/sign-in", data={"name": "x", "password": "y"}).status_code < 500


def test_a_log_that_is_closed_breaks_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with open(os.devnull, "w") as closed:
        pass
    monkeypatch.setattr(sys, "stderr", closed)
    setup_logging()
    get_logger(__name__).error("lost")


def test_a_scheduler_that_cannot_write_goes_on(site: Site, tmp_path: Path, full_log: None) -> None:
    """Its queue cannot be started, and it cannot even say so."""
    (tmp_path / "valkey").write_text("a file where the queue's folder should be")
    rounds: list[int] = []

    def enough() -> bool:
        rounds.append(1)
        return len(rounds) > 3

    scheduler.run(site.system, enough)
    assert len(rounds) == 4


def short(system: System) -> None:
    system.environment = replace(system.environment, least_free_megabytes=10**9)


def freed(system: System) -> None:
    system.environment = replace(system.environment, least_free_megabytes=0)


def test_health_tells_and_goes_back_by_itself(site: Site) -> None:
    client = site.app.test_client()
    assert client.get("/healthz").text == "ok\n"
    short(site.system)
    answer = client.get("/healthz")
    assert (answer.status_code, answer.text.splitlines()[0]) == (200, "ok")
    assert "disk low" in answer.text
    freed(site.system)
    assert client.get("/healthz").text == "ok\n"


def test_the_alarm_is_raised_and_ends_by_itself(system: System) -> None:
    for change, expected in ((short, [ALARM]), (short, [ALARM]), (freed, [])):
        change(system)
        with system.store.write() as session:
            watch_disk(session, system.environment, clock.now())
        with system.store.read() as session:
            assert [alarm.name for alarm in alarms(session)] == expected


@pytest.mark.parametrize("free", [0, 299, 300, 301])
def test_the_threshold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int) -> None:
    environment = read_environment(variables(tmp_path))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(1, 1, free * MEGABYTE))
    assert free_megabytes(environment) == free
    assert must_wait(environment) == (free < 300)
    assert not must_wait(read_environment({**variables(tmp_path), "TICI_MIN_FREE_MB": "0"}))


@pytest.mark.parametrize("given", ["-1", "x", "1.5", "٣", "9" * 30])
def test_a_threshold_that_is_no_number_is_named(tmp_path: Path, given: str) -> None:
    with pytest.raises(SurroundingsError, match="TICI_MIN_FREE_MB"):
        read_environment({**variables(tmp_path), "TICI_MIN_FREE_MB": given})


def open_to_others(folder: Path) -> list[str]:
    return [
        str(path.relative_to(folder))
        for path in (folder, *folder.rglob("*"))
        if not path.is_symlink() and stat.S_IMODE(path.stat().st_mode) & 0o077
    ]


@pytest.mark.timeout(600)
def test_what_the_processes_write_is_readable_by_their_owner_only(tmp_path: Path) -> None:
    var = tmp_path / "var"
    var.mkdir(mode=0o755)
    given = {**os.environ, **variables(tmp_path), "TICI_VAR": str(var)}
    flask = [sys.executable, "-W", "ignore", "-m", "flask", "--app", str(ROOT / "wsgi.py")]
    for command in (
        ["db", "upgrade"],
        ["seed", "--customers", "2", "--messages", "4"],
        ["backup", str(var / "b.tar")],
    ):
        ended = subprocess.run(
            [*flask, *command], env=given, check=False, capture_output=True, text=True, timeout=300, umask=0o022
        )
        assert ended.returncode == 0, ended.stderr[-500:]
    assert (var / "tici.db").exists()
    assert open_to_others(var) == []


@pytest.fixture
def _careless() -> Iterator[None]:
    """A process that was started with files open to all."""
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.mark.usefixtures("_careless")
def test_the_embedded_queue_writes_nothing_for_others(site: Site, tmp_path: Path) -> None:
    keep_private(tmp_path)
    site.system.queue.connection.set("x", "y")
    assert (tmp_path / "valkey").is_dir()
    assert open_to_others(tmp_path / "valkey") == []
    site.system.queue.connection.shutdown(nosave=True)
