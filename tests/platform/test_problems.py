"""The messages for common mistakes in a config: line, key, and how to mend it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.platform.config.settings import ConfigError, load_settings, parse_settings

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
]

VALUES = [
    ('[workspaces]\nname = "甲"', 1, "workspaces", "是不是想写 workspace"),
    ('[workspace]\nwork_hour = "09:00-18:00"', 2, "workspace.work_hour", "是不是想写 work_hours"),
    ('[rules]\nid = "a"', 1, "rules", "[[rules]]"),
    ('[[workspace]]\nname = "甲"', 1, "workspace", "[workspace]"),
    (RULE + 'match = "whole"', 5, "rules[1].match", "只能是 'word'、'text' 之一，现在是 'whole'"),
    (RULE + 'expires = "14天"', 5, "rules[1].expires", '"24h"'),
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


@pytest.mark.parametrize(("text", "line", "where", "words"), VALUES)
def test_wrong_values_are_named_with_their_place(text: str, line: int, where: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_settings(text)
    (problem,) = caught.value.problems
    assert (problem.line, problem.where) == (line, where)
    assert words in problem.message


def test_a_list_of_wrong_items_is_not_called_empty() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_settings(STEP + 'say = "您好"\nat = "9点"\nafter = "一天"')
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
