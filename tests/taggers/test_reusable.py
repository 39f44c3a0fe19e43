"""Past answers: what is another person's, or may be old, never comes out; what is not is given slots for names."""

from __future__ import annotations

import pytest

from taggers.asked import Said
from taggers.reusable import Names, reusable, same_words
from taggers.used_answers import TalkListener, Turn, UsedAnswer

NAMES = {"李秋水", "陈先生", "alicewong"}


def said(text: str, *, prices: bool = False) -> str | None:
    return reusable(text, {"李秋水"}, {"王海棠"}, Names(NAMES), prices=prices)


@pytest.mark.parametrize(
    ("text", "slotted"),
    [
        ("李秋水您好，付款后在订单里点开票", "{customer.name}您好，付款后在订单里点开票"),
        ("张女士，课程可以随时回看的", "{customer.name}，课程可以随时回看的"),
        ("我是王海棠，有问题随时找我", "我是{agent.name}，有问题随时找我"),
        ("每节课45分钟，可以请假3次", "每节课45分钟，可以请假3次"),
        ("资料在这里 https://example.com/guide", "资料在这里 https://example.com/guide"),
    ],
)
def test_names_become_slots(text: str, slotted: str) -> None:
    assert said(text) == slotted


@pytest.mark.parametrize(
    "text",
    [
        "陈先生也报了这个班，您放心", "Alice Wong 也在问呢", "您加13812345678聊", "他的号是138 1234 5678哦",
        "订单A20260304下好了哈",
        "看这个 https://example.com/p?token=abcdefghijk", "看这个 https://example.com/u/83xk29dk",
        "您的验证码发过去了", "发到 someone@example.com 了", "我给您安排明天上课哈", "周三的课还有位置哦",
        "加我微信号聊吧亲",
        "转账到我这里就可以", "下午三点过来就可以", "您的编号是ab12cd34哈", "好的", "", "带{占位符}的一句话",
    ],
)  # fmt: skip
def test_what_is_anothers_or_of_a_day_stays_in(text: str) -> None:
    assert said(text) is None
    assert said(text, prices=True) is None


@pytest.mark.parametrize(
    "text",
    [
        "课程一共299元，很划算", "这门课三千八百，分期也行", "现在打8折很划算的", "原来是¥199的课程哦",
        "九块九就可以体验啦",
        "课程价格是299，包教材", "给您两百优惠，仅限新客", "能省50%的费用哦亲", "现在只要9.9就能上",
    ],
)  # fmt: skip
def test_money_is_never_quoted_unless_told_to(text: str) -> None:
    assert said(text) is None
    assert said(text, prices=True) == text


def hear(*turns: tuple[str, str]) -> list[UsedAnswer]:
    listener = TalkListener()
    rows = [Turn(number, 7, 1, "agent" if by == "a" else "customer", text) for number, (by, text) in enumerate(turns)]
    return [used for row in rows for used in listener.hear(row)]


def test_an_answer_is_used_once_the_customer_goes_on() -> None:
    assert hear(("c", "怎么开发票"), ("a", "在订单里开")) == []
    (used,) = hear(
        ("a", "您好"), ("c", "在吗"), ("c", "怎么开发票"), ("a", "在订单里开"), ("a", "还有事吗"), ("c", "好")
    )
    assert (used.asked.text, used.answer) == ("在吗\n怎么开发票", "在订单里开")
    assert used.asked.before == (Said("agent", "您好"),)
    assert used.messages == {1, 2, 3, 5}


def test_what_is_said_unasked_is_no_answer() -> None:
    assert hear(("a", "新课上线了"), ("c", "好的")) == []


def test_wordings_that_differ_in_signs_are_one() -> None:
    assert same_words("在订单里，开票！") == same_words("在订单里开票~")
