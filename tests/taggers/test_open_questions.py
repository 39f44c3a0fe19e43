"""Open questions: closed by an answer that shares their topic or gives what was asked for, else left open."""

from __future__ import annotations

import pytest

from taggers.open_questions import Turn, open_questions, questions


def talk(*lines: str) -> tuple[str, ...]:
    """The words of the questions still open; a line begins with 客: or 员:, a picture or file is [image]."""
    turns = []
    for line in lines:
        by, text = line[0], line[2:]
        kind = text.strip("[]") if text.startswith("[") else "text"
        turns.append(Turn("customer" if by == "客" else "agent", "" if kind != "text" else text, kind))
    return tuple(one.question.words for one in open_questions(turns))


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("发票怎么开", "发票在小程序里点申请开票就行"),
        ("多少钱一平", "128元一平"),
        ("周六有课吗", "有的"),
        ("你们在哪个位置", "长江路88号地铁口旁边"),
        ("报价单发我看看", "[file]"),
        ("几点下班", "晚上八点"),
    ],
)
def test_an_answer_closes_the_question_it_touches(question: str, answer: str) -> None:
    assert talk(f"客:{question}", f"员:{answer}") == ()


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("发票怎么开", "这款这周做活动哦"),
        ("发票怎么开", "稍等"),
        ("几点下班", "好的"),
        ("地址在哪", "[emotion]"),
    ],
)
def test_what_does_not_touch_a_question_leaves_it_open(question: str, answer: str) -> None:
    assert talk(f"客:{question}", f"员:{answer}") == (question,)


def test_of_two_questions_the_one_that_is_not_answered_stays_open() -> None:
    assert talk("客:发票怎么开？几天能送到？", "员:三天能送到的") == ("发票怎么开",)


def test_a_question_another_one_followed_is_closed_by_its_topic_only() -> None:
    assert talk("客:发票怎么开", "客:几点下班", "员:八点") == ("发票怎么开",)
    assert talk("客:发票怎么开", "客:几点下班", "员:八点", "员:开发票要先填抬头") == ()


def test_a_statement_is_no_question() -> None:
    assert questions("好的，我先看看") == ()
