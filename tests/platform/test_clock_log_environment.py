"""Clock, logs and environment."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from bot.platform import clock
from bot.platform.environment import ROOT, SurroundingsError, read_environment
from bot.platform.log import get_logger, scrub, setup_logging

SECRETS = [
    ("GET https://x/gettoken?corpid=ww1&corpsecret=geheim", "geheim"),
    ("access_token=geheim&debug=1", "geheim"),
    ("redis://:geheim@127.0.0.1:6379/0", "geheim"),
    ("postgresql://tici:geheim@db/tici", "geheim"),
    ("打我电话 13812345678 吧", "13812345678"),
    ("身份证 11010519491231002X", "19491231"),
]


def test_time_moves_for_everyone_who_shares_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not clock.can_move()
    monkeypatch.setenv("TICI_CLOCK_FILE", str(tmp_path / "clock"))
    before = clock.now()
    clock.move_forward(timedelta(hours=3))
    clock.move_forward(timedelta(minutes=1))
    gone = clock.now() - before
    assert timedelta(hours=3, minutes=1) <= gone < timedelta(hours=3, minutes=1, seconds=10)
    with pytest.raises(ValueError, match="forward"):
        clock.move_forward(timedelta(seconds=-1))


def test_a_clock_file_that_cannot_be_read_moves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "clock").write_text("never")
    before = clock.now()
    monkeypatch.setenv("TICI_CLOCK_FILE", str(tmp_path / "clock"))
    assert clock.now() - before < timedelta(seconds=10)


@pytest.mark.parametrize(("text", "secret"), SECRETS)
def test_no_secret_reaches_a_log(text: str, secret: str) -> None:
    assert secret not in scrub(text)


@pytest.mark.parametrize(
    "sign",
    ["\x00", "\x1b", "\x07", "\x08", "\x7f", "\x85", "\x9b", "\u2028", "\u2029", "\u202e", "\u2066", "\u200f",
     "\u200b", "\ufeff", "\U000e0041", "\ud800"],
)  # fmt: skip
def test_nothing_in_a_log_line_turns_hides_or_ends_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, sign: str
) -> None:
    for as_json in ("1", "0"):
        monkeypatch.setenv("TICI_LOG_JSON", as_json)
        setup_logging()
        get_logger("here").warning("said", text=f"a{sign}b", inner={f"k{sign}": [f"c{sign}"]})
        line = capsys.readouterr().err
        assert sign not in line
        assert len(line.splitlines()) == 1
    assert "好的，张三" in scrub("好的，张三")


def test_a_log_line_is_one_line_and_a_secret_field_is_hidden(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TICI_LOG_JSON", "1")
    setup_logging()
    get_logger("here").warning("something", app_secret="geheim", text="a\r\nb", phone="13812345678", count=3)
    line = capsys.readouterr().err.strip()
    assert "\n" not in line
    entry = json.loads(line)
    assert entry["app_secret"] == "***"
    assert entry["text"] == r"a\r\nb"
    assert entry["phone"] == "138****5678"
    assert entry["count"] == 3
    monkeypatch.delenv("TICI_LOG_JSON")
    setup_logging()


def test_an_empty_environment_is_a_working_one() -> None:
    environment = read_environment({})
    assert environment.database_url == f"sqlite:///{ROOT / 'var' / 'tici.db'}"
    assert environment.config == ROOT / "config.toml"
    assert environment.wecom is None
    assert not environment.demo
    with pytest.raises(SurroundingsError, match="WECOM_CORP_ID"):
        environment.needs_wecom()


def test_a_secret_may_lie_in_a_file_and_is_in_no_repr(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("geheim\n")
    environment = read_environment(
        {"TICI_SECRET_KEY_FILE": str(tmp_path / "key"), "TICI_REDIS_URL": "redis://:geheim@h"}
    )
    assert environment.secret_key == "geheim"
    assert "geheim" not in repr(environment)


def test_all_that_is_missing_is_named_at_once() -> None:
    with pytest.raises(SurroundingsError) as caught:
        read_environment({"WECOM_CORP_ID": "ww1"})
    missing = str(caught.value)
    assert ("WECOM_APP_ID" in missing, "WECOM_APP_SECRET" in missing) == (True, True)
    assert "WECOM_CALLBACK" not in missing  # a later step gives it
