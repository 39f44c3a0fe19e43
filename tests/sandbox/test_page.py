"""The playground page: texts stay text, both phones work, other sites are shut out."""

from __future__ import annotations

import re

import pytest

from tests.sandbox.wecom import Wecom, card_message, text_message

SEED = "wmSEEDcustomer0000000000000000A1"
EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
BOTH = f"/?agent=LinXiaoyu&customer={SEED}"


def test_nothing_on_the_page_becomes_markup(wecom: Wecom) -> None:
    customer = wecom.control.add_customer("LinXiaoyu", EVIL[:32])["external_userid"]
    wecom.control.say(customer, "LinXiaoyu", EVIL)
    wecom.control.send(customer, "LinXiaoyu", "chatrecord", title=EVIL, lines=[EVIL])
    wecom.control.send(customer, "LinXiaoyu", "link", title=EVIL, description=EVIL)
    wecom.call("message/send", text_message(content=EVIL + '<a href="javascript:alert(3)">点</a>'))
    wecom.call(
        "message/send", card_message(quote_area={"title": EVIL, "quote_text": EVIL}, main_title={"title": EVIL[:36]})
    )
    wecom.call("message/send", {**text_message(), "msgtype": "markdown", "markdown": {"content": EVIL}})
    for view in ("chat", "app", "list"):
        status, text, headers = wecom.page(f"/?agent=LinXiaoyu&customer={customer}&view={view}")
        assert status == 200
        assert "<script>alert" not in text
        assert "<img src=x" not in text
        assert "javascript:" not in text
        assert "style=" not in text
        assert not re.search(r"\son\w+=", re.sub(r"&lt;.*?&gt;", "", text))
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]
    assert "&lt;script&gt;alert" in text


def test_both_phones_are_played_from_the_page(wecom: Wecom) -> None:
    form = {"from": SEED, "to": "LinXiaoyu", "content": "课多少钱?"}
    assert wecom.page("/page/say", form)[0] == 204
    assert "课多少钱?" in wecom.page(f"/page/customer{BOTH[1:]}")[1]
    assert "课多少钱?" in wecom.page(f"/page/agent{BOTH[1:]}")[1]
    wecom.call("message/send", card_message(horizontal_content_list=[{"keyname": "客户", "value": "王海棠"}]))
    text = wecom.page(f"/page/agent{BOTH[1:]}")[1]
    link = re.search(r'class="primary" href="([^"]+draft=\d+)"', text)
    assert link
    assert f"customer={SEED}" in link[1].replace("&amp;", "&")
    page = wecom.page(link[1].replace("&amp;", "&"))[1]
    assert re.search(r"<textarea[^>]*autofocus>您好,课程分三档</textarea>", page)
    wecom.page("/page/say", {"from": "LinXiaoyu", "to": SEED, "content": "您好,课程分三档哦"})
    assert wecom.control.effects(0, "said")[-1]["text"] == "您好,课程分三档哦"


def test_a_card_is_pressed_on_the_page(wecom: Wecom) -> None:
    msgid = wecom.call("message/send", card_message("t1"))["msgid"]
    assert wecom.page("/page/press", {"userid": "LinXiaoyu", "msgid": msgid, "key": "done"})[0] == 204
    assert wecom.callbacks("template_card_event")[0]["TaskId"] == "t1"
    status, reason, _ = wecom.page("/page/press", {"userid": "LinXiaoyu", "msgid": msgid, "key": "nope"})
    assert (status, reason) == (409, "卡片上没有这个按钮：nope")


def test_a_customer_is_added_and_tagged_on_the_page(wecom: Wecom) -> None:
    wecom.call("externalcontact/add_corp_tag", {"group_name": "意向", "tag": [{"name": "高"}]})
    status, _, headers = wecom.page("/page/add-customer", {"name": "孙女士", "userid": "LinXiaoyu", "gender": "2"})
    assert status == 204
    customer = headers["HX-Redirect"].rpartition("=")[2]
    untagged = {"userid": "LinXiaoyu", "external_userid": customer, "remark": "孙"}
    assert wecom.page("/page/edit", {**untagged, "tag": "高"})[0] == 204
    assert '<span class="chip' in wecom.page("/page/board")[1]
    assert wecom.page("/page/edit", {**untagged, "held": "高"})[0] == 204
    assert '<span class="chip' not in wecom.page("/page/board")[1]


def test_time_moves_forward_on_the_page(wecom: Wecom) -> None:
    before = wecom.app.extensions["sandbox"].now()
    assert wecom.page("/page/later", {"to": "hour"})[0] == 204
    assert 3600 <= wecom.app.extensions["sandbox"].now() - before < 3610
    wecom.page("/page/later", {"to": "tomorrow"})
    assert wecom.page("/page/pulse")[1].count("10:00")


@pytest.mark.parametrize("path", ["/control/reset", "/page/later", "/cgi-bin/message/send"])
@pytest.mark.parametrize("headers", [{"Origin": "http://evil.example"}, {"Host": "evil.example"}, {"Origin": "null"}])
def test_other_sites_are_shut_out(wecom: Wecom, path: str, headers: dict[str, str]) -> None:
    assert wecom.page(path, {"to": "hour"}, **headers)[0] == 403


def test_login_gives_a_code_to_trusted_hosts_only(wecom: Wecom) -> None:
    corp_id = wecom.environment["WECOM_CORP_ID"]
    asked = f"/connect/oauth2/authorize?appid={corp_id}&response_type=code&scope=snsapi_base&state=s1&redirect_uri="
    status, text, _ = wecom.page(asked + "http%3A%2F%2F127.0.0.1%3A8000%2Fback")
    assert status == 200
    assert "林晓雨" in text
    assert "sandbox_agent=LinXiaoyu" in text
    assert "50001" in wecom.page(asked + "http%3A%2F%2Fevil.example%2Fback")[1]


def test_the_page_says_what_happened(wecom: Wecom) -> None:
    wecom.receiver.answers = [(500, b"")]
    wecom.control.say(SEED, "LinXiaoyu", "你好")
    wecom.effect("callback", state="failed")
    wecom.call("message/send", text_message(agentid=7))
    text = wecom.page("/page/news")[1]
    assert "王海棠 发出一条消息，存档 seq 1" in text
    assert "回调放弃：有新的会话存档（HTTP 500）" in text
    assert "发送应用消息，被拒 301002" in text


def test_the_tour_ticks_itself(wecom: Wecom) -> None:
    """Each of the five things is done when it was seen to happen, and not before."""

    def done() -> int:
        status, text, _ = wecom.page("/page/tour")
        assert status == 200
        return text.count('class="done"')

    assert done() == 0
    wecom.control.say(SEED, "LinXiaoyu", "多少钱？")
    assert done() == 0  # no agent was prompted
    wecom.call("message/send", card_message())
    assert done() == 1
    wecom.control.say(SEED, "LinXiaoyu", "先不谈价格")
    assert done() == 2
    wecom.control.say("LinXiaoyu", SEED, "好的")
    assert done() == 3
    wecom.page("/page/later", {"to": "hour"})
    wecom.control.part("LinXiaoyu", SEED, by="customer")
    assert done() == 5
