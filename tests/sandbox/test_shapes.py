"""Every answer has the fields and the types of the recorded samples."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.sandbox.wecom import Json, Wecom

A, B, ROOM = (
    "wmTEST0AAexternalcontact000000A1",
    "woTEST0AAexternalcontact000000B2",
    "wrTEST0AAgroupchat0000000000000D",
)
# Left out by a real WeCom too unless there is something to tell, or a matter of the sample's history.
OPTIONAL = {"unionid", "wechat_channels", "position", "corp_full_name", "external_profile", "state", "next_cursor"}
ELSEWHERE = {
    "getuserinfo_used_code": "40029 for unknown codes, 42022 for used ones",
    "send_all_invalid": "test_messages",
    "groupmsg_dispatching": "test_contacts",
    "rate_limited": "test_tokens",
    "ip_refused": "test_tokens",
}


@pytest.fixture
def stage(wecom: Wecom) -> dict[str, str]:
    """The people and things of the samples; maps the samples' invented ids to the sandbox's own."""
    control = wecom.control
    control.reset(empty=True)
    for userid, name in (("LinXiaoyu", "林晓雨"), ("ChenGuoan", "陈国安"), ("ZhouMin", "周敏")):
        control.post("members", {"userid": userid, "name": name})
    code = control.add_customer("LinXiaoyu", "王海棠", external_userid=A, gender=2, state="store_bj_01")[
        "welcome_code"
    ]
    control.add_customer("ChenGuoan", "王海棠", external_userid=A)
    control.add_customer("LinXiaoyu", "赵先生", external_userid=B, type=2, corp_name="远山科技")
    tags = [{"name": "高意向", "order": 2}, {"name": "观望", "order": 1}]
    group = wecom.call("externalcontact/add_corp_tag", {"group_name": "意向", "order": 1, "tag": tags})["tag_group"]
    marked = {"userid": "LinXiaoyu", "external_userid": A, "add_tag": [group["tag"][0]["id"]]}
    assert wecom.call("externalcontact/mark_tag", marked)["errcode"] == 0
    control.edit_customer("LinXiaoyu", A, personal_tag=["老客"])
    room = control.post("rooms", {"owner": "LinXiaoyu", "name": "云南五日", "members": [A, "ChenGuoan"]})["chat_id"]
    inner = control.post("rooms", {"owner": "ChenGuoan", "members": ["LinXiaoyu"], "internal": True})["chat_id"]
    media = upload(wecom, "image", "a.png")
    ids = {
        "etTEST0AAtag00000000000000000001": group["tag"][0]["id"],
        "etTEST0AAtag00000000000000000002": group["tag"][1]["id"],
        "TESTWELCOMECODE0001": code,
        ROOM: room,
        "wrTEST0AAinternalgroup000000000E": inner,
        "wwtestcorp00000001": wecom.environment["WECOM_CORP_ID"],
        "TEST-SECRET": wecom.environment["WECOM_APP_SECRET"],
        "CODE2": control.post("login-code", {"who": A})["code"],
        "CODE": control.post("login-code", {"who": "LinXiaoyu", "scope": "snsapi_privateinfo"})["code"],
    }
    ids |= {f"TESTMEDIAID{number:04}": media["media_id"] for number in range(1, 9)}
    ticket_code = control.post("login-code", {"who": "LinXiaoyu", "scope": "snsapi_privateinfo"})["code"]
    ids["TESTUSERTICKET"] = wecom.call("auth/getuserinfo", code=ticket_code)["user_ticket"]
    ids |= sent_before(wecom)
    control.move_clock(2)
    return ids


def sent_before(wecom: Wecom) -> dict[str, str]:
    """A text, two cards and a mass message that the samples refer to."""
    text = {"touser": "LinXiaoyu", "msgtype": "text", "agentid": 1000002, "text": {"content": "x"}}
    card = {
        "card_type": "vote_interaction",
        "main_title": {"title": "x"},
        "checkbox": {"question_key": "q", "option_list": [{"id": "a", "text": "a"}]},
        "submit_button": {"text": "x", "key": "k"},
    }
    ids = {"TESTMSGID0001": wecom.call("message/send", text)["msgid"]}
    for number in (1, 2):
        body = {**text, "msgtype": "template_card", "template_card": card | {"task_id": f"before_{number}"}}
        ids[f"TESTRESPONSECODE000{number}"] = wecom.call("message/send", body)["response_code"]
    mass = {"external_userid": [A, B], "sender": "LinXiaoyu", "text": {"content": "x"}}
    msgid = wecom.call("externalcontact/add_msg_template", mass)["msgid"]
    wecom.control.confirm_group_send("LinXiaoyu", msgid)
    return ids | {"msgTEST0AA000000000000000001": msgid}


def upload(wecom: Wecom, kind: str, filename: str, path: str = "media/upload") -> Json:
    boundary = "sandboxboundary"
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="media"; filename="{filename}"\r\n'
    body = f"{head}Content-Type: image/png\r\n\r\n".encode() + b"0123456789" + f"\r\n--{boundary}--\r\n".encode()
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    return dict(wecom.raw(path, body, {"access_token": wecom.token(), "type": kind}, headers)[1])


def differences(sample: Any, ours: Any, where: str = "") -> list[str]:
    """What a reader of the sample would miss in our answer."""
    if isinstance(sample, dict):
        if not isinstance(ours, dict):
            return [f"{where}: not an object"]
        found = []
        for name, value in sample.items():
            if name not in ours:
                found += [] if name in OPTIONAL else [f"{where}.{name}: missing"]
            else:
                found += differences(value, ours[name], f"{where}.{name}")
        return found
    if isinstance(sample, list):
        if not isinstance(ours, list):
            return [f"{where}: not a list"]
        return differences(sample[0], ours[0], f"{where}[0]") if sample and ours else []
    return [] if type(sample) is type(ours) else [f"{where}: {type(ours).__name__} for {type(sample).__name__}"]


def test_every_sample_is_answered_in_its_shape(wecom: Wecom, stage: dict[str, str], shared: Path) -> None:
    samples = [json.loads(line) for line in (shared / "wecom/fixtures/http_samples.jsonl").read_text().splitlines()]
    samples.sort(key=lambda sample: sample["name"] == "del_corp_tag")  # it deletes what others mark
    wrong, asked = {}, 0
    for sample in samples:
        if sample["name"] in ELSEWHERE:
            continue
        asked += 1
        reply = ask(wecom, sample, stage)
        found = differences(sample["response"], reply)
        if sample["response"]["errcode"] != reply["errcode"]:
            found.append(f"errcode {reply['errcode']}: {reply['errmsg']}")
        if found:
            wrong[sample["name"]] = found
    assert wrong == {}
    assert asked >= 50


def ask(wecom: Wecom, sample: Json, ids: dict[str, str]) -> Json:
    request = json.loads(replaced(json.dumps(sample["request"]), ids))
    path = urlsplit(sample["path"]).path.removeprefix("/cgi-bin/")
    if path.startswith("media/upload"):
        return upload(wecom, request.get("_query", {}).get("type", "image"), "图片.png", path)
    if path == "gettoken":
        return dict(wecom.raw(path, query=request)[1])
    secret = "ARCHIVE" if path.startswith("msgaudit/") else "APP"
    if path == "user/list_id":
        token = {"corpid": wecom.environment["WECOM_CORP_ID"], "corpsecret": contacts_secret(wecom)}
        wecom.tokens["CONTACTS"] = wecom.raw("gettoken", query=token)[1]["access_token"]
        secret = "CONTACTS"
    if sample["name"].startswith("get_groupmsg_list"):
        now = int(wecom.app.extensions["sandbox"].now())
        request |= {"start_time": now - 3600, "end_time": now + 10}
    if sample["method"] == "GET":
        return wecom.call(path, None, secret, **{name: str(value) for name, value in request.items()})
    return wecom.call(path, request, secret)


def contacts_secret(wecom: Wecom) -> str:
    return str(wecom.app.extensions["sandbox"].corp.contacts_secret)


def replaced(text: str, ids: dict[str, str]) -> str:
    for theirs, ours in ids.items():
        text = text.replace(f'"{theirs}"', f'"{ours}"')
    return text
