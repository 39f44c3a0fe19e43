"""How lengths, times and hours are written in config.toml."""

from __future__ import annotations

from datetime import time, timedelta
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from sop.pipeline import Pipeline, Stage
from sop.playbook import Sop, Step
from sop.tables import Hours, parse_length
from sop.workspace import Completion, Workspace


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("0m", timedelta(0)),
        ("90s", timedelta(seconds=90)),
        ("30m", timedelta(minutes=30)),
        ("24h", timedelta(days=1)),
        (" 7 d ", timedelta(days=7)),
        ("2w", timedelta(days=14)),
        ("1.5h", timedelta(minutes=90)),
        ("1d2h", timedelta(hours=26)),
    ],
)
def test_lengths(text: str, length: timedelta) -> None:
    assert parse_length(text) == length


@pytest.mark.parametrize("text", ["", "7", "d", "-1d", "天7", "2h1d", "1.5.5h", 7, None, ["1d"]])
def test_bad_lengths(text: object) -> None:
    with pytest.raises(ValueError, match="时长写作数字加单位"):
        parse_length(text)


@pytest.mark.parametrize(
    ("table", "keys", "says"),
    [
        (Step, {"say": "好", "at": "25:00"}, "时刻写作"),
        (Step, {"say": "好", "at": "十点"}, "时刻写作"),
        (Step, {"say": []}, "say"),
        (Step, {"say": "好", "colour": "red"}, "Extra inputs"),
        (Step, {"say": "好", "attach": [{"kind": "link", "title": "图", "url": "javascript:x"}]}, "url"),
        (Workspace, {"work_hours": "9点到21点"}, "时段写作"),
        (Workspace, {"timezone": "Asia/Peking"}, "没有时区"),
        (Workspace, {"timezone": "../etc/passwd"}, "没有时区"),
        (Workspace, {"workdays": "sometimes"}, "china"),
        (Completion, {"exact": 0.5, "edited": 0.6}, "不能高于"),
        (Sop, {"id": "s", "steps": [{"say": "好"}]}, "写且只写一个"),
        (Sop, {"id": "s", "stage": "a", "on": "@added", "steps": [{"say": "好"}]}, "写且只写一个"),
        (Sop, {"id": "价格", "stage": "a", "steps": [{"say": "好"}]}, "id"),
        (Sop, {"id": "s", "stage": "a", "cap": "0/day", "steps": [{"say": "好"}]}, "cap"),
        (Sop, {"id": "s", "stage": "a", "steps": []}, "steps"),
    ],
)
def test_bad_tables_say_what_is_wrong(table: type[BaseModel], keys: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        table.model_validate(keys)


@pytest.mark.parametrize(
    ("hours", "clock", "inside"),
    [
        ("09:00-21:00", time(9), True),
        ("09:00-21:00", time(21), False),
        ("22:00-08:00", time(23), True),
        ("22:00-08:00", time(7, 59), True),
        ("22:00-08:00", time(8), False),
        ("00:00-00:00", time(3), True),
    ],
)
def test_hours_hold_a_time(hours: str, clock: time, inside: bool) -> None:
    span = Workspace.model_validate({"work_hours": hours}).work_hours
    assert span.holds(clock) is inside
    assert str(span) == hours


def test_a_stage_is_entered_by_its_own_tag_unless_it_says_otherwise() -> None:
    assert Stage(name="考虑价格").entered_by == ("考虑价格",)
    assert Stage(name="沉睡", on=()).entered_by == ()
    pipeline = Pipeline(name="p", stages=(Stage(name="甲"),))
    assert pipeline.stage("甲") is pipeline.stages[0]
    assert pipeline.stage("乙") is None
    assert pipeline.stage(None) is None


def test_one_text_is_a_list_of_one() -> None:
    assert Step.model_validate({"say": "好"}).say == ("好",)


def test_tables_are_frozen() -> None:
    with pytest.raises(ValidationError):
        Hours(start=time(9), end=time(21)).start = time(8)  # type: ignore[misc]
