"""Whose it is and when: others' cases, past ones, quoted words, retorts; asking about them is something else."""

from __future__ import annotations

import pytest

from taggers.rule import Rule
from taggers.rulebook import compile_rulebook
from taggers.utterance import Utterance

TURNED_DOWN = [
    ("月嫂", "我闺蜜请的月嫂，我就让我妈来带"),
    ("月子餐", "隔壁床订的月子餐，我家就自己炖点汤"),
    ("硬座", "我二舅坐的硬座，我这次还是飞吧"),
    ("黑卡", "我们单位老李办的黑卡，我就来蹭一节体验课"),
    ("无人机", "去年玩过无人机，早卖了，现在想学摄影"),
    ("矫正", "小时候做过矫正，早就弄好了，这次只是洗个牙"),
    ("地暖", "要是哪天换大房子了再装地暖，现在就换个灶"),
    ("储值", "收银一直念“储值送两百”，我没搭理她"),
    ("保养套餐", "电话里又来一句“保养套餐今天最后一天”，直接挂了"),
    ("隐形眼镜", "那个店员非说“隐形眼镜更方便”，我没听，还是配框架"),
    ("蹦极", "我这心脏还玩啥蹦极哟，看看风景就行"),
    ("钢琴", "三岁的娃学哪门子钢琴，先把饭吃好"),
    ("豪华套房", "就住一晚，谁住得起豪华套房啊"),
    ("美甲", "天天洗碗做美甲给谁看"),
    ("蛋糕", "家里就俩人还买蛋糕干嘛"),
    ("保镖", "我请得起保镖还用得着跟你还价"),
    ("轮滑", "六十岁的人了还轮滑，我就给孙子报"),
]
MEANT = [
    ("月嫂", "我闺蜜请的月嫂，我也想请一个"),
    ("月嫂", "我闺蜜在你们这请的月嫂，我想问下现在什么价"),
    ("矫正", "我同事在你们家做的矫正，我这种情况能做吗"),
    ("年卡", "我弟办了年卡，我就想办一张一样的"),
    ("地暖", "去年装过地暖，现在想再加一间"),
    ("退款", "我妈让退款，我就照她说的办"),
    ("体验课", "听说“体验课免费”，是真的吗"),
    ("体验课", "广告写着“体验课九块九”，怎么报"),
    ("套餐", "你们说的“全家套餐”我没看懂，给我讲讲"),
    ("优惠", "还有啥优惠"),
    ("材料", "报名还要什么材料"),
    ("检查", "还做什么检查吗"),
    ("套餐", "办什么套餐划算"),
    ("发票", "要发票干嘛用的，能报销吗"),
    ("试驾", "谁跟你们讲我不试驾了，改到周六而已"),
    ("染发", "白成这样，能不染发嘛"),
    ("保险", "路上这么危险，不买保险我能放心吗"),
    ("钢琴", "五岁的娃还能学钢琴吗"),
    ("套房", "住得起套房的话给我留一间"),
    ("早教", "我姐家娃上的早教，效果怎么样"),
    ("早教", "要是以后搬过来再报早教，名额还有吗"),
]


def heard(word: str, text: str) -> bool:
    return bool(compile_rulebook([Rule(id="r", tag="t", any=[word])]).judge(Utterance.typed(text)))


@pytest.mark.parametrize(("word", "text"), TURNED_DOWN)
def test_what_is_others_or_past_or_retorted_is_not_wanted(word: str, text: str) -> None:
    assert not heard(word, text)


@pytest.mark.parametrize(("word", "text"), MEANT)
def test_what_is_asked_about_or_wanted_too_is(word: str, text: str) -> None:
    assert heard(word, text)
