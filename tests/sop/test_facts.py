"""Which value of a field stands, of those heard and those written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sop.facts import Told, beside, standing
from sop.fields import completeness, read_value, show_value
from sop.guards import Facts, still_asked, why_guarded
from sop.pipeline import Pipeline, Stage
from sop.stages import Move, MoveRefusal, move_to
from sop.workspace import FieldDefinition

NOON = datetime(2026, 3, 4, 4, tzinfo=UTC)


def told(value: str, minute: int, by: str = "rule", **more: Any) -> Told:
    return Told(value, by, NOON + timedelta(minutes=minute), "r" if by == "rule" else "", **more)


LATER = NOON + timedelta(hours=1)


@pytest.mark.parametrize(
    ("history", "stands", "aside"),
    [
        ([], None, None),
        ([told("a", 1)], "a", None),
        ([told("a", 1), told("b", 2)], "b", None),
        ([told("b", 2), told("a", 1)], "b", None),  # read late: what was said last stands
        ([told("p", 1, "human"), told("a", 2)], "p", "a"),
        ([told("a", 1), told("p", 2, "human")], "p", None),
        ([told("p", 1, "human"), told("p", 2)], "p", None),
        ([told("a", 1, right=True, judged_at=LATER), told("b", 2)], "a", "b"),
        ([told("a", 1), told("b", 2, right=False, judged_at=LATER)], "a", None),
        ([told("a", 1, right=False, judged_at=LATER), told("a", 90)], None, None),  # the same misreading again
        ([told("a", 1), told("b", 2, withdrawn=True)], "a", None),
        ([told("a", 1), told("", 2, "human")], None, None),  # cleared
        ([told("", 2, "human"), told("a", 3)], "a", None),
        ([told("p", 1, "human"), told("q", 2, "human")], "q", None),
        ([told("p", 5, "human"), told("a", 1, right=True, judged_at=LATER)], "a", None),
    ],
)
def test_which_value_stands(history: list[Told], stands: str | None, aside: str | None) -> None:
    found, other = standing(history), beside(history)
    assert (found and found.value, other and other.value) == (stands, aside)


def test_a_stage_that_needs_a_field_is_closed_to_people_as_well() -> None:
    pipeline = Pipeline(
        name="销售", stages=(Stage(name="新", on=()), Stage(name="报价", on=(), needs=("预算", "高意向")))
    )
    refused = move_to(pipeline, "新", "报价", "drag", unknown={"预算", "budget"})
    assert isinstance(refused, MoveRefusal)
    assert "还要知道客户的「预算」" in refused.why
    assert "高意向" not in refused.why  # a tag binds rules alone
    assert isinstance(move_to(pipeline, "新", "报价", "drag", unknown={"生日"}), Move)
    assert isinstance(move_to(pipeline, "新", "报价", "wecom", unknown={"预算"}), Move)
    assert still_asked(pipeline.stages[1], ()) is None


def test_rules_are_told_which_field_is_missing_and_how_much_of_the_profile() -> None:
    pipeline = Pipeline(name="销售", stages=(Stage(name="报价", on=(), needs=("预算",), min_profile=60),))
    to = pipeline.stages[0]
    assert "还不知道客户的「预算」" in (why_guarded(pipeline, None, to, Facts(NOON, unknown={"预算"})) or "")
    little = Facts(NOON, known={"预算"}, profile=50)
    assert "要资料完整度 60%，现在 50%" in (why_guarded(pipeline, None, to, little) or "")
    assert why_guarded(pipeline, None, to, Facts(NOON, known={"预算"}, profile=60)) is None


def test_how_much_is_known() -> None:
    found = completeness(("预算", "预产期", "电话"), {"预算", "电话", "生日"})
    assert (found.percent, found.missing) == (66, ("预产期",))
    assert completeness((), ()).percent == 100


@pytest.mark.parametrize(
    ("kind", "kept", "shown", "wrong"),
    [
        ("month", "2026-08", "2026年8月", "2026-13"),
        ("age", "8m@2026-03-04", "11 个月", "八斤"),
        ("age", "28w@2026-03-04", "42 周", "8m"),
        ("age", "20d@2026-06-01", "29 天", "昨天"),
        ("money", "5000-8000", "5000-8000 元", "很多"),
        ("money", "-8000", "8000 元以内", "-"),
        ("phone", "13812345678", "13812345678", "123"),
        ("count", "3", "3", "三"),
        ("choice", "英语", "英语", "法语"),
    ],
)
def test_kinds_of_values(kind: Any, kept: str, shown: str, wrong: str) -> None:
    field = FieldDefinition(name="f", kind=kind, choices=("英语",) if kind == "choice" else ())
    assert read_value(field, kept) == kept
    assert show_value(field, kept, datetime(2026, 6, 10).date()) == shown
    with pytest.raises(ValueError, match=r"不|像"):
        read_value(field, wrong)
