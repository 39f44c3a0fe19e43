"""Rules about agents' conduct: what they hear, what they may not hold, and when a leader is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.platform.config.parsing import ConfigError
from bot.platform.config.settings import load_settings, parse_settings
from taggers.backtest import CustomerHistory, backtest
from taggers.conduct import Conduct, is_worth_telling
from taggers.utterance import Utterance

RULE = """
[[rules]]
id = "private"
kind = "conduct"
title = "私下转账"
from = "agent"
any = ["转我微信"]
match = "text"
"""
STAGE = '[[pipelines]]\nname = "流程"\nstages = [{{ name = "新", on = ["{}"] }}]'
NOW = datetime(2026, 1, 5, 4, tzinfo=UTC)
SHIPPED = load_settings(Path(__file__).parents[2] / "config.toml")


def heard(text: str) -> set[str]:
    said = Utterance.typed(text, sender="agent")
    return {hit.conduct for hit in SHIPPED.book.judge(said) if hit.conduct}


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("私底下转给我，能便宜两百", "私下转账"),
        ("扫我的收款码就好", "私下转账"),
        ("咱们绕开公司签", "私下转账"),
        ("这门课包您学会，考试包过", "保证效果"),
        ("跟着学保证能接单", "保证效果"),
        ("买不起就别来问", "辱骂客户"),
        ("你 有 病 吧", "辱骂客户"),
        ("这里不方便，加我小号聊", "拉去私人微信"),
        ("加我QQ发你资料", "拉去私人微信"),
    ],
)
def test_the_shipped_rules_hear_what_leaders_mind(text: str, title: str) -> None:
    assert title in heard(text)


@pytest.mark.parametrize(
    "text",
    [
        "付款请走公司账户，不要私下转账",
        "我们没有人能保证提分",
        "资料我打包过来发您",
        "这是您妈妈的手机号吗",
        "红包发我们群里了，大家抢",
        "请别加我私人微信，有事在这里说就好",
    ],
)
def test_they_do_not_hear_its_opposite(text: str) -> None:
    assert heard(text) == set()


def test_what_a_customer_says_is_no_conduct() -> None:
    assert not [hit for hit in SHIPPED.book.judge(Utterance.typed("我转我微信行吗，你有病吧")) if hit.conduct]


@pytest.mark.parametrize(
    ("more", "key"),
    [
        ('tag = "考虑价格"', "tag"),
        ("score = { conversion = 5 }", "score"),
        ('reply = "好的"', "reply"),
        ('expires = "3d"', "expires"),
        ('times = 2\nwithin = "7d"', "times"),
    ],
)
def test_a_conduct_rule_may_do_nothing_to_a_customer(more: str, key: str) -> None:
    with pytest.raises(ConfigError) as refused:
        parse_settings(RULE + more)
    assert [problem.where for problem in refused.value.problems] == [f"rules[1].{key}"]


def test_it_hears_agents_alone_and_needs_a_name_of_its_own() -> None:
    with pytest.raises(ConfigError, match='from = "agent"'):
        parse_settings(RULE.replace('from = "agent"', 'from = "both"'))
    with pytest.raises(ConfigError, match="已经有一条言行规则叫「私下转账」"):
        parse_settings(RULE + RULE.replace('"private"', '"second"'))
    with pytest.raises(ConfigError, match="title 是言行规则"):
        parse_settings('[[rules]]\nid = "a"\ntag = "价格"\ntitle = "名字"\nany = ["价格"]')


@pytest.mark.parametrize(
    ("use", "where"),
    [
        (
            '[[pipelines]]\nname = "流程"\nstages = [{ name = "新", on = ["私下转账"] }]',
            "pipelines[1].stages[1].on[1]",
        ),
        (
            '[[pipelines]]\nname = "流程"\nstages = [{ name = "新", on = ["private"] }]',
            "pipelines[1].stages[1].on[1]",
        ),
        ('[[sops]]\nid = "s"\non = "tag:私下转账"\n[[sops.steps]]\nafter = "1d"\nsay = "您好"', "sops[1].on"),
        ('[[rules]]\nid = "b"\ntag = "价格"\nany = ["价格"]\nwhen = { tags = ["private"] }', "rules[2].when.tags[1]"),
    ],
)
def test_nothing_may_wait_for_it_as_for_a_tag(use: str, where: str) -> None:
    with pytest.raises(ConfigError) as refused:
        parse_settings(RULE + use)
    assert where in [p.where for p in refused.value.problems if "是言行规则" in p.message]


@pytest.mark.parametrize(
    ("hours", "told"), [([], False), ([1, 2], False), ([1, 2, 3], True), ([71], False), ([72], True)]
)
def test_leaders_are_told_of_enough_or_of_what_waits_long(hours: list[int], told: bool) -> None:
    found = [NOW - timedelta(hours=one) for one in hours]
    assert is_worth_telling(found, Conduct(), NOW) is told
    assert not is_worth_telling(found, Conduct(tell_leaders=False), NOW)


def test_a_backtest_compares_it_by_its_name_for_customers_and_groups() -> None:
    before, after = parse_settings("[text]\nwords = []"), parse_settings(RULE)
    said = [Utterance.typed("转我微信吧", sender="agent", at=NOW), Utterance.typed("转我微信吧", at=NOW)]
    stories = [CustomerHistory("wm1", said), CustomerHistory("wm2", said[1:]), CustomerHistory("", said[:1])]
    found = backtest(before.book, after.book, stories, NOW)
    (one,) = found.tags
    assert (one.tag, one.gained, one.gains[0].customer, found.customers) == ("私下转账", 2, "wm1", 2)
