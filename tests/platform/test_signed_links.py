"""Signed links: what they open, and that nothing else does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.platform.signed_links import (
    BOARD_LIFE,
    TASK_LIFE,
    BadLinkError,
    TaskLink,
    board_url,
    read_board_key,
    read_task_token,
    signing_key,
    task_url,
)

KEY, OTHER = b"k" * 32, b"o" * 32
NOW = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def token(url: str) -> str:
    return url.rsplit("/", 1)[-1].rsplit("=", 1)[-1]


def test_a_task_link_says_task_and_agent_until_its_end() -> None:
    url = task_url("https://tici.example", "t7", 3, KEY, NOW)
    assert url.startswith("https://tici.example/t/")
    assert read_task_token(token(url), KEY, NOW + TASK_LIFE - SECOND) == TaskLink("t7", 3)
    with pytest.raises(BadLinkError) as refused:
        read_task_token(token(url), KEY, NOW + TASK_LIFE)
    assert refused.value.expired


def test_a_board_link_opens_until_its_end() -> None:
    key = token(board_url("https://tici.example", KEY, NOW))
    assert read_board_key(key, KEY, NOW) == NOW + BOARD_LIFE
    with pytest.raises(BadLinkError):
        read_board_key(key, KEY, NOW + BOARD_LIFE)


def test_equal_arguments_give_equal_addresses() -> None:
    assert task_url("", "t7", 3, KEY, NOW) == task_url("", "t7", 3, KEY, NOW)
    assert task_url("", "t7", 3, KEY, NOW) != task_url("", "t8", 3, KEY, NOW)


@pytest.mark.parametrize("spoil", ["", "x", "中文", "a.b", "WzcsM10.AAAA"])
def test_what_we_did_not_sign_opens_nothing(spoil: str) -> None:
    with pytest.raises(BadLinkError) as refused:
        read_task_token(spoil, KEY, NOW)
    assert not refused.value.expired


def test_every_changed_character_spoils_a_link() -> None:
    good = token(task_url("", "t7", 3, KEY, NOW))
    for at in range(len(good) - 1):  # the last character of base64 carries bits that say nothing
        changed = good[:at] + ("A" if good[at] != "A" else "B") + good[at + 1 :]
        with pytest.raises(BadLinkError):
            read_task_token(changed, KEY, NOW)


def test_a_key_for_one_purpose_or_installation_opens_no_other() -> None:
    with pytest.raises(BadLinkError):
        read_board_key(token(task_url("", "t7", 3, KEY, NOW)), KEY, NOW)
    with pytest.raises(BadLinkError):
        read_task_token(token(board_url("", KEY, NOW)), KEY, NOW)
    with pytest.raises(BadLinkError):
        read_task_token(token(task_url("", "t7", 3, KEY, NOW)), OTHER, NOW)


def test_the_signing_key_is_given_or_made_once_for_its_owner_only(tmp_path: Path) -> None:
    made = signing_key(None, tmp_path / "var")
    assert len(made) == 32
    assert signing_key(None, tmp_path / "var") == made
    assert (tmp_path / "var" / "secret.key").stat().st_mode & 0o777 == 0o600
    assert signing_key("given", tmp_path) != signing_key("other", tmp_path)
