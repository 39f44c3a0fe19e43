"""Actions in the console are visible in the API and raise events."""

from __future__ import annotations

from tests.sandbox.wecom import Wecom

A = "wmSEEDcustomer0000000000000000A1"


def changes(wecom: Wecom) -> list[tuple[str, str]]:
    """Event and ChangeType of all stored callbacks, oldest first."""
    rows = wecom.app.extensions["sandbox"].ledger.rows("SELECT event, xml FROM callbacks ORDER BY id")
    return [(row["event"], row["xml"].partition("<ChangeType><![CDATA[")[2].partition("]")[0]) for row in rows]


def test_leaders_and_departments(wecom: Wecom) -> None:
    found = {row["userid"]: row for row in wecom.call("user/list", department_id="1", fetch_child="1")["userlist"]}
    assert found["LinXiaoyu"]["direct_leader"] == ["WuTong"]
    assert found["WuTong"]["is_leader_in_dept"] == [1]
    assert wecom.call("user/list", department_id="1")["userlist"] == [], "nobody sits in the company itself"
    wecom.control.post("departments", {"id": 9, "name": "夜班", "parentid": 2, "tell": True})
    wecom.control.member("LinXiaoyu", departments=[2, 9], leads=[9], tell=True)
    assert wecom.call("user/get", userid="linxiaoyu")["is_leader_in_dept"] == [0, 1]
    names = {
        row["id"]: (row["name"], row["department_leader"]) for row in wecom.call("department/list")["department"]
    }
    assert names[9] == ("夜班", ["LinXiaoyu"])
    assert {row["id"] for row in wecom.call("department/simplelist", id="2")["department_id"]} == {2, 9}
    assert changes(wecom) == [("change_contact", "create_party"), ("change_contact", "update_user")]


def test_a_member_who_left_or_is_out_of_sight(wecom: Wecom) -> None:
    wecom.control.member("LinXiaoyu", status=5, tell=True)
    assert wecom.call("user/get", userid="LinXiaoyu")["errcode"] == 60111
    assert "LinXiaoyu" not in wecom.call("externalcontact/get_follow_user_list")["follow_user"]
    wecom.control.member("ChenGuoan", visible=0)
    assert wecom.call("user/get", userid="ChenGuoan")["errcode"] == 60011
    assert wecom.call("externalcontact/list", userid="ChenGuoan")["errcode"] == 60011
    body = {"touser": "ChenGuoan", "msgtype": "text", "agentid": 1000002, "text": {"content": "x"}}
    assert wecom.call("message/send", body)["errcode"] == 81013
    assert changes(wecom) == [("change_contact", "delete_user")]


def test_a_customer_handed_over_changes_hands_with_his_tags(wecom: Wecom) -> None:
    wecom.call("externalcontact/add_corp_tag", {"group_name": "意向", "tag": [{"name": "高"}]})
    wecom.control.edit_customer("LinXiaoyu", A, add_tag=["高"], remark="老客")
    body = {"handover_userid": "LinXiaoyu", "takeover_userid": "ZhouMin", "external_userid": [A]}
    assert wecom.call("externalcontact/transfer_customer", body)["customer"][0]["errcode"] == 0
    assert wecom.control.transfer("LinXiaoyu", "ZhouMin", A, "customer_refused") == {"status": 3}
    assert wecom.control.transfer("LinXiaoyu", "ZhouMin", A) == {"status": 1}
    (follow,) = wecom.call("externalcontact/get", external_userid=A)["follow_user"]
    assert (follow["userid"], follow["add_way"], follow["remark"]) == ("ZhouMin", 202, "老客")
    assert [tag["tag_name"] for tag in follow["tags"]] == ["高"]
    query = {"handover_userid": "LinXiaoyu", "takeover_userid": "ZhouMin"}
    assert wecom.call("externalcontact/transfer_result", query)["customer"][0]["status"] == 1
    assert [change for _, change in changes(wecom)] == [
        "edit_external_contact", "transfer_fail", "del_external_contact", "add_external_contact",
    ]  # fmt: skip


def test_the_tag_library_changed_in_the_console(wecom: Wecom) -> None:
    control = wecom.control
    tag = control.change_library("create", group="意向", name="高")["id"]
    control.change_library("update", tag=tag, name="很高")
    control.change_library("shuffle")
    assert wecom.call("externalcontact/get_corp_tag_list", {})["tag_group"][0]["tag"][0]["name"] == "很高"
    control.change_library("delete", tag_group="意向")
    assert wecom.call("externalcontact/get_corp_tag_list", {})["tag_group"] == []
    assert [change for _, change in changes(wecom)] == ["create", "update", "shuffle", "delete"]


def test_userids_in_lower_case(wecom: Wecom) -> None:
    wecom.control.switches(lower_userids=True)
    assert "linxiaoyu" in wecom.call("externalcontact/get_follow_user_list")["follow_user"]
    listed = wecom.call("externalcontact/batch/get_by_user", {"userid_list": ["LinXiaoyu"]})["external_contact_list"]
    assert {item["follow_info"]["userid"] for item in listed} == {"linxiaoyu"}
