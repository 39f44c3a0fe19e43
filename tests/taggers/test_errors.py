"""A rule book that cannot be used says everything that is wrong, where, and how to mend it."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from taggers.rule import Rule
from taggers.rulebook import RuleBookError
from tests.taggers.books import book, from_toml

WRONG: list[tuple[dict[str, Any], tuple[str | int, ...], str]] = [
    ({}, ("rules", 0), "什么也抓不到"),
    ({"any": ["@没有"]}, ("rules", 0, "any", 0), "没有名为「没有」的同义词组"),
    ({"any": ["价格", " "]}, ("rules", 0, "any", 1), "没有可以匹配的内容"),
    ({"near": {"words": ["价格", "@无"]}}, ("rules", 0, "near", "words", 1), "没有名为「无」的同义词组"),
    ({"regex": "(?=价格)"}, ("rules", 0, "regex"), "RE2 不接受"),
    ({"regex": r"(价)\1"}, ("rules", 0, "regex"), "RE2 不接受"),
    ({"regex": "价*"}, ("rules", 0, "regex"), "空字符串"),
    ({"regex": "(价.{9}){90}"}, ("rules", 0, "regex"), "太大"),
    ({"any": ["价格"], "none": ["价格"]}, ("rules", 0, "none"), "永远不会命中"),
    ({"any": ["价格"], "on": ["@added"]}, ("rules", 0, "on"), "分成两条"),
    ({"on": ["@nonsense"]}, ("rules", 0, "on", 0), "不认识的触发条件"),
    ({"on": ["silence:3x"]}, ("rules", 0, "on", 0), "3d"),
    ({"on": ["@added"], "examples": {"hit": ["价格"]}}, ("rules", 0, "examples"), "没有例句可查"),
    ({"any": ["钱"], "sound": True}, ("rules", 0, "sound"), "两个字以上"),
    ({"any": ["价格"], "times": 3}, ("rules", 0, "times"), "within"),
    ({"any": ["价格"], "examples": {"hit": ["不谈价格"]}}, ("rules", 0, "examples", "hit", 0), "被否定"),
    ({"any": ["价格"], "examples": {"hit": ["别的话"]}}, ("rules", 0, "examples", "hit", 0), "没有这条规则的关键词"),
    ({"any": ["价格"], "examples": {"miss": ["好", "价格"]}}, ("rules", 0, "examples", "miss", 1), "不该命中"),
]


@pytest.mark.parametrize(("rule", "where", "message"), WRONG)
def test_one_problem(rule: dict[str, Any], where: tuple[str | int, ...], message: str) -> None:
    with pytest.raises(RuleBookError) as raised:
        book(rule)
    (error,) = raised.value.errors
    assert error.where == where
    assert message in error.message


def test_all_problems_come_at_once_in_the_order_of_the_file() -> None:
    with pytest.raises(RuleBookError) as raised:
        from_toml(
            """
            [text]
            words = ["体验，课", "正价课"]
            [[synonyms]]
            name = "甲"
            words = ["@乙"]
            [[synonyms]]
            name = "乙"
            words = ["价格", "@甲"]
            [[synonyms]]
            name = "乙"
            words = ["重名"]
            [[tags]]
            group = "一"
            names = ["高", "低"]
            [[tags]]
            group = "二"
            names = ["低"]
            [[rules]]
            id = "one"
            tag = "高"
            any = ["@丙"]
            [[rules]]
            id = "one"
            tag = "低"
            regex = "("
            [[rules]]
            id = "two"
            tag = "低"
            any = ["价格"]
            examples = { hit = ["不谈价格"] }
            """
        )
    assert [error.where for error in raised.value.errors] == [
        ("rules", 0, "any", 0),
        ("rules", 1, "id"),
        ("rules", 1, "regex"),
        ("rules", 2, "examples", "hit", 0),
        ("synonyms", 1, "words", 1),
        ("synonyms", 2, "name"),
        ("tags", 1, "names", 0),
        ("text", "words", 0),
    ]
    assert "乙 → 甲 → 乙" in str(raised.value) or "甲 → 乙 → 甲" in str(raised.value)


def test_examples_may_be_left_out() -> None:
    assert book({"any": ["价格"], "examples": {"hit": ["不谈价格"]}}, examples=False).rules


def test_an_example_imagines_a_customer_who_meets_the_conditions() -> None:
    rule = {
        "any": ["价格"], "from": "agent", "scope": ["quote"], "examples": {"hit": ["价格"], "miss": ["不谈价格"]},
        "when": {"tags": ["a"], "stages": ["p/s"], "channels": ["c"], "hours": "09:00-10:00"},
    }  # fmt: skip
    assert book(rule).rules
    assert book({"any": ["价格"], "unless": {"hours": "00:00-23:00"}, "examples": {"hit": ["价格"]}}).rules


def test_nested_synonyms() -> None:
    sets = [{"name": "大", "words": ["@小", "费用"]}, {"name": "小", "words": ["价格"]}]
    rules = book({"any": ["@大"], "examples": {"hit": ["价格", "费用"]}}, synonyms=sets)
    assert "价格 → 大" in rules.explain("价格")[0].reason


@pytest.mark.parametrize("table", [{"nonsense": 1}, {"within": "soon"}, {"match": "fuzzy"}, {"id": "a b"}])
def test_tables_refuse_what_they_do_not_know(table: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Rule.model_validate({"id": "r", "tag": "t", "any": ["x"], **table})
