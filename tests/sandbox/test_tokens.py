"""Tokens: one per secret, the same while valid, dead when time or WeCom says so."""

from __future__ import annotations

import json
import urllib.request

import pytest

from bot.wecom.jssdk import sign_page
from tests.sandbox.wecom import Wecom


def test_the_same_token_comes_back_until_it_expires(wecom: Wecom) -> None:
    first = wecom.token()
    wecom.tokens.clear()
    assert wecom.token() == first
    assert wecom.token("ARCHIVE") != first
    wecom.control.move_clock(7201)
    assert wecom.call("getcallbackip")["errcode"] == 42001
    wecom.tokens.clear()
    assert wecom.token() != first
    assert wecom.call("getcallbackip")["errcode"] == 0


def test_a_killed_token_is_invalid_before_its_time(wecom: Wecom) -> None:
    wecom.token()
    assert wecom.control.kill_tokens() == 1
    assert wecom.call("getcallbackip")["errcode"] == 40014


@pytest.mark.parametrize(
    ("query", "errcode"),
    [
        ({"corpid": "wwother", "corpsecret": "x"}, 40013),
        ({"corpid": "ours"}, 41004),
        ({"corpid": "ours", "corpsecret": "wrong"}, 40001),
    ],
)
def test_gettoken_refuses(wecom: Wecom, query: dict[str, str], errcode: int) -> None:
    known = {name: wecom.environment["WECOM_CORP_ID"] if value == "ours" else value for name, value in query.items()}
    status, reply = wecom.raw("gettoken", query=known)
    assert (status, reply["errcode"]) == (200, errcode)
    assert (reply["access_token"], reply["expires_in"]) == ("", 0)
    assert (
        f"from ip: 127.0.0.1, more info at https://open.work.weixin.qq.com/devtool/query?e={errcode}"
        in reply["errmsg"]
    )


def test_wrong_secrets_shut_the_source_out_for_an_hour(wecom: Wecom) -> None:
    wecom.control.switches(ban_after=2)
    corp_id = wecom.environment["WECOM_CORP_ID"]
    wrong = {"corpid": corp_id, "corpsecret": "wrong"}
    right = {"corpid": corp_id, "corpsecret": wecom.environment["WECOM_APP_SECRET"]}
    assert [wecom.raw("gettoken", query=wrong)[1]["errcode"] for _ in range(2)] == [40001, 40001]
    assert wecom.raw("gettoken", query=right)[1]["errcode"] == 45009
    wecom.control.move_clock(3601)
    assert wecom.raw("gettoken", query=right)[1]["errcode"] == 0


def test_only_the_query_string_carries_the_token(wecom: Wecom) -> None:
    body = {"access_token": wecom.token()}
    assert wecom.raw("externalcontact/get_corp_tag_list", body)[1]["errcode"] == 41001


def test_a_token_has_the_rights_of_its_secret_only(wecom: Wecom) -> None:
    assert wecom.call("message/getchatdata", {"seq": 0, "limit": 1})["errcode"] == 48002
    assert wecom.archive("externalcontact/get_follow_user_list")["errcode"] == 48002


def test_the_wrong_path_is_404_and_empty_the_wrong_method_is_told(wecom: Wecom) -> None:
    assert wecom.raw("nothing/here", {}) == (404, b"")
    reply = wecom.call("externalcontact/mark_tag")
    assert reply["errcode"] == 40058


def test_an_untrusted_ip_is_refused(wecom: Wecom) -> None:
    wecom.control.switches(refuse_ip=True)
    assert wecom.call("externalcontact/get_follow_user_list")["errcode"] == 60020
    reply = wecom.archive("message/getchatdata", {"seq": 0, "limit": 10})
    assert (reply["errcode"], reply["chatdata"]) == (301042, [])


def test_too_many_calls_are_refused_until_the_window_is_over(wecom: Wecom) -> None:
    codes = [wecom.call("ticket/get", type="agent_config")["errcode"] for _ in range(101)]
    assert codes == [0] * 100 + [45009]
    wecom.control.move_clock(3600)
    wecom.tokens.clear()
    assert wecom.call("ticket/get", type="agent_config")["errcode"] == 0


def test_a_page_that_was_signed_before_the_clock_was_moved_is_still_signed(wecom: Wecom) -> None:
    """A ticket lasts two hours that really pass; in the demo days pass in a moment and the sidebar stays open."""
    ticket = wecom.call("ticket/get", type="agent_config")["ticket"]
    page = "http://127.0.0.1:8000/sidebar?agent=LinXiaoyu"

    def outcome(used: str) -> str:
        signed = sign_page(used, "nonce", 1_700_000_000, page)
        verified = {"timestamp": signed.timestamp, "nonceStr": signed.nonce, "signature": signed.signature}
        app = {"corpid": wecom.environment["WECOM_CORP_ID"], "agentid": wecom.environment["WECOM_APP_ID"]}
        asked = {"name": "agentConfig", "url": page, "params": {**app, **verified}}
        request = urllib.request.Request(f"{wecom.url}/page/bridge", json.dumps(asked).encode())
        with urllib.request.urlopen(request, timeout=30) as answer:
            return str(json.load(answer)["err_msg"])

    assert outcome(ticket) == "agentConfig:ok"
    wecom.control.move_clock(3 * 86_400)
    assert outcome(ticket) == "agentConfig:ok"
    assert "40093" in outcome("another")
