"""Long texts: every part within WeCom's limit, cut at lines, and nothing lost."""

from __future__ import annotations

import pytest

from bot.wecom.text_parts import GOES_ON, LONGEST_TEXT, text_parts


@pytest.mark.parametrize("text", ["", "短", "a" * LONGEST_TEXT, "字" * (LONGEST_TEXT // 3)])
def test_what_fits_is_one_message(text: str) -> None:
    assert text_parts(text) == [text]


def test_a_long_list_is_cut_at_lines() -> None:
    lines = [
        f"{number}. 09:00 王海棠{number}：课程分三档，先看看目录，再决定学哪一档，不着急。" for number in range(60)
    ]
    parts = text_parts("\n".join(lines))
    assert len(parts) > 1
    assert all(len(part.encode()) <= LONGEST_TEXT for part in parts)
    assert [part.endswith(GOES_ON) for part in parts] == [True] * (len(parts) - 1) + [False]
    assert "\n".join(part.removesuffix(GOES_ON) for part in parts).split("\n") == lines


@pytest.mark.parametrize("unit", ["x", "字", "🌸", "好，", "一句。"])
def test_one_endless_line_loses_nothing(unit: str) -> None:
    parts = text_parts(unit * 3000)
    assert all(len(part.encode()) <= LONGEST_TEXT for part in parts)
    assert "".join(part.removesuffix(GOES_ON) for part in parts) == unit * 3000
