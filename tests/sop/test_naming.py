"""Whose name an agent wrote, with or without a blank, in full, in part or not quite."""

from __future__ import annotations

import pytest

from sop.naming import People, read_name

PEOPLE = People({1: ["张三", "张三-浦东"], 2: ["张三丰", ""], 3: ["王海棠"], 4: ["王海燕"], 5: ["Amy Li", "艾米"]})


@pytest.mark.parametrize(
    ("words", "fits", "rest"),
    [
        ("张三 明天10点 发合同", (1,), "明天10点 发合同"),
        ("张三：明天10点 发合同", (1,), "明天10点 发合同"),
        ("张三明天10点发合同", (1,), "明天10点发合同"),
        ("张三丰明天10点发合同", (2,), "明天10点发合同"),
        ("张三老师 明天", (1,), "明天"),
        ("张三老师下周一回访", (1,), "老师下周一回访"),
        ("海棠 下午3点", (3,), "下午3点"),
        ("海棠下午3点", (3,), "下午3点"),
        ("王海 明天", (3, 4), "明天"),
        ("浦东 明天", (1,), "明天"),
        ("ａｍｙ li 周五", (5,), "周五"),
        ("艾米", (5,), ""),
    ],
)
def test_a_name_is_told_from_what_follows(words: str, fits: tuple[int, ...], rest: str) -> None:
    named = read_name(words, PEOPLE)
    assert (named.fits, named.rest) == (fits, rest)


@pytest.mark.parametrize(
    ("words", "near"), [("张叁 明天", (1,)), ("王海堂 明天", (3, 4)), ("赵六 明天", ()), ("", ())]
)
def test_an_unknown_name_is_asked_about(words: str, near: tuple[int, ...]) -> None:
    named = read_name(words, PEOPLE)
    assert named.fits == ()
    assert set(near) <= set(named.near)
    assert bool(named.near) == bool(near)


def test_a_longer_name_that_nobody_has_is_not_taken_for_the_shorter_one() -> None:
    assert read_name("王海棠棠 明天", PEOPLE).fits == ()
