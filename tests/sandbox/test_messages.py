"""App messages: checks, receivers, duplicates, silent limits, cards and what becomes of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bot.sandbox.control import ControlRefusedError
from tests.sandbox.wecom import Json, Wecom, card_message, text_message

NOTICE = {"card_type": "text_notice", "main_title": {"title": "x"}, "card_action": {"type": 1, "url": "https://a.cn"}}


def notice(**changes: Any) -> Json:
    return {"touser": "LinXiaoyu", "msgtype": "template_card", "agentid": 1000002, "template_card": NOTICE | changes}


@pytest.mark.parametrize(
    ("body", "errcode"),
    [
        (text_message(agentid="1000002"), 40056),
        (text_message(agentid=True), 40056),
        (text_message(agentid=1000003), 301002),
        (text_message(to="nobody|noone"), 81013),
        (text_message(to=""), 81013),
        (text_message(to="|".join(["LinXiaoyu"] * 1001)), 40058),
        (text_message(content=""), 44004),
        (text_message(msgtype="smoke"), 40008),
        (text_message(enable_duplicate_check=1, duplicate_check_interval=99_999), 40058),
        ({**text_message(), "msgtype": "textcard",
          "textcard": {"title": "t", "description": "d", "url": "a.cn"}}, 40058),
        ({**text_message(), "msgtype": "textcard", "textcard": {"title": "t", "description": "d"}}, 40063),
        ({**text_message(), "msgtype": "textcard",
          "textcard": {"title": "t" * 129, "description": "d", "url": "https://a.cn"}}, 45002),
        ({**text_message(), "msgtype": "markdown", "markdown": {"content": "长" * 700}}, 45002),
        ({**text_message(), "msgtype": "image", "image": {"media_id": "gone"}}, 40007),
        (notice(card_type="poster"), 42014),
        (notice(card_action={}), 42014),
        (notice(main_title={"title": "长" * 37}), 45002),
        (notice(main_title={}), 42014),
        (notice(horizontal_content_list=[{"keyname": "k"}] * 7), 42014),
        (notice(jump_list=[{"type": 1, "title": "去"}]), 42014),
        (notice(action_menu={"desc": "更多", "action_list": [{"text": "a", "key": "k"}]}), 42014),
        (card_message(task_id="不行"), 42014),
        (card_message(button_list=[]), 42014),
        (card_message(button_list=[{"text": "字太多了字太多了字太多", "key": "k"}]), 45002),
    ],
)  # fmt: skip
def test_message_send_refuses(wecom: Wecom, body: Json, errcode: int) -> None:
    reply = wecom.call("message/send", body)
    assert reply["errcode"] == errcode
    assert "invaliduser" in reply
    assert wecom.control.effects(0, "message") == []


def test_receivers_are_told_apart(wecom: Wecom) -> None:
    wecom.control.post("members", {"userid": "WuTong", "licensed": 0})
    reply = wecom.call("message/send", text_message("linxiaoyu|Nobody|WUTONG"))
    assert reply["errcode"] == 0
    assert (reply["invaliduser"], reply["unlicenseduser"]) == ("nobody", "wutong")
    assert [e["userid"] for e in wecom.control.effects(0, "message")] == ["LinXiaoyu"]


def test_everyone_and_departments(wecom: Wecom) -> None:
    wecom.call("message/send", text_message("@all"))
    assert len(wecom.control.effects(0, "message")) == 4
    reply = wecom.call("message/send", {**text_message(""), "toparty": "3|77"})
    assert reply["invalidparty"] == "77"
    assert wecom.control.effects(0, "message")[-1]["userid"] == "ZhouMin"


def test_a_byte_identical_message_is_sent_once_within_the_interval(wecom: Wecom) -> None:
    body = text_message(enable_duplicate_check=1, duplicate_check_interval=600)
    first, second = wecom.call("message/send", body), wecom.call("message/send", body)
    assert second["errcode"] == 0
    assert second["msgid"] == first["msgid"]
    assert len(wecom.control.effects(0, "message")) == 1
    wecom.control.move_clock(601)
    assert wecom.call("message/send", body)["msgid"] != first["msgid"]
    assert wecom.call("message/send", body | {"safe": 0})["msgid"] != first["msgid"]


def test_an_interactive_card_sent_twice_is_one_card(wecom: Wecom) -> None:
    body = card_message() | {"enable_duplicate_check": 1}
    first, second = wecom.call("message/send", body), wecom.call("message/send", body)
    assert (second["msgid"], second["response_code"]) == (first["msgid"], first["response_code"])
    assert wecom.call("message/send", card_message())["errcode"] == 42014


def test_more_than_thirty_a_minute_vanish_silently(wecom: Wecom, clock_file: Path) -> None:
    replies = [wecom.call("message/send", text_message(content=f"第{n}条")) for n in range(33)]
    assert {reply["errcode"] for reply in replies} == {0}
    assert len(wecom.control.effects(0, "message")) == 30
    assert len(wecom.control.effects(0, "message_dropped")) == 3
    wecom.control.move_clock(61)
    wecom.call("message/send", text_message())
    assert len(wecom.control.effects(0, "message")) == 31
    clock_file.write_text("-300")  # what was sent later does not count for now
    wecom.call("message/send", text_message())
    assert len(wecom.control.effects(0, "message")) == 32


def test_long_text_is_cut_at_whole_characters(wecom: Wecom) -> None:
    wecom.call("message/send", text_message(content="长" * 800))
    content = wecom.control.effects(0, "message")[0]["text"]["content"]
    assert content == "长" * 682


def test_a_pressed_button_comes_back_with_a_code_that_works_once(wecom: Wecom) -> None:
    wecom.call("message/send", card_message("lead_1"))
    wecom.control.press("LinXiaoyu", "lead_1", "done")
    [fields] = wecom.callbacks("template_card_event")
    assert (fields["FromUserName"], fields["EventKey"]) == ("LinXiaoyu", "done")
    assert (fields["TaskId"], fields["CardType"]) == ("lead_1", "button_interaction")
    update = {
        "userids": ["linxiaoyu", "ChenGuoan"],
        "agentid": 1000002,
        "response_code": fields["ResponseCode"],
        "button": {"replace_name": "已完成"},
    }
    reply = wecom.call("message/update_template_card", update)
    assert (reply["errcode"], reply["invaliduser"]) == (0, ["chenguoan"])
    assert wecom.call("message/update_template_card", update)["errcode"] == 42051
    with pytest.raises(ControlRefusedError, match="已完成"):
        wecom.control.press("LinXiaoyu", "lead_1", "later")


def test_the_code_of_sending_updates_the_others(wecom: Wecom) -> None:
    sent = wecom.call("message/send", card_message("both", to="LinXiaoyu|ChenGuoan"))
    card = card_message("both")["template_card"] | {"replace_text": "同事已处理"}
    update = {
        "userids": ["ChenGuoan"],
        "agentid": 1000002,
        "response_code": sent["response_code"],
        "template_card": card,
    }
    assert wecom.call("message/update_template_card", update)["errcode"] == 0
    with pytest.raises(ControlRefusedError, match="同事已处理"):
        wecom.control.press("ChenGuoan", "both", "done")
    wecom.control.press("LinXiaoyu", "both", "done")


def test_a_response_code_dies_after_72_hours(wecom: Wecom) -> None:
    code = wecom.call("message/send", card_message())["response_code"]
    wecom.control.move_clock(72 * 3600 + 5)
    wecom.tokens.clear()
    update = {"userids": ["LinXiaoyu"], "agentid": 1000002, "response_code": code, "button": {"replace_name": "x"}}
    assert wecom.call("message/update_template_card", update)["errcode"] == 42051


def test_choices_and_menus_come_back(wecom: Wecom) -> None:
    selection = {
        "question_key": "q",
        "option_list": [{"id": "a", "text": "甲"}, {"id": "b", "text": "乙"}],
        "selected_id": "a",
    }
    menu = {"desc": "更多", "action_list": [{"text": "静音", "key": "mute"}]}
    wecom.call("message/send", card_message("pick", button_selection=selection, action_menu=menu))
    wecom.control.press("LinXiaoyu", "pick", "done", q=["b"])
    item = wecom.callbacks("template_card_event")[0]["SelectedItems"]["SelectedItem"]
    assert item == {"QuestionKey": "q", "OptionIds": {"OptionId": "b"}}
    wecom.control.press("LinXiaoyu", "pick", "mute")
    assert wecom.callbacks("template_card_menu_event")[0]["EventKey"] == "mute"


def test_recall_works_for_a_day(wecom: Wecom) -> None:
    first = wecom.call("message/send", text_message())["msgid"]
    assert wecom.call("message/recall", {"msgid": first})["errcode"] == 0
    second = wecom.call("message/send", text_message())["msgid"]
    wecom.control.move_clock(86_401)
    wecom.tokens.clear()
    assert wecom.call("message/recall", {"msgid": second})["errcode"] == 42052
    assert wecom.call("message/recall", {"msgid": "strange"})["errcode"] == 40058
