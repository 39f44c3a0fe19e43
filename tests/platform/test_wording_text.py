"""Wordings are changed inside the text of config.toml: what is not meant stays as it was, byte for byte."""

from __future__ import annotations

import tomllib

import pytest

from bot.platform.config.rule_text import UnknownRuleError
from bot.platform.config.settings import parse_settings
from bot.platform.config.wording_text import add_answer, change_answer, find_answer, put_wording

TEXT = """# ours
[[rules]]
id = "ask"  # 问价
tag = "考虑价格"
any = ["多少钱"]
reply = "三档"

[[answers]]
id = "invoice"
ask = ["发票怎么开"] # 常问
say = "点开票"
until = 2026-12-31

[[pipelines]]
name = "课程转化"
stages = [{ name = "新线索", on = ["@added"] }, { name = "考虑价格" }]

[[sops]]
id = "price"
stage = "考虑价格"

  [[sops.steps]]
  say = ["甲", "乙"]  # 两种
"""


@pytest.mark.parametrize(
    ("key", "old", "new", "line"),
    [
        ("answer:invoice", "点开票", "订单里点开票", 'say = "订单里点开票"'),
        ("rule:ask", "三档", "我们有三档", 'reply = "我们有三档"'),
        ("step:price:0", "乙", "丙", '  say = ["甲", "丙"]  # 两种'),
    ],
)
def test_one_wording_is_put_in_the_place_of_another(key: str, old: str, new: str, line: str) -> None:
    wordings = parse_settings(TEXT, examples=False).wordings
    changed = put_wording(TEXT, wordings[key], old, new)
    before, after = TEXT.splitlines(), changed.splitlines()
    assert [one for one, other in zip(after, before, strict=True) if one != other] == [line]
    with pytest.raises(UnknownRuleError):
        put_wording(TEXT, wordings[key], "别的", new)


def test_an_answer_is_added_behind_the_last_and_changed_where_it_stands() -> None:
    values = {"id": "leave", "ask": ["可以请假吗"], "say": "可以", "attach": [{"kind": "image", "file": "a.png"}]}
    text = add_answer(TEXT, values)
    assert [one["id"] for one in tomllib.loads(text)["answers"]] == ["invoice", "leave"]
    assert text.index("leave") < text.index("[[pipelines]]")
    changed = change_answer(text, "invoice", {**find_answer(text, "invoice").values, "category": "售后"})
    assert 'ask = ["发票怎么开"] # 常问' in changed
    assert tomllib.loads(changed)["answers"][0]["category"] == "售后"
    assert tomllib.loads(add_answer("", values))["answers"] == [values]
    with pytest.raises(UnknownRuleError, match="nobody"):
        change_answer(text, "nobody", values)


def test_all_that_may_be_said_is_one_library() -> None:
    settings = parse_settings(TEXT, examples=False)
    assert list(settings.wordings) == ["answer:invoice", "rule:ask", "step:price:0"]
    assert settings.wording_search.find("fp") == ["answer:invoice"]
    assert settings.wording_search.find("三档")[0] == "rule:ask"
