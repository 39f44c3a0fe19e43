"""Customers and their tags: relations, welcome within 20 s, the library, marking, mass sending."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from bot.sandbox.control import ControlRefusedError
from tests.sandbox.wecom import Json, Wecom

A, B, C = (f"wmSEEDcustomer0000000000000000{letter}" for letter in ("A1", "B2", "C3"))
WELCOME = {"text": {"content": "您好"}}


def add_tags(wecom: Wecom, group: str, *names: str) -> list[str]:
    reply = wecom.call("externalcontact/add_corp_tag", {"group_name": group, "tag": [{"name": n} for n in names]})
    assert reply["errcode"] == 0
    by_name = {tag["name"]: tag["id"] for tag in reply["tag_group"]["tag"]}
    return [by_name[name] for name in names]


def tags(wecom: Wecom, customer: str = A) -> list[str]:
    [follow] = wecom.call("externalcontact/get", external_userid=customer)["follow_user"]
    return [tag["tag_name"] for tag in follow["tags"]]


def test_the_welcome_code_works_once_and_for_twenty_seconds(wecom: Wecom) -> None:
    code = wecom.control.add_customer("LinXiaoyu", "孙女士")["welcome_code"]
    wecom.control.move_clock(18)
    assert wecom.call("externalcontact/send_welcome_msg", {"welcome_code": code, **WELCOME})["errcode"] == 0
    assert wecom.call("externalcontact/send_welcome_msg", {"welcome_code": code, **WELCOME})["errcode"] == 41051
    late = wecom.control.add_customer("LinXiaoyu", "钱先生")["welcome_code"]
    wecom.control.move_clock(21)
    assert wecom.call("externalcontact/send_welcome_msg", {"welcome_code": late, **WELCOME})["errcode"] == 41050
    assert len(wecom.control.effects(0, "welcome")) == 1


@pytest.mark.parametrize("given", [{"welcome": False}, {"type": 2, "corp_name": "远山科技"}])
def test_some_customers_come_without_a_welcome_code(wecom: Wecom, given: Json) -> None:
    assert wecom.control.add_customer("LinXiaoyu", "无码", **given)["welcome_code"] == ""
    assert "WelcomeCode" not in wecom.callbacks("change_external_contact")[0]


@pytest.mark.parametrize(
    ("content", "errcode"),
    [
        ({}, 40063),
        ({"text": {"content": "长" * 1334}}, 45002),
        ({"attachments": [{"msgtype": "image", "image": {"pic_url": "https://a.cn/1.png"}}] * 10}, 40058),
        ({"attachments": [{"msgtype": "link", "link": {"title": "长" * 43, "url": "https://a.cn"}}]}, 45002),
        ({"attachments": [{"msgtype": "poem", "poem": {}}]}, 40058),
    ],
)
def test_welcome_content_is_checked(wecom: Wecom, content: Json, errcode: int) -> None:
    code = wecom.control.add_customer("LinXiaoyu", "孙女士")["welcome_code"]
    assert wecom.call("externalcontact/send_welcome_msg", {"welcome_code": code, **content})["errcode"] == errcode


def test_nobody_and_strangers(wecom: Wecom) -> None:
    reply = wecom.call("externalcontact/list", userid="ZhouMin")
    assert (reply["errcode"], reply["external_userid"]) == (84061, [])
    assert wecom.call("externalcontact/list", userid="ghost")["errcode"] == 60111
    assert wecom.call("externalcontact/get", external_userid="wmNobody")["errcode"] == 40096
    assert wecom.call("externalcontact/list", userid="LINXIAOYU")["external_userid"] == [A, B]


def test_batches_page_with_a_cursor(wecom: Wecom) -> None:
    body: Json = {"userid_list": ["LinXiaoyu", "ChenGuoan"], "limit": 2}
    first = wecom.call("externalcontact/batch/get_by_user", body)
    second = wecom.call("externalcontact/batch/get_by_user", body | {"cursor": first["next_cursor"]})
    found = [item["external_contact"]["external_userid"] for item in
             first["external_contact_list"] + second["external_contact_list"]]  # fmt: skip
    assert found == [A, B, C]
    assert second["next_cursor"] == ""
    assert "tag_id" in first["external_contact_list"][0]["follow_info"]


def test_remarks_are_written_and_checked(wecom: Wecom) -> None:
    pair = {"userid": "LinXiaoyu", "external_userid": A}
    assert (
        wecom.call("externalcontact/remark", pair | {"remark": "王女士", "remark_mobiles": ["1380000"]})["errcode"]
        == 0
    )
    [follow] = wecom.call("externalcontact/get", external_userid=A)["follow_user"]
    assert (follow["remark"], follow["remark_mobiles"]) == ("王女士", ["1380000"])
    assert wecom.call("externalcontact/remark", pair)["errcode"] == 40063
    assert wecom.call("externalcontact/remark", pair | {"remark": "长" * 21})["errcode"] == 45002


def test_a_tag_name_is_one_tag_in_its_group(wecom: Wecom) -> None:
    first, second = add_tags(wecom, "意向", "高", "低")
    [again] = add_tags(wecom, "意向", "高")
    assert again == first
    [group] = wecom.call("externalcontact/get_corp_tag_list", {})["tag_group"]
    assert {tag["name"] for tag in group["tag"]} == {"高", "低"}
    assert wecom.call("externalcontact/del_corp_tag", {"tag_id": [first, second]})["errcode"] == 0
    assert wecom.call("externalcontact/get_corp_tag_list", {})["tag_group"] == []


def test_api_calls_raise_no_event_the_phone_does(wecom: Wecom) -> None:
    high, low = add_tags(wecom, "意向", "高", "低")
    pair = {"userid": "LinXiaoyu", "external_userid": A}
    assert wecom.call("externalcontact/mark_tag", pair | {"add_tag": [high]})["errcode"] == 0
    assert wecom.call("externalcontact/mark_tag", pair | {"add_tag": [low], "remove_tag": [high]})["errcode"] == 0
    assert tags(wecom) == ["低"]
    assert wecom.receiver.received == []
    wecom.control.edit_customer("LinXiaoyu", A, add_tag=["高"], remove_tag=["低"], personal_tag=["老客"])
    assert wecom.callbacks("change_external_contact")[0]["ChangeType"] == "edit_external_contact"
    assert tags(wecom) == ["高", "老客"]


@pytest.mark.parametrize(
    ("change", "errcode"),
    [
        ({"userid": "ZhouMin"}, 84061),
        ({"add_tag": ["etNOPE"]}, 40068),
        ({"add_tag": []}, 40063),
        ({"add_tag": "et"}, 40058),
    ],
)
def test_mark_tag_refuses(wecom: Wecom, change: dict[str, Any], errcode: int) -> None:
    [high] = add_tags(wecom, "意向", "高")
    body = {"userid": "LinXiaoyu", "external_userid": A, "add_tag": [high], **change}
    assert wecom.call("externalcontact/mark_tag", body)["errcode"] == errcode
    assert tags(wecom) == []


def test_two_marks_of_one_customer_at_once_collide(wecom: Wecom) -> None:
    [high] = add_tags(wecom, "意向", "高")
    wecom.control.switches(mark_seconds=0.3)
    body = {"userid": "LinXiaoyu", "external_userid": A, "add_tag": [high]}
    with ThreadPoolExecutor(2) as pool:
        codes = list(pool.map(lambda _: wecom.call("externalcontact/mark_tag", body)["errcode"], range(2)))
    assert sorted(codes) == [0, 45035]
    assert wecom.call("externalcontact/mark_tag", body)["errcode"] == 0


def test_a_partial_mark_says_ok(wecom: Wecom) -> None:
    high, low = add_tags(wecom, "意向", "高", "低")
    wecom.control.switches(partial_marks=1)
    body = {"userid": "LinXiaoyu", "external_userid": A, "add_tag": [high, low]}
    assert wecom.call("externalcontact/mark_tag", body)["errcode"] == 0
    assert tags(wecom) == ["高"]


def test_both_sides_may_delete_each_other(wecom: Wecom) -> None:
    wecom.control.part("LinXiaoyu", A, by="customer")
    assert wecom.callbacks("change_external_contact")[0]["ChangeType"] == "del_follow_user"
    with pytest.raises(ControlRefusedError, match="拒收"):
        wecom.control.say("LinXiaoyu", A, "在吗")
    wecom.control.part("LinXiaoyu", B)
    assert wecom.callbacks("change_external_contact", 2)[1]["ChangeType"] == "del_external_contact"
    assert wecom.call("externalcontact/get", external_userid=B)["errcode"] == 84061
    assert wecom.control.add_customer("LinXiaoyu", "", external_userid=A)["welcome_code"]


def test_mass_messages_wait_for_the_member(wecom: Wecom) -> None:
    body = {"chat_type": "single", "external_userid": [A, C, "wmGone"], "text": {"content": "早鸟价"}}
    reply = wecom.call("externalcontact/add_msg_template", body)
    assert reply["fail_list"] == ["wmGone"]
    msgid = reply["msgid"]
    assert wecom.call("externalcontact/get_groupmsg_task", {"msgid": msgid})["errcode"] == 41063
    wecom.control.move_clock(2)
    assert wecom.control.state()["last_seq"] == 0
    wecom.control.confirm_group_send("LinXiaoyu", msgid)
    tasks = wecom.call("externalcontact/get_groupmsg_task", {"msgid": msgid})["task_list"]
    assert {task["userid"]: task["status"] for task in tasks} == {"LinXiaoyu": 2, "ChenGuoan": 0}
    sent = wecom.call("externalcontact/get_groupmsg_send_result", {"msgid": msgid, "userid": "LinXiaoyu"})
    assert [(row["external_userid"], row["status"]) for row in sent["send_list"]] == [(A, 1)]
    assert wecom.control.state()["last_seq"] == 1
    assert wecom.call("externalcontact/cancel_groupmsg_send", {"msgid": msgid})["errcode"] == 0
    assert wecom.call("externalcontact/cancel_groupmsg_send", {"msgid": msgid})["errcode"] == 41093
    codes = [wecom.call("externalcontact/remind_groupmsg_send", {"msgid": msgid})["errcode"] for _ in range(4)]
    assert codes == [0, 0, 0, 41094]


def test_groups_report_their_changes(wecom: Wecom) -> None:
    chat_id = wecom.control.post("rooms", {"owner": "LinXiaoyu", "name": "家长群", "members": [A]})["chat_id"]
    assert wecom.callbacks("change_external_chat")[0]["ChangeType"] == "create"
    wecom.control.post("change-room", {"chat_id": chat_id, "join": [B, C]})
    fields = wecom.callbacks("change_external_chat", 2)[1]
    assert (fields["UpdateDetail"], fields["JoinScene"], fields["MemChangeCnt"]) == ("add_member", "3", "2")
    assert fields["MemChangeList"]["Item"] == [B, C]
    group = wecom.call("externalcontact/groupchat/get", {"chat_id": chat_id, "need_name": 1})["group_chat"]
    assert [member["type"] for member in group["member_list"]] == [1, 2, 2, 2]
    assert group["member_version"] == fields["CurMemVer"]
    wecom.control.post("say-in-room", {"chat_id": chat_id, "from": A, "content": "几点上课"})
    assert wecom.control.effects(0, "said")[-1]["roomid"] == chat_id
    assert wecom.call("externalcontact/groupchat/list", {"status_filter": 0})["errcode"] == 40058
    assert wecom.archive("msgaudit/groupchat/get", {"roomid": chat_id})["errcode"] == 301059
