"""Signatures for pages inside WeCom, and tickets that are fetched once per app."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from redis import Redis

from bot.commands.archive_key_pairs import keys
from bot.wecom.jssdk import Tickets, is_own_page, sign_page
from tests.wecom.conftest import Company


def test_recorded_signatures(recorded: Path) -> None:
    for vector in json.loads((recorded / "crypto_vectors.json").read_text())["jssdk"]:
        given = (vector["ticket"], vector["noncestr"], vector["timestamp"])
        assert sign_page(*given, vector["url"]).signature == vector["signature"]
        assert sign_page(*given, vector["url"] + "#part").signature == vector["signature"]


@pytest.mark.parametrize(
    ("url", "own"),
    [
        ("https://tici.example/sidebar?x=1", True),
        ("http://tici.example/sidebar", False),
        ("https://tici.example.evil/sidebar", False),
        ("https://tici.example@evil/sidebar", False),
        ("//tici.example/", False),
        ("", False),
    ],
)
def test_only_our_pages_are_signed(url: str, own: bool) -> None:
    assert is_own_page(url, "https://tici.example") is own


def test_tickets_are_shared_but_not_between_apps(company: Company, redis: Redis) -> None:
    first, second = (Tickets(company.client(redis)) for _ in range(2))
    assert first.corp_ticket() == second.corp_ticket()
    assert first.app_ticket() == second.app_ticket() != first.corp_ticket()
    assert len(company.calls("get_jsapi_ticket")) == len(company.calls("ticket/get")) == 1
    names = [str(key) for key in redis.keys("tici:token:*")]
    assert any("agent-config-1000002" in name for name in names)


def test_keys_are_made_and_listed(tmp_path: Path) -> None:
    run = CliRunner().invoke
    assert "还没有私钥" in run(keys, ["list", "--folder", str(tmp_path)]).output
    made = run(keys, ["new", "--folder", str(tmp_path)])
    assert made.stdout.startswith("-----BEGIN PUBLIC KEY-----")
    assert "PRIVATE KEY" not in made.output
    assert run(keys, ["list", "--folder", str(tmp_path)]).output == "v1\n"
    (tmp_path / "private_key_v2.pem").write_text("junk")
    assert run(keys, ["list", "--folder", str(tmp_path)]).exit_code == 1
