"""Doctor checks of what keeps others out: modes of files, the signing key, https and cookies."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.ops.doctor.finding import BAD, OK, Finding, Probe
from bot.ops.doctor.safety import cookies, private_files, secret_key
from bot.platform import clock
from bot.platform.environment import read_environment
from bot.system import System
from tests.support.parts import served, variables
from tests.support.site import open_site


def probe(folder: Path, **more: str) -> Probe:
    return Probe(System(read_environment({**variables(folder), **more})), clock.now())


def files(folder: Path, **more: str) -> Finding:
    return private_files(probe(folder, TICI_VAR=str(folder / "var"), **more))


@pytest.fixture
def var(tmp_path: Path) -> Path:
    tmp_path.chmod(0o755)
    var = tmp_path / "var"
    (var / "media" / "ab").mkdir(parents=True)
    for name in ("tici.db", "data.keys", "media/ab/file", "backup.tar"):
        (var / name).touch(mode=0o600)
    for folder in (var, var / "media", var / "media" / "ab"):
        folder.chmod(0o755)
    return var


@pytest.mark.parametrize("name", ["tici.db", "data.keys", "media/ab/file", "backup.tar"])
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660, 0o622])
def test_files_that_others_can_read_are_told(var: Path, name: str, mode: int) -> None:
    assert files(var.parent).level == OK
    (var / name).chmod(mode)
    found = files(var.parent)
    assert (found.level, Path(name).name in found.found, "chmod" in found.mend) == (BAD, True, True)
    var.chmod(0o700)  # nobody gets in
    assert files(var.parent).level == OK


def test_what_lies_elsewhere_is_looked_at_and_what_everybody_may_see_is_not(var: Path) -> None:
    (var / "verify").mkdir(mode=0o755)
    (var / "verify" / "WW_verify_x.txt").write_text("x")
    (var / "verify" / "WW_verify_x.txt").chmod(0o644)
    assert files(var.parent).level == OK
    elsewhere = var.parent / "elsewhere.keys"
    elsewhere.touch()
    elsewhere.chmod(0o644)
    assert files(var.parent, TICI_DATA_KEYS_FILE=str(elsewhere)).level == BAD
    database = var.parent / "elsewhere.db"
    database.touch()
    database.chmod(0o644)
    assert files(var.parent, TICI_DATABASE_URL=f"sqlite:///{database}").level == BAD


@pytest.mark.parametrize(
    ("key", "level"),
    [("a", BAD), ("short", BAD), ("x" * 15, BAD), ("x" * 64, BAD), ("ab" * 30, BAD), ("0123456789abcdef" * 4, OK)],
)
def test_a_signing_key_that_can_be_guessed_is_told(tmp_path: Path, key: str, level: str) -> None:
    assert secret_key(probe(tmp_path, TICI_SECRET_KEY=key)).level == level


def test_a_signing_key_of_our_own_is_good(tmp_path: Path) -> None:
    assert secret_key(probe(tmp_path, TICI_SECRET_KEY="")).level == OK


def test_without_https_cookies_can_be_read_on_their_way(tmp_path: Path) -> None:
    assert cookies(probe(tmp_path, TICI_BASE_URL="http://127.0.0.1:8000")).level == OK
    found = cookies(probe(tmp_path, TICI_BASE_URL="http://tici.example.com", TICI_CLOCK_FILE=""))
    assert (found.level, "https" in found.mend) == (BAD, True)


def test_cookies_are_looked_at_as_they_are_really_sent(tmp_path: Path) -> None:
    """A site for https, reached past its proxy."""
    with open_site(tmp_path, extra={"TICI_BASE_URL": "https://tici.example.com"}) as site, served(site.app) as port:
        asked = Probe(site.system, clock.now())
        asked.fetch = lambda path, **query: Probe.fetch(  # type: ignore[method-assign]
            probe(tmp_path, TICI_BASE_URL=f"http://127.0.0.1:{port}"), path, **query
        )
        assert cookies(asked).level == OK
        site.app.config["SESSION_COOKIE_SECURE"] = False
        assert "Secure" in cookies(asked).found
