"""What ends an enrolment, and what a customer who wants peace says."""

from __future__ import annotations

import pytest

from sop.stopping import opted_out, stops


@pytest.mark.parametrize(
    ("stop", "happenings", "reason"),
    [
        (["reply"], ["reply"], "客户已回复"),
        (["reply"], ["moved"], None),
        (["moved"], ["reply", "moved"], "客户已进入其他阶段"),
        (["lost"], ["lost"], "客户已流失"),
        (["won"], ["won"], "客户已成交"),
        (["tag:投诉"], ["tag:投诉"], "客户带上了标签「投诉」"),
        (["tag:投诉"], ["tag:高意向"], None),
        (["tag:投诉"], ["投诉"], None),
        ([], ["reply", "moved", "tag:投诉"], None),
        ([], ["opted-out"], "客户表示不想再收到消息"),
        ([], ["left"], "客户已删除员工或员工已离开"),
        (["reply"], ["reply", "opted-out"], "客户表示不想再收到消息"),
        (["reply"], [], None),
    ],
)
def test_stops(stop: list[str], happenings: list[str], reason: str | None) -> None:
    assert stops(stop, happenings) == reason


WANTS_PEACE = """
退订 | 退订！ | TD | td | Ｔ | 取消订阅 | 我要退订 | 请退订，谢谢 | 帮我取消订阅
别发了 | 别发了！ | 你别发了 | 别发了，谢谢 | 别发了好吗 | 别发了行吗？ | 别发了，我已经买了 | 求你别发了
别再发了 | 别再发消息了 | 请别再发广告 | 不要再发了 | 不要再给我发了 | 不要再给我发消息了 | 请不要再给我发这些广告了
不要给我发广告 | 不要给我发消息 | 别给我发广告了 | 别给我推送了 | 不用再发了 | 不用再给我发消息了 | 请停止推送了
停止给我发短信
别发广告了 | 不要发广告了 | 别 发 了 | 別發了 | 不要再發訊息給我了
别打扰我 | 请不要打扰 | 不要再打扰我了 | 别来打扰我 | 勿扰，请勿打扰 | 别烦我 | 别再骚扰我了 | 不想被打扰
别联系我了 | 不要再联系我 | 不要联系我了 | 别再联系了 | 不想再收到你们的消息 | 不想收到广告 | 不愿意收到这些信息
最近很忙，不要再发了 | 我说过了别再发了 | 再说一遍，不要再给我发消息
"""

IS_ABOUT_ELSE = """
别发错了 | 别发错人了 | 不要再发错了 | 你别发错群了 | 别再发错地址了 | 别漏发了 | 别发漏了
先别发货 | 别发货了 | 不要再发货了 | 不要发快递了 | 别再发顺丰了 | 不用发票了 | 不要给我发票
别发给他 | 别发给别人 | 不要发到群里 | 别发火 | 别发愁了 | 别发呆了 | 发了吗 | 你发了没 | 怎么不发了
可以退订吗 | 怎么退订酒店 | 这个课能退订吗 | 退订要多久 | 退订的课还能再报吗 | 酒店退订了
我打扰您了吗 | 不好意思打扰了 | 打扰了 | 会不会打扰您 | 不打扰 | 不会打扰的 | 别人也这样
不要联系客服 | 怎么联系你 | 别忘了联系我 | 不要错过 | 别再说了 | 不用了谢谢 | 不用发，我有了 | 是不是不要再发了？
多发一点 | 再发一次 | 没收到消息 | 我不想错过消息 | 不要停，继续发 | t恤有吗 | n | 在吗
别发烧了才去医院 | 别发现不了问题 | 是不是别再发了
"""


def cases(table: str) -> list[str]:
    return [case.strip() for line in table.strip().splitlines() for case in line.split("|")]


@pytest.mark.parametrize("text", cases(WANTS_PEACE))
def test_a_wish_for_peace_is_heard(text: str) -> None:
    assert opted_out(text)


@pytest.mark.parametrize("text", cases(IS_ABOUT_ELSE))
def test_other_words_are_not_taken_for_it(text: str) -> None:
    assert not opted_out(text)


def test_a_long_text_is_read_quickly() -> None:
    assert not opted_out("不要再" * 100_000)
    assert opted_out("课程很好，" * 20_000 + "但是别再发了")
