"""Gaps: like questions together, one customer's alone left out; numbers that differ contradict, others do not."""

from __future__ import annotations

import pytest

from taggers.answer_gaps import UnfitQuestion, contradicted, find_gaps, quantities
from taggers.likeness import Terms

TERMS = Terms()


def asked(*words: str, answer: str | None = None) -> list[UnfitQuestion]:
    return [UnfitQuestion(text, number, text, answer) for number, text in enumerate(words)]


def test_like_questions_are_one_gap_with_the_usual_answer() -> None:
    questions = [
        *asked("教材要自己买吗", "教材是自己买吗", "教材要买吗", answer="教材我们会寄给您的"),
        *asked("周末有停车的地方吗", "有停车的地方吗"),
        *asked("你们招兼职吗"),
    ]
    first, second = find_gaps(questions, TERMS, 2)
    assert (first.customers, first.times, first.answer) == (3, 3, "教材我们会寄给您的")
    assert set(first.phrases) == {"教材要自己买吗", "教材是自己买吗", "教材要买吗"}
    assert (second.customers, second.answer) == (2, "")
    assert find_gaps([], TERMS, 2) == []


def test_what_may_not_be_shown_makes_no_gap() -> None:
    hidden = [UnfitQuestion("秋水伊人的课在哪", number, None, None) for number in range(5)]
    assert find_gaps(hidden, TERMS, 2) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("三个工作日内到账", {"工作日": {"3"}}),
        ("一共12节，每节40分钟", {"节": {"12", "40"} - {"40"}, "分钟": {"40"}}),
        ("打八折，一千二百元", {"折": {"8"}, "元": {"1200"}}),
        ("好的没问题", {}),
    ],
)
def test_what_a_text_counts(text: str, found: dict[str, set[str]]) -> None:
    assert quantities(text) == found


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (["要5天", "一般五天"], {"天": ("3", "5", 2)}),
        (["要5天"], {}),
        (["要5天", "五天", "三天", "3天左右"], {}),
        (["很快的", "要2小时", "2小时"], {}),
    ],
)
def test_an_answer_is_contradicted_by_what_several_were_told(said: list[str], told: dict[str, object]) -> None:
    assert contradicted("3天内到账", list(enumerate(said)), 2) == told
