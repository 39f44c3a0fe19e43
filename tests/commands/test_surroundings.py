"""Mistakes in the surroundings: each is named before anything starts, and no password is shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.commands.demo.stack import StackError, claim
from bot.platform.archive_sources import open_archive
from bot.platform.environment import SurroundingsError, read_environment

WECOM = {
    "WECOM_CORP_ID": "ww0123456789abcdef",
    "WECOM_APP_ID": "1000002",
    "WECOM_APP_SECRET": "s",
    "WECOM_CALLBACK_TOKEN": "t",
    "WECOM_CALLBACK_AES_KEY": "A" * 43,
    "WECOM_ARCHIVE_SECRET": "s",
}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"TICI_DATABASE_URL": "mysql://a:geheim@h/x"}, "TICI_DATABASE_URL"),
        ({"TICI_DATABASE_URL": "tici.db"}, "TICI_DATABASE_URL"),
        ({"TICI_DATABASE_URL": "postgresql://"}, "TICI_DATABASE_URL"),
        ({"TICI_REDIS_URL": "127.0.0.1:6379"}, "TICI_REDIS_URL"),
        ({"TICI_BASE_URL": "tici.example.com"}, "TICI_BASE_URL"),
        ({**WECOM, "WECOM_API_URL": "qyapi.weixin.qq.com"}, "WECOM_API_URL"),
        ({**WECOM, "WECOM_APP_ID": "提词"}, "WECOM_APP_ID 应为整数"),
        ({**WECOM, "WECOM_CALLBACK_AES_KEY": "short"}, "43 个字符"),
        ({"WECOM_CORP_ID": "ww0123456789abcdef"}, "WECOM_APP_SECRET 未设置"),
        ({"TICI_SECRET_KEY_FILE": "/nowhere/at/all"}, "/nowhere/at/all"),
    ],
)
def test_each_mistake_is_named(given: dict[str, str], words: str) -> None:
    with pytest.raises(SurroundingsError) as caught:
        read_environment(given)
    assert words in str(caught.value)
    assert "geheim" not in str(caught.value)


def test_callbacks_and_archive_may_come_later() -> None:
    """The console asks the callback address before it gives what the archive needs: neither may keep Tici down."""
    app = {name: WECOM[name] for name in ("WECOM_CORP_ID", "WECOM_APP_ID", "WECOM_APP_SECRET")}
    access = read_environment(app).needs_wecom()
    assert (access.has_callback, access.has_archive) == (False, False)
    with pytest.raises(SurroundingsError, match="WECOM_ARCHIVE_SECRET"):
        open_archive(access, None)
    whole = read_environment(WECOM).needs_wecom()
    assert (whole.has_callback, whole.has_archive) == (True, True)


@pytest.mark.parametrize("url", ["sqlite:////srv/x.db", "postgres://u@h/x", "postgresql+psycopg://u@/x?host=/run"])
def test_usable_databases_pass(url: str) -> None:
    assert read_environment({"TICI_DATABASE_URL": url}).database_url == url


def test_a_folder_is_held_by_one_and_free_again_afterwards(tmp_path: Path) -> None:
    first = claim(tmp_path)
    with pytest.raises(StackError, match="已经有一个在运行"):
        claim(tmp_path)
    first.close()
    claim(tmp_path).close()


def test_a_pid_left_behind_by_a_crash_holds_nothing(tmp_path: Path) -> None:
    (tmp_path / "stack.pid").write_text("1")  # a process that lives, and is none of ours
    claim(tmp_path).close()
