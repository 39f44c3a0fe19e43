"""A step of an SOP stays the same one however steps are edited, inserted, taken out or moved."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sop.playbook import Step
from sop.step_identity import match_steps, variant_of

GREET, PRICE, TRIAL, BYE = (
    "您好，我是小雨，想问问您平时喜欢拍些什么",
    "课程分三档，先看看目录，再决定学哪一档",
    "周六上午有一节试听课，给您留一个位子？",
    "这几天没有收到您的消息，需要的时候随时找我",
)


def steps(*says: str | Step) -> list[Step]:
    return [
        say if isinstance(say, Step) else Step(after=timedelta(days=number), say=(say,))
        for number, say in enumerate(says)
    ]


def said(text: str, days: int) -> Step:
    return Step(after=timedelta(days=days), say=(text,))


@pytest.mark.parametrize(
    ("new", "expected"),
    [
        pytest.param(steps(GREET, PRICE, TRIAL), {0: 0, 1: 1, 2: 2}, id="as it was"),
        pytest.param(steps(GREET, PRICE.replace("三档", "四档"), TRIAL), {0: 0, 1: 1, 2: 2}, id="a typo mended"),
        pytest.param(steps(GREET, "完全换了一种说法", TRIAL), {0: 0, 1: 1, 2: 2}, id="one written anew"),
        pytest.param(steps(BYE, GREET, PRICE, TRIAL), {0: 1, 1: 2, 2: 3}, id="one inserted first"),
        pytest.param(steps(GREET, BYE, PRICE, TRIAL), {0: 0, 1: 2, 2: 3}, id="one inserted between"),
        pytest.param(steps(GREET, PRICE, TRIAL, BYE), {0: 0, 1: 1, 2: 2}, id="one added"),
        pytest.param(steps(TRIAL, GREET, PRICE), {0: 1, 1: 2, 2: 0}, id="moved"),
        pytest.param(steps(GREET, TRIAL), {0: 0, 2: 1}, id="one taken out"),
        pytest.param(
            steps(BYE, PRICE.replace("目录", "课程目录"), GREET, TRIAL), {0: 2, 1: 1, 2: 3}, id="all at once"
        ),
        pytest.param(
            [said(GREET, 0), said("新加的一步", 3), said("全换了", 1), said(TRIAL, 2)],
            {0: 0, 1: 2, 2: 3},
            id="by time",
        ),
    ],
)
def test_steps_are_known_again(new: list[Step], expected: dict[int, int]) -> None:
    assert match_steps(steps(GREET, PRICE, TRIAL), new) == expected


def test_two_equal_steps_stay_two() -> None:
    assert match_steps(steps(GREET, PRICE, PRICE), steps(BYE, GREET, PRICE, PRICE)) == {0: 1, 1: 2, 2: 3}


def test_a_customer_keeps_the_wording_they_have_where_it_is_still_there() -> None:
    step = Step(say=("一", "二", "三"))
    assert [variant_of(step, 0, "三"), variant_of(step, 4, "没有了")] == [2, 1]
