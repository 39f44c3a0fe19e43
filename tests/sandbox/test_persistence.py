"""A restart changes nothing; a reset forgets all but the credentials."""

from __future__ import annotations

import stat
from pathlib import Path

from bot.sandbox.corp import prepare
from tests.sandbox.wecom import Receiver, Wecom, card_message, text_message

SEED = "wmSEEDcustomer0000000000000000A1"


def test_credentials_are_made_once(tmp_path: Path) -> None:
    first = prepare(tmp_path / "w")
    assert prepare(tmp_path / "w") == first
    assert prepare(tmp_path / "w", 8100) == first | {"WECOM_API_URL": "http://127.0.0.1:8100/cgi-bin"}
    assert len(first["WECOM_CALLBACK_AES_KEY"]) == 43
    assert first["WECOM_CALLBACK_TOKEN"] != first["WECOM_ARCHIVE_CALLBACK_TOKEN"]
    pem = Path(first["WECOM_PRIVATE_KEYS"]) / "private_key_v1.pem"
    assert stat.S_IMODE(pem.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "w" / "corp.json").stat().st_mode) == 0o600


def test_everything_survives_a_restart(folder: Path, receiver: Receiver) -> None:
    with Wecom(folder, receiver) as wecom:
        customer = wecom.control.add_customer("LinXiaoyu", "孙女士")["external_userid"]
        wecom.control.say(customer, "LinXiaoyu", "你好")
        code = wecom.call("message/send", card_message("t1"))["response_code"]
        token, before = wecom.token(), wecom.control.state()
        wecom.control.wait_for("callback", accept=lambda e: e["event"] == "msgaudit_notify")
        last = wecom.control.last_effect()
    with Wecom(folder, receiver) as wecom:
        after = wecom.control.state()
        assert {k: after[k] for k in ("last_seq", "counts", "corp_id")} == {
            k: before[k] for k in ("last_seq", "counts", "corp_id")
        }
        assert wecom.control.last_effect() >= last
        assert wecom.token() == token
        update = {
            "userids": ["LinXiaoyu"],
            "agentid": 1000002,
            "response_code": code,
            "button": {"replace_name": "好"},
        }
        assert wecom.call("message/update_template_card", update)["errcode"] == 0
        assert wecom.control.say(customer, "LinXiaoyu", "还在吗")["seq"] == 2


def test_a_reset_starts_anew(wecom: Wecom) -> None:
    wecom.control.say(SEED, "LinXiaoyu", "你好")
    wecom.call("message/send", text_message())
    corp_id = wecom.control.state()["corp_id"]
    wecom.control.reset()
    state = wecom.control.state()
    assert (state["corp_id"], state["last_seq"], state["counts"]["inbox"]) == (corp_id, 0, 0)
    assert len(state["members"]) == 4
    assert wecom.control.say(SEED, "LinXiaoyu", "你好")["seq"] == 1
