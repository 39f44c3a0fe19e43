"""The knowledge base: for whom and when an answer may be offered, and what is wrong with one."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from sop.answers import AnswerEntry, Listener, check_answers, in_force, is_for
from sop.pipeline import Pipeline

TODAY = date(2026, 3, 4)
PIPELINE = Pipeline.model_validate({"name": "课程转化", "stages": [{"name": "考虑价格", "on": ["问价"]}]})


def entry(**given: Any) -> AnswerEntry:
    return AnswerEntry.model_validate({"id": "a", "ask": ["发票怎么开"], "say": "付款后在订单里开", **given})


@pytest.mark.parametrize(
    ("given", "holds"),
    [
        ({}, True),
        ({"since": TODAY}, True),
        ({"until": TODAY}, True),
        ({"since": date(2026, 3, 5)}, False),
        ({"until": date(2026, 3, 3)}, False),
        ({"retired": True}, False),
    ],
)
def test_an_answer_is_in_force_on_its_days(given: dict[str, Any], holds: bool) -> None:
    assert in_force(entry(**given), TODAY) is holds


@pytest.mark.parametrize(
    ("given", "holds"),
    [
        ({}, True),
        ({"tags": ["老客", "高意向"]}, True),
        ({"tags": ["老客"]}, False),
        ({"stages": ["考虑价格"]}, True),
        ({"stages": ["课程转化/考虑价格"]}, True),
        ({"stages": ["老客服务/考虑价格"]}, False),
        ({"products": ["pro班"]}, True),
        ({"products": ["钢琴课"]}, False),
    ],
)
def test_an_answer_is_for_whom_it_says(given: dict[str, Any], holds: bool) -> None:
    listener = Listener(frozenset(["高意向"]), {"课程转化": "考虑价格"}, "PRO班的发票怎么开")
    assert is_for(entry(**given), listener) is holds


@pytest.mark.parametrize(
    ("entries", "told"),
    [
        ([entry(), entry(ask=["另一问"])], "重复了"),
        ([entry(say="{customer.nmae}您好")], "没有占位符"),
        ([entry(tags=["没有的"])], "打标签「没有的」"),
        ([entry(stages=["没有的"])], "没有阶段「没有的」"),
        ([entry(), entry(id="b")], "已经由「a」回答了"),
        ([entry(until=TODAY), entry(id="b", since=date(2026, 3, 5))], None),
        ([entry(retired=True), entry(id="b")], None),
        ([entry(products=["甲"]), entry(id="b", products=["乙"])], None),
    ],
)
def test_faults_are_told(entries: list[AnswerEntry], told: str | None) -> None:
    found = [str(problem.message) for problem in check_answers(entries, {"高意向"}, [PIPELINE], ["customer.name"])]
    assert [told is not None and told in one for one in found] == ([True] if told else [])


@pytest.mark.parametrize(
    "given",
    [
        {"since": TODAY, "until": date(2026, 3, 1)},
        {"attach": [{"kind": "miniprogram", "title": "t", "appid": "wx1234567", "page": "p", "pic": "a.png"}]},
        {"ask": []},
    ],
)
def test_an_entry_that_cannot_be_used_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        entry(**given)
