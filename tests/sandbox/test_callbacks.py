"""Callbacks: signed, encrypted, retried three times, and by switches doubled, lost, late or out of order."""

from __future__ import annotations

import time

import pytest
from wechatpy.enterprise.crypto import WeChatCrypto

from tests.sandbox.wecom import Wecom

SEED = "wmSEEDcustomer0000000000000000A1"


def test_a_new_customer_is_announced_with_a_welcome_code(wecom: Wecom) -> None:
    added = wecom.control.add_customer("linxiaoyu", "孙女士", state="store_1")
    [fields] = wecom.callbacks("change_external_contact")
    assert fields["ToUserName"] == wecom.environment["WECOM_CORP_ID"]
    assert fields["FromUserName"] == "sys"
    assert fields["ChangeType"] == "add_external_contact"
    assert (fields["UserID"], fields["ExternalUserID"]) == ("LinXiaoyu", added["external_userid"])
    assert (fields["State"], fields["WelcomeCode"]) == ("store_1", added["welcome_code"])
    assert wecom.receiver.received[0].path == "/app"


def test_archive_events_use_their_own_address_and_keys(wecom: Wecom) -> None:
    wecom.control.say(SEED, "LinXiaoyu", "在吗")
    [fields] = wecom.callbacks("msgaudit_notify")
    assert fields["AgentID"] == "2000004"
    assert "ExternalUserID" not in fields
    assert wecom.receiver.received[0].path == "/archive"


def test_many_messages_notify_once_at_once_and_once_more_after_the_gap(wecom: Wecom) -> None:
    wecom.control.switches(notify_gap=3600)  # no gap ends by itself while they are said
    for number in range(30):
        wecom.control.say(SEED, "LinXiaoyu", f"第 {number} 句")
    wecom.callbacks("msgaudit_notify")
    time.sleep(0.3)
    assert len(wecom.callbacks("msgaudit_notify")) == 1
    wecom.control.switches(notify_gap=0)
    wecom.callbacks("msgaudit_notify", 2)
    time.sleep(0.3)
    assert len(wecom.callbacks("msgaudit_notify")) == 2


@pytest.mark.parametrize("bad", [(500, b""), (403, b""), (200, b"success")])
def test_a_refused_callback_is_sent_three_times_more(wecom: Wecom, bad: tuple[int, bytes]) -> None:
    wecom.receiver.answers = [bad]
    wecom.control.add_customer("LinXiaoyu", "孙女士")
    wecom.effect("callback", state="failed", attempt=4)
    time.sleep(0.3)
    assert len(wecom.receiver.received) == 4
    plain = [wecom.open(received) for received in wecom.receiver.received]
    assert plain[0] == plain[3]
    assert len({received.query["msg_signature"] for received in wecom.receiver.received}) == 4


def test_a_retry_that_is_answered_ends_it(wecom: Wecom) -> None:
    wecom.receiver.answers = [(503, b""), (200, b"")]
    wecom.control.add_customer("LinXiaoyu", "孙女士")
    assert wecom.effect("callback", state="delivered")["attempt"] == 2
    assert wecom.control.state()["callbacks"] == {"delivered": 1}


def test_a_slow_answer_counts_as_none(wecom: Wecom) -> None:
    wecom.control.switches(callback_timeout=0.2)
    wecom.receiver.delay = 0.6
    wecom.control.add_customer("LinXiaoyu", "孙女士")
    assert wecom.effect("callback", attempt=1)["outcome"] == "TimeoutError"
    wecom.receiver.delay = 0
    wecom.control.switches(callback_timeout=60)
    wecom.effect("callback", state="delivered")


def test_callbacks_are_doubled_lost_and_stale_on_order(wecom: Wecom) -> None:
    wecom.control.switches(duplicate_callbacks=2)
    wecom.control.add_customer("LinXiaoyu", "一")
    assert len(wecom.callbacks("change_external_contact", 3)) >= 3
    wecom.control.switches(duplicate_callbacks=0, lose_callbacks=1)
    wecom.control.add_customer("LinXiaoyu", "二")
    wecom.effect("callback", state="lost")
    wecom.control.switches(stale_seconds=86_400)
    wecom.control.add_customer("LinXiaoyu", "三")
    wecom.effect("callback", state="lost")
    ends = time.monotonic() + 60
    while (fields := wecom.callbacks("change_external_contact", 4)[-1])["CreateTime"] > str(
        int(time.time()) - 80_000
    ):
        assert time.monotonic() < ends, "the stale one did not come"
    assert int(fields["CreateTime"]) < time.time() - 86_000
    assert int(wecom.receiver.received[-1].query["timestamp"]) < time.time() - 86_000


def test_callbacks_are_reordered_on_order(wecom: Wecom) -> None:
    wecom.control.switches(reorder_callbacks=3)
    ids = [wecom.control.add_customer("LinXiaoyu", f"客户{n}")["external_userid"] for n in range(3)]
    came = [fields["ExternalUserID"] for fields in wecom.callbacks("change_external_contact", 3)]
    assert sorted(came) == sorted(ids)
    sent = [effect["callback"] for effect in wecom.control.effects(0, "callback")]
    assert sent != sorted(sent) or came != ids


def test_a_callback_may_be_replayed(wecom: Wecom) -> None:
    wecom.control.add_customer("LinXiaoyu", "孙女士")
    number = wecom.effect("callback")["callback"]
    wecom.control.post("repeat-callback", {"callback": number, "copies": 20})
    # On a busy machine an answer may come too late, and WeCom then asks once more, as it should.
    assert len(wecom.callbacks("change_external_contact", 21)) >= 21


def test_markup_and_odd_characters_survive_the_xml(wecom: Wecom) -> None:
    text = "a ]]> <b> & 你好\n😀"
    wecom.control.write_to_app("ChenGuoan", text)
    [fields] = wecom.callbacks("text")
    assert fields["Content"] == text
    assert (fields["FromUserName"], fields["AgentID"]) == ("ChenGuoan", "1000002")
    assert int(fields["MsgId"]) < 2**63


def sealed_reply(wecom: Wecom, content: str, receiver: str = "") -> bytes:
    """A passive text reply, sealed by wechatpy."""
    env = wecom.environment
    corp_id = receiver or env["WECOM_CORP_ID"]
    crypto = WeChatCrypto(env["WECOM_CALLBACK_TOKEN"], env["WECOM_CALLBACK_AES_KEY"], corp_id)
    plain = (
        f"<xml><ToUserName>ChenGuoan</ToUserName><FromUserName>{env['WECOM_CORP_ID']}</FromUserName>"
        f"<CreateTime>1767578400</CreateTime><MsgType>text</MsgType><Content>{content}</Content></xml>"
    )
    return str(crypto.encrypt_message(plain, "nonce1", "1767578400")).encode()


def test_a_passive_reply_appears_in_the_app_chat(wecom: Wecom) -> None:
    wecom.receiver.answers = [(200, sealed_reply(wecom, "收到,马上查"))]
    wecom.control.write_to_app("ChenGuoan", "查一下王女士")
    assert wecom.effect("message", userid="ChenGuoan")["text"] == {"content": "收到,马上查"}
    assert wecom.effect("callback")["state"] == "delivered"


def test_a_passive_reply_for_another_corp_is_refused(wecom: Wecom) -> None:
    wecom.receiver.answers = [(200, sealed_reply(wecom, "骗你的", receiver="wwother000000000")), (200, b"")]
    wecom.control.write_to_app("ChenGuoan", "查一下王女士")
    assert wecom.effect("callback")["outcome"] == "passive reply: the reply is for another corp"
    assert wecom.effect("callback", attempt=2)["state"] == "delivered"
    assert wecom.control.effects(0, "message") == []


def test_callbacks_waiting_at_a_restart_are_delivered_after_it(wecom: Wecom) -> None:
    wecom.control.switches(callback_timeout=5, reorder_callbacks=2)
    wecom.control.add_customer("LinXiaoyu", "孙女士")
    wecom.__exit__(None, None, None)
    assert wecom.receiver.received == []
    wecom.__enter__()
    wecom.control.switches(reorder_callbacks=0)
    assert wecom.callbacks("change_external_contact")
