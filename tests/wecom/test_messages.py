"""Every recorded message becomes one line, its words and its media; whatever is malformed is cleaned or named."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.wecom.kinds import KINDS
from bot.wecom.messages import ArchivedMessage, UnreadableMessageError, party_of, read_message

ENVELOPE: dict[str, Any] = {
    "msgid": "m1_external", "action": "send", "from": "wmA", "tolist": ["lin"], "roomid": "",
    "msgtime": 1767578460137, "msgtype": "text",
}  # fmt: skip

# Kinds of which there is no recorded sample; each has a test of its own.
UNRECORDED: frozenset[str] = frozenset()

# line, words by scope, number of media; in the order of the recorded file from the sixth message on.
RECORDED: list[tuple[str, str, list[tuple[str, str]], int]] = [
    ("image", "[图片]", [], 1),
    ("text", "报价2980，发错群了", [("typed", "报价2980，发错群了")], 0),
    ("revoke", "[撤回了一条消息]", [], 0),
    ("agree", "[同意会话存档]", [], 0),
    ("disagree", "[不同意会话存档]", [], 0),
    ("voice", "[语音] 12 秒", [], 1),
    ("video", "[视频] 28 秒", [], 1),
    ("card", "[名片] 山海小团旅行 ChenGuoan", [], 0),
    ("card", "[名片] 微信联系人 woTEST0AAexternalcontact000000B2", [], 0),
    (
        "location",
        "[位置] 大理古城南门 云南省大理白族自治州大理市古城复兴路",
        [("link", "大理古城南门"), ("link", "云南省大理白族自治州大理市古城复兴路")],
        0,
    ),
    ("emotion", "[表情]", [], 1),
    ("emotion", "[表情]", [], 1),
    ("file", "[文件] 云南五日行程-4月3日.pdf", [("file", "云南五日行程-4月3日.pdf")], 1),
    (
        "link",
        "[链接] 云南五日小团 · 行程详情 大理-丽江-泸沽湖，6人成团",
        [("link", "云南五日小团 · 行程详情"), ("link", "大理-丽江-泸沽湖，6人成团")],
        0,
    ),
    ("weapp", "[小程序] 填写出行人信息 山海小团旅行", [("link", "填写出行人信息"), ("link", "山海小团")], 0),
    ("weapp", "[小程序] 旧版字段 山海小团旅行", [("link", "旧版字段"), ("link", "无 appid 与 pagepath")], 0),
    (
        "chatrecord",
        "[聊天记录] 群聊的聊天记录 三个人可以拼车吗 [图片] [文件] 保险说明.docx",
        [
            ("forwarded", text)
            for text in (
                "群聊的聊天记录", "三个人可以拼车吗", "保险说明.docx", "签证须知", "泰国落地签",
                "天安门广场", "北京市东城区东长安街", "图文混排",
            )
        ],
        4,
    ),
    (
        "todo",
        "[待办] 林晓雨发来的待办 今天下班前确认4月3日团6位客人的身份证号",
        [("notice", "林晓雨发来的待办"), ("notice", "今天下班前确认4月3日团6位客人的身份证号")],
        0,
    ),
    (
        "vote",
        "[投票] 团建去哪里 怀柔、密云、古北水镇",
        [("notice", t) for t in ("团建去哪里", "怀柔", "密云", "古北水镇")],
        0,
    ),
    ("vote", "[投票] 团建去哪里 古北水镇", [("notice", "团建去哪里"), ("notice", "古北水镇")], 0),
    ("collect", "[填表] 本周客户到店登记", [("notice", "本周客户到店登记")], 0),
    ("redpacket", "[红包] 开单大吉", [("notice", "开单大吉")], 0),
    ("external_redpacket", "[红包] 新年快乐", [("notice", "新年快乐")], 0),
    ("meeting", "[会议] 行程说明会 线上", [("notice", "行程说明会"), ("notice", "请提前准备证件")], 0),
    ("meeting", "[会议] 行程说明会", [("notice", "行程说明会")], 0),
    ("meeting_notification", "[会议通知] 会议即将开始", [("notice", "会议即将开始")], 0),
    ("docmsg", "[在线文档] 2026春季产品价格表", [("link", "2026春季产品价格表")], 0),
    (
        "markdown",
        '[消息] # 今日线索 > 新增客户：<font color="info">12</font> '
        "[查看详情](https://crm.shanhai-trip.example/leads)",
        [
            (
                "notice",
                '# 今日线索\n> 新增客户：<font color="info">12</font>\n'
                "[查看详情](https://crm.shanhai-trip.example/leads)",
            )
        ],
        0,
    ),
    (
        "news",
        "[图文] [图文] 五一热门线路上新 新增3条小众线路",
        [("link", "五一热门线路上新"), ("link", "新增3条小众线路")],
        0,
    ),
    ("calendar", "[日程] 送机：云南团 首都机场T3", [("notice", "送机：云南团")], 0),
    ("mixed", "这是您要的海景房[微笑] [图片]", [("mixed", "这是您要的海景房[微笑]\n")], 1),
    ("meeting_voice_call", "[语音通话录音]", [], 1),
    ("voip_doc_share", "[通话中的文件] 报价单.pdf", [("file", "报价单.pdf")], 1),
    (
        "sphfeed",
        "[视频号] 山海小团旅行 在泸沽湖看日出是什么体验",
        [("link", "山海小团旅行"), ("link", "在泸沽湖看日出是什么体验")],
        0,
    ),
    ("voiptext", "[通话] 95 秒", [], 0),
    ("qydiskfile", "[微盘文件] 合同模板.docx", [("file", "合同模板.docx")], 0),
    (
        "solitaire",
        "[接龙] #接龙 周五聚餐报名 1. 林晓雨",
        [("notice", "#接龙\n周五聚餐报名\n\n1. 林晓雨")],
        0,
    ),
    ("note", "[笔记] 客户偏好：靠窗、素食 [图片]", [("mixed", "客户偏好：靠窗、素食")], 1),
    ("switch", "[切换企业日志]", [], 0),
    ("future_type_2027", "[暂不支持的消息]", [], 0),
]  # fmt: skip


def read(**changes: Any) -> ArchivedMessage:
    return read_message(json.dumps(ENVELOPE | changes).encode())


def said(content: str) -> ArchivedMessage:
    return read(text={"content": content})


def fits(message: ArchivedMessage) -> None:
    for part in message.parts:
        assert message.content[part.offset : part.offset + len(part.text)] == part.text
    for text in (message.text, message.content, message.line, message.sender, message.roomid, message.msgid):
        text.encode()
        assert "\x00" not in text
    assert len(message.line) <= 200
    assert "\n" not in message.line


def test_every_recorded_message(recorded: Path) -> None:
    messages = [read_message(line) for line in (recorded / "archive_messages.jsonl").read_bytes().splitlines()]
    assert len(messages) == 45
    for message, (kind, line, words, media) in zip(messages[5:], RECORDED, strict=True):
        assert (message.kind, message.line) == (kind, line)
        assert [(part.scope, part.text) for part in message.parts] == words
        assert len(message.media) == media
    for message in messages:
        fits(message)
    assert {m.kind for m in messages} - {"future_type_2027"} == set(KINDS) - {""} - UNRECORDED


def test_envelope_media_consent_and_revocation(recorded: Path) -> None:
    lines = (recorded / "archive_messages.jsonl").read_bytes().splitlines()
    by_kind = {m.kind: m for m in map(read_message, lines)}
    revoke, agree, file, switch = (by_kind[kind] for kind in ("revoke", "agree", "file", "switch"))
    assert revoke.revoked_msgid == "91eb264d913b88bf377_1767578820_external"
    assert (revoke.action, revoke.sender_party) == ("recall", "agent")
    assert (agree.consent, by_kind["disagree"].consent, file.consent) == ("agree", "disagree", "")
    assert agree.sent_at == datetime(2026, 1, 5, 2, 9, 0, 137000, UTC)
    assert (file.media[0].name, file.media[0].size) == ("云南五日行程-4月3日.pdf", 655700)
    assert file.media[0].md5 == "bd19836ddb62c11c55ab251ccaca5645"
    assert file.media[0].sdkfileid.startswith("CtYBMzA2")
    assert (switch.sender, switch.recipients, switch.external) == ("ZhouMin", (), False)
    assert by_kind["markdown"].sender_party == "robot"
    assert by_kind["news"].external is False
    assert by_kind["image"].external is True


DESK = '这是一条引用/回复消息：\n"林晓雨:\n{}"\n------\n{}'
PHONE = "「林晓雨：{}」\n- - - - - - - - - - - - - - -\n{}"


@pytest.mark.parametrize("quotation", [DESK, PHONE])
@pytest.mark.parametrize(
    ("quote", "reply"),
    [("多少钱", "不贵的"), ("一\n二", "三\n四"), ("", "好"), ("：冒号", "好"), ("嗯", ""), ('有"引号"」', "「好」")],
)
def test_quotations_are_split(quotation: str, quote: str, reply: str) -> None:
    message = said(quotation.format(quote, reply))
    assert [(p.scope, p.text) for p in message.parts] == [("quote", quote), ("typed", reply)]
    assert message.text == reply
    fits(message)


@pytest.mark.parametrize("outer", [DESK, PHONE])
@pytest.mark.parametrize("inner", [DESK, PHONE])
def test_a_quotation_of_a_quotation(outer: str, inner: str) -> None:
    within = inner.format("多少钱", "三千")
    message = said(outer.format(within, "好的"))
    assert [(p.scope, p.text) for p in message.parts] == [("quote", within), ("typed", "好的")]


@pytest.mark.parametrize(
    "text", ["「书名」", "------", "「a：b」\n- -\nc", "这是一条引用/回复消息：\n没有", '"\n------\n']
)
def test_what_only_looks_like_a_quotation(text: str) -> None:
    assert [(p.scope, p.text) for p in said(text).parts] == [("typed", text)]


def test_parties() -> None:
    assert party_of("wmTEST0AAexternalcontact000000A1") == "customer"
    assert party_of("woTEST0AAexternalcontact000000A1") == "customer"
    assert party_of("wbTEST0AArobot") == "robot"
    assert party_of("LinXiaoyu") == "agent"
    assert party_of("WoodyAllen", {"woodyallen"}) == "agent"
    assert party_of("wmChen", {"wmchen"}) == "agent"


def test_odd_values_are_cleaned() -> None:
    message = said("a\x00b\ud800c\x1b\n\td" + "💰")
    assert message.text == "abc\n\td💰"
    assert said("x" * 1_000_000).text == "x" * 1_000_000
    assert read(msgtime="1767578460137").sent_at == read().sent_at
    assert read(msgtime=1767578460).sent_at == datetime(2026, 1, 5, 2, 1, tzinfo=UTC)
    assert read(tolist="lin").recipients == ("lin",)
    assert read(tolist=None).recipients == ()
    assert read(tolist=["a", 5, None, ["b"], {"c": 1}]).recipients == ("a", "5")
    assert (
        read(msgtype="voice", voice={"play_length": "7", "voice_size": "9", "sdkfileid": "f"}).line == "[语音] 7 秒"
    )
    assert read(msgtype="voice", voice={"play_length": None}).line == "[语音]"
    assert read(msgtype="image", image={"filesize": 2**70, "sdkfileid": "f"}).media[0].size is None
    assert read(msgtype="chatrecord", chatrecord={"title": "t", "item": "oops"}).line.startswith("[聊天记录] t")
    assert read(msgtype="chatrecord", chatrecord=None).kind == "chatrecord"
    assert read(msgtype=7).line == "[暂不支持的消息]"
    assert read_message(json.dumps(ENVELOPE).encode()[:-1] + b', "x": 123456789012345678901234567890}').msgid
    assert read_message(json.dumps(ENVELOPE | {"msgid": None}).encode(), msgid="row").msgid == "row"
    assert read_message(b'{"from":"a\xff","msgid":"m","msgtime":1767578460137}').sender == "a�"


def test_a_chat_record_within_chat_records() -> None:
    content: dict[str, Any] = {"content": "最里面"}
    kind = "ChatRecordText"
    for depth in range(4):
        content = {"title": f"第{depth}层", "item": [{"type": kind, "content": json.dumps(content)}]}
        kind = "ChatRecordChatRecord" if depth % 2 else "ChatRecord"
    record = read(msgtype="chatrecord", chatrecord=content)
    assert record.parts[0].text == "第3层"


@pytest.mark.parametrize(
    ("plain", "reason"),
    [
        (b"", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[]", "not a JSON object"),
        (b'{"a":' * 100_000, "nested too deep"),
        (b"[" * 100_000, "nested too deep"),
        (b'{"a":' + b"9" * 5000 + b"}", "no sender|not JSON"),
        (json.dumps(ENVELOPE | {"from": ""}).encode(), "no sender"),
        (json.dumps(ENVELOPE | {"from": "x" * 200}).encode(), "no sender"),
        (json.dumps(ENVELOPE | {"msgid": ""}).encode(), "no msgid"),
        (json.dumps(ENVELOPE | {"msgtime": None}).encode(), "no msgtime"),
        (json.dumps(ENVELOPE | {"msgtime": 2**62}).encode(), "out of range"),
        (json.dumps(ENVELOPE | {"msgtime": -1}).encode(), "no msgtime"),
        (b'{"a":"' + b"x" * (16 * 1024 * 1024) + b'"}', "larger"),
    ],
)
def test_the_unreadable_is_named(plain: bytes, reason: str) -> None:
    with pytest.raises(UnreadableMessageError, match=reason):
        read_message(plain)


_SCALAR = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=12),
    st.sampled_from(["{", "{}", '{"content":"x"}', '{"item":[{"type":"text","content":"{}"}]}', "\ud800", "\x00"]),
)  # fmt: skip
_NAMES = st.sampled_from(
    (
        *("content", "item", "items", "type", "msg_type", "title", "sdkfileid", "filesize", "play_length"),
        *("pre_msgid", "voteitem", "filename", "md5sum", "info", "doc", "redpacket", "text", "image"),
    )
)
_ANY = st.recursive(
    _SCALAR, lambda v: st.one_of(st.lists(v, max_size=3), st.dictionaries(_NAMES, v, max_size=4)), max_leaves=8
)


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from([*KINDS, "odd"]),
    st.dictionaries(_NAMES, _ANY, max_size=5),
    st.dictionaries(
        st.sampled_from(["msgid", "from", "tolist", "roomid", "msgtime", "action", "info"]), _ANY, max_size=2
    ),
)
def test_fuzzed_messages(kind: str, body: dict[str, Any], changes: dict[str, Any]) -> None:
    plain = json.dumps(ENVELOPE | {"msgtype": kind, kind: body} | changes).encode()
    try:
        message = read_message(plain)
    except UnreadableMessageError:
        return
    fits(message)
    assert message.raw == plain


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_fuzzed_bytes(plain: bytes) -> None:
    with pytest.raises(UnreadableMessageError):
        read_message(plain)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            ["「", "」", "：", ":", "\n", "- - - - - - - -", '"', "------", "这是一条引用/回复消息：", "好"]
        )
    )
)
def test_fuzzed_quotations(pieces: list[str]) -> None:
    fits(said("".join(pieces)))
    fits(said('这是一条引用/回复消息：\n"' + "".join(pieces)))
