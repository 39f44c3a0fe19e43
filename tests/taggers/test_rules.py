"""The rule language: each key of a rule, on sentences that it must and must not take."""

from __future__ import annotations

from typing import Any

import pytest

from taggers.rulebook import LONGEST
from taggers.utterance import Context, Utterance
from tests.taggers.books import book

T: dict[str, Any] = {"match": "text"}

LANGUAGE: list[tuple[dict[str, Any], str, list[str]]] = [
    # any, all, none
    ({"any": ["优惠", "折扣"]}, "有折扣吗", ["折扣"]),
    ({"any": ["优惠", "折扣"]}, "随便看看", []),
    ({"any": ["@价格"]}, "学费多少", ["学费"]),
    ({"all": ["孩子", "数学"]}, "孩子想补数学", ["孩子", "数学"]),
    ({"all": ["孩子", "数学"]}, "孩子想补英语", []),
    ({"any": ["@价格"], "all": ["钢琴"]}, "学钢琴怎么收费", ["收费", "钢琴"]),
    ({"any": ["价格"], "none": ["价格表已收到"]}, "价格表已收到", []),
    ({"any": ["价格"], "none": ["收到"]}, "价格收到了", []),
    ({"any": ["价格"], "none": ["收到"]}, "价格发我", ["价格"]),
    # word boundaries
    ({"any": ["到店"]}, "签到店铺", []),
    ({"any": ["到店"], **T}, "签到店铺", ["到店"]),
    ({"any": ["到店"]}, "我明天到店", ["到店"]),
    ({"any": ["多少钱"]}, "这个多少钱", ["多少钱"]),
    ({"any": ["课"]}, "课程表", []),
    ({"any": ["vip"]}, "办个VIP", ["VIP"]),
    ({"any": ["vip"]}, "svip怎么办", []),
    # near
    ({"near": {"words": ["多少", "钱"], "within": 6}}, "要多少的钱", ["多少", "钱"]),
    ({"near": {"words": ["多少", "钱"], "within": 2}}, "你们多少给我便宜点钱", []),
    ({"near": {"words": ["@价格", "孩子"], "within": 8}}, "孩子上课的费用", ["费用", "孩子"]),
    ({"near": {"words": ["课", "退"], "within": 3}}, "退我课", ["课", "退"]),
    # regex
    ({"regex": r"(\d+)\s*元"}, "一共１２００ 元", ["１２００ 元"]),
    ({"regex": r"1[3-9]\d{9}"}, "打我13912345678", ["13912345678"]),
    ({"regex": r"预算\d+"}, "預算5000", ["預算5000"]),
    ({"regex": r"\d+元", "any": ["预算"]}, "预算300元", ["预算", "300元"]),
    ({"regex": r"\d+元", "any": ["预算"]}, "花了300元", []),
    ({"regex": r"a+b"}, "AAB", ["AAB"]),
    # as people type
    ({"any": ["价格"]}, "价 格", ["价 格"]),
    ({"any": ["价格"]}, "問下價格", ["價格"]),
    ({"any": ["多少钱"]}, "多少钱钱钱", ["多少钱"]),
    ({"any": ["多少钱"]}, "多多多少钱", ["多少钱"]),
    ({"any": ["谢谢"]}, "谢谢谢谢谢", ["谢谢", "谢谢"]),
    ({"any": ["vip课"]}, "ＶＩＰ 课", ["ＶＩＰ 课"]),
    ({"any": ["👍"]}, "👍🏻好", ["👍"]),
    ({"any": ["价格"]}, "价\u200b格", ["价\u200b格"]),
    ({"any": ["多少钱"]}, "多少钱😂", ["多少钱"]),
    ({"any": ["在吗?"]}, "在吗？", ["在吗？"]),
    ({"any": ["how much"]}, "How   much", ["How   much"]),
    ({"any": ["价格"]}, "价\n格", []),
    # polarity and form
    ({"any": ["@价格"]}, "不谈价格", []),
    ({"any": ["贵"], "negated": "match"}, "不贵", ["贵"]),
    ({"any": ["贵"], "negated": "only"}, "不贵", ["贵"]),
    ({"any": ["贵"], "negated": "only"}, "有点贵", []),
    ({"any": ["不贵"]}, "真的不贵", ["不贵"]),
    ({"any": ["价格"], "question": "only"}, "价格是多少", ["价格"]),
    ({"any": ["价格"], "question": "only"}, "价格还行", []),
    ({"any": ["价格"], "question": "never"}, "价格还行", ["价格"]),
    ({"any": ["价格"], "question": "never"}, "价格多少", []),
    ({"any": ["价格"]}, "不问价格，价格我知道", ["价格"]),
    # sound
    ({"any": ["多少钱"], "sound": True}, "多少前", ["多少前"]),
    ({"any": ["多少钱"]}, "多少前", []),
    ({"any": ["优惠"], "sound": True}, "有没有优慧", ["优慧"]),
    ({"any": ["银行"], "sound": True}, "去趟银杭", ["银杭"]),
    ({"any": ["优惠"], "sound": True}, "不要优慧", []),
]


@pytest.mark.parametrize(("rule", "said", "evidence"), LANGUAGE)
def test_language(rule: dict[str, Any], said: str, evidence: list[str]) -> None:
    utterance = Utterance.typed(said)
    hits = book(rule).judge(utterance)
    assert bool(hits) == bool(evidence)
    assert sorted(said[span.start : span.end] for hit in hits for span in hit.spans) == sorted(evidence)


def test_hit_carries_its_evidence() -> None:
    rule = {
        "id": "ask-price", "tag": "考虑价格", "any": ["@价格"], "times": 2, "within": "7d", "expires": "30d",
        "score": {"conversion": 10}, "reply": "我给您对比一下?",
    }  # fmt: skip
    (hit,) = book(rule).judge(Utterance.typed("你们的课多少钱？", msgid="m1"))
    assert (hit.rule_id, hit.tag, hit.version, hit.msgid) == ("ask-price", "考虑价格", "v1", "m1")
    assert hit.spans == (("多少钱", 4, 7),)
    assert hit.reason == "命中 多少钱 → 价格；非否定；疑问句"
    assert (hit.score.conversion, hit.reply, hit.times) == (10, "我给您对比一下?", 2)
    assert hit.expires is not None
    assert hit.within is not None
    assert (hit.expires.days, hit.within.days) == (30, 7)


SENDERS = [
    ("customer", "customer", True),
    ("customer", "agent", False),
    ("agent", "agent", True),
    ("both", "agent", True),
]


@pytest.mark.parametrize(("listens_to", "sender", "hit"), SENDERS)
def test_from(listens_to: str, sender: Any, hit: bool) -> None:
    rules = book({"any": ["价格"], "from": listens_to})
    assert bool(rules.judge(Utterance.typed("价格", sender=sender))) == hit


def test_quotes_are_not_what_was_typed() -> None:
    rules = book(
        {"any": ["价格"]}, {"any": ["价格"], "scope": ["quote"]}, {"any": ["价格"], "scope": ["typed", "quote"]}
    )
    wecom = '这是一条引用/回复消息：\n"小林:\n价格发您"\n------\n收到'
    wechat = "「小林：价格发您」\n- - - - - - - - - - - - - - -\n收到"
    for said in (wecom, wechat):
        hits = rules.judge(Utterance.typed(said))
        assert [hit.rule_id for hit in hits] == ["r1", "r2"]
        assert [said[span.start : span.end] for span in hits[0].spans] == ["价格"]
    typed = "「小林：好的」\n- - - - - - - - - - - - - - -\n价格呢"
    assert [hit.rule_id for hit in rules.judge(Utterance.typed(typed))] == ["r0", "r2"]


def test_scopes_of_a_composed_message() -> None:
    rules = book({"any": ["价格"]}, {"any": ["价格"], "scope": ["forwarded"]}, {"any": ["价格"], "scope": ["link"]})
    mixed = Utterance.composed([("mixed", "图里的"), ("mixed", "价格")])
    assert [hit.rule_id for hit in rules.judge(mixed)] == ["r0"]
    assert mixed.text[rules.judge(mixed)[0].spans[0].start :] == "价格"
    assert [hit.rule_id for hit in rules.judge(Utterance.composed([("forwarded", "价格")]))] == ["r1"]
    assert [hit.rule_id for hit in rules.judge(Utterance.composed([("link", "价格指南")]))] == ["r2"]


HERE = Context(frozenset({"高意向"}), {"课程转化": "考虑价格"}, "门店", 22)
CONDITIONS = [
    ({"when": {"tags": ["高意向", "其他"]}}, True),
    ({"when": {"tags": ["其他"]}}, False),
    ({"when": {"stages": ["考虑价格"]}}, True),
    ({"when": {"stages": ["课程转化/考虑价格"]}}, True),
    ({"when": {"stages": ["售后/考虑价格"]}}, False),
    ({"when": {"pipelines": ["课程转化"]}}, True),
    ({"when": {"pipelines": ["售后"]}}, False),
    ({"when": {"channels": ["门店"]}}, True),
    ({"when": {"channels": ["抖音"]}}, False),
    ({"when": {"hours": "21:00-06:00"}}, True),
    ({"when": {"hours": "09:00-21:00"}}, False),
    ({"unless": {"tags": ["高意向"]}}, False),
    ({"unless": {"tags": ["其他"], "stages": ["考虑价格"]}}, False),
    ({"unless": {"tags": ["其他"], "stages": ["成交"]}}, True),
    ({"when": {"tags": ["高意向"]}, "unless": {"channels": ["门店"]}}, False),
]


@pytest.mark.parametrize(("condition", "hit"), CONDITIONS)
def test_conditions(condition: dict[str, Any], hit: bool) -> None:
    rules = book({"any": ["价格"], **condition})
    assert bool(rules.judge(Utterance.typed("价格"), HERE)) == hit
    (explained,) = rules.explain("价格", HERE)
    assert explained.hit == hit
    if not hit:
        assert "要求" in explained.reason or "排除" in explained.reason


EXPLAINED = [
    ({"any": ["价格"]}, "不谈价格", "被否定（否定 不谈）"),
    ({"any": ["到店"]}, "签到店铺", "不在词的边界上（分词：签到/店铺）"),
    ({"any": ["价格"], "question": "only"}, "价格还行", "在陈述句里"),
    ({"any": ["价格"], "none": ["收到"]}, "价格收到", "出现了「收到」"),
    ({"all": ["价格", "孩子"]}, "价格呢", "没有出现 孩子"),
    ({"near": {"words": ["价格", "孩子"], "within": 2}}, "价格还不错给孩子", "最多 2 个"),
    ({"any": ["价格"], "from": "agent"}, "价格", "规则只听员工"),
    ({"any": ["价格"], "scope": ["quote"]}, "价格", "规则只看引用的消息"),
    ({"any": ["价格"], "regex": r"\d元"}, "价格呢", "正则表达式没有匹配"),
    ({"any": ["贵"], "negated": "only"}, "有点贵", "规则只要否定的"),
]


@pytest.mark.parametrize(("rule", "said", "why"), EXPLAINED)
def test_near_misses_are_explained(rule: dict[str, Any], said: str, why: str) -> None:
    (explained,) = book(rule).explain(said)
    assert not explained.hit
    assert why in explained.reason


def test_explain_agrees_with_judge() -> None:
    rules = book({"any": ["价格"]}, {"any": ["贵"]}, {"any": ["没有的词"]})
    explained = rules.explain("价格不贵")
    assert [(one.rule_id, one.hit) for one in explained] == [("r0", True), ("r1", False)]


def test_only_the_beginning_of_an_endless_message_is_read() -> None:
    rules = book({"any": ["价格"]})
    assert rules.judge(Utterance.typed("，" * (LONGEST - 2) + "价格"))
    assert not rules.judge(Utterance.typed("，" * LONGEST + "价格"))
