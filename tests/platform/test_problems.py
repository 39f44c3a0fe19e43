"""The messages for common mistakes in a config: line, key, and how to mend it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.platform.config.parsing import ConfigError
from bot.platform.config.settings import load_settings, parse_settings

RULE = '[[rules]]\nid = "a"\ntag = "甲"\nany = ["多少钱"]\n'
STEP = '[[sops]]\nid = "s"\nstage = "甲"\n[[sops.steps]]\n'

SYNTAX = [
    ("name = “甲”", 1, "中文引号"),
    ("name = 甲", 1, "等号右边的值写得不对"),
    ('any = "甲", "乙"', 1, "一组文字要用方括号"),
    ('any = ["甲" "乙"]', 1, "少了逗号"),
    ('[workspace\nname = "甲"', 1, "少了右边的 ]"),
    ('[[rules]\nid = "a"', 1, "少了右边的 ]]"),
    ('价格 = "甲"', 1, "键名只能用英文字母"),
    ('name "甲"', 1, "少了等号"),
    ('name = "甲', 1, "引号没有配对"),
    ('name = "甲"\nname = "乙"', 2, "前面已经写过"),
    ("[workspace]\n[workspace]", 2, "前面已经写过"),
    (r'regex = "\d"', 1, "反斜杠"),
    ('say = "现在"超值"特惠"', 1, "改成「」"),
    ('say = "现在是"超值"特惠，欢迎，"', 1, "改成「」"),
    ('any = ["他说"好"吗", "乙"]', 1, "改成「」"),
    ('say = ""超值"现在"', 1, "改成「」"),
    ('say = "现在 "超值" 特惠"', 1, "改成「」"),
    ('a = { say = "我们的"爆款"课" }', 1, "改成「」"),
]

VALUES = [
    ('[workspaces]\nname = "甲"', 1, "workspaces", "是不是想写 workspace"),
    ('[workspace]\nwork_hour = "09:00-18:00"', 2, "workspace.work_hour", "是不是想写 work_hours"),
    ('[rules]\nid = "a"', 1, "rules", "[[rules]]"),
    ('[[workspace]]\nname = "甲"', 1, "workspace", "[workspace]"),
    (RULE + 'match = "whole"', 5, "rules[1].match", "只能是 'word'、'text' 之一，现在是 'whole'"),
    (RULE + 'expires = "十四五天"', 5, "rules[1].expires", '"24h"'),
    (RULE.replace('["多少钱"]', '"多少钱"'), 4, "rules[1].any", "应是一个列表"),
    (RULE.replace('"a"', '"问 价"'), 2, "rules[1].id", "只能用英文字母、数字"),
    (RULE + RULE, 6, "rules[2].id", "已被第 1 条规则使用"),
    (STEP.replace("[[sops.steps]]", 'cap = "3/month"\n[[sops.steps]]\nsay = "您好"'), 4, "sops[1].cap", '"1/day"'),
    (STEP + 'say = "您好"\nat = "25:00"', 6, "sops[1].steps[1].at", '"10:00"'),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line", "words"), SYNTAX)
def test_slips_in_the_syntax_are_named_in_chinese(text: str, line: int, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_settings(text)
    (problem,) = caught.value.problems
    assert problem.line == line
    assert words in problem.message


@pytest.mark.parametrize(
    "text",
    [
        'name = "甲',
        'any = ["甲" "乙"]',
        'name = "甲" b = 1',
        "name = “甲”",
        'name = "甲" # 他说"好"吗\nx',
        'any = ["甲"',
    ],
)
def test_other_slips_beside_quotes_are_not_taken_for_quotes_within(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_settings(text)
    assert "改成「」" not in caught.value.problems[0].message


@pytest.mark.parametrize(("text", "line", "where", "words"), VALUES)
def test_wrong_values_are_named_with_their_place(text: str, line: int, where: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_settings(text)
    (problem,) = caught.value.problems
    assert (problem.line, problem.where) == (line, where)
    assert words in problem.message


def test_a_list_of_wrong_items_is_not_called_empty() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_settings(STEP + 'say = "您好"\nat = "9点"\nafter = "一阵"')
    assert [problem.where for problem in caught.value.problems] == ["sops[1].steps[1].at", "sops[1].steps[1].after"]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: None, "文件不存在"),
        (lambda path: path.mkdir(), "这是一个文件夹"),
        (lambda path: path.write_bytes("name = '甲'".encode("gb18030")), "另存为 UTF-8"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(make: object, words: str, tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    make(path)  # type: ignore[operator]
    with pytest.raises(ConfigError, match=words):
        load_settings(path)


DECLARED = """[[tags]]
group = "意向"
names = ["考虑价格", "高意向", "已付款"]
[[pipelines]]
name = "甲"
stages = [{ name = "成交", on = ["已付款"] }]
"""


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ('tag = "考虑价恪"', ["规则 a：标签「考虑价恪」没有声明过", "是不是想写「考虑价格」"]),
        ('tag = "完全不同的词"', ["规则 a：标签「完全不同的词」没有声明过", "[[tags]] 的 names"]),
        ('tag = "高意向"\nwhen = { tags = ["高意象"] }', ["条件里的标签「高意象」没有声明", "是不是想写「高意向」"]),
        ('tag = "高意向"\nunless = { tags = ["阿甲"] }', ["条件里的标签「阿甲」没有声明"]),
        ('tag = "高意向"', []),
        ('tag = "成交"', []),
        ('tag = "已付款"\nwhen = { tags = ["考虑价格", "已付款"] }', []),
    ],
)
def test_a_tag_that_is_declared_nowhere_is_warned_of(rule: str, said: list[str]) -> None:
    warnings = parse_settings(f'{DECLARED}[[rules]]\nid = "a"\nany = ["多少钱"]\n{rule}\n', examples=False).warnings
    assert len(warnings) == (1 if said else 0), warnings
    assert all(words in warnings[0] for words in said)


def test_a_file_that_declares_no_tag_is_not_scolded_for_it() -> None:
    assert parse_settings(RULE).warnings == ()
