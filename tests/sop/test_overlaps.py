"""SOPs side by side: which of them one customer can be on at once, and the days on which they meet."""

from __future__ import annotations

from typing import Any

from sop.overlaps import may_run_beside, overlaps
from sop.pipeline import Pipeline
from sop.playbook import Sop
from sop.preview import PreviewedCustomer, RunningSop, preview
from sop.workspace import Budget, Workspace
from tests.sop.test_preview import at, sop

ROAD = [Pipeline.model_validate({"name": "路", "stages": [{"name": "甲", "on": []}, {"name": "乙", "on": []}]})]
EVERY_DAY = Workspace.model_validate({"workdays": "everyday"})


def staged(id: str, stage: str, **keys: Any) -> Sop:
    values = {"id": id, "stage": stage, "steps": [{"say": "您好"}], "stop": ["moved"], **keys}
    return Sop.model_validate(values)


def test_stages_of_one_road_follow_one_another() -> None:
    first = staged("a", "甲")
    assert not may_run_beside(first, first, ROAD)
    assert not may_run_beside(first, staged("b", "乙"), ROAD)
    assert may_run_beside(first, staged("b", "乙", stop=["left"]), ROAD)
    assert may_run_beside(first, staged("b", "别的路"), ROAD)
    assert may_run_beside(first, sop("b", "1d"), ROAD)
    assert not may_run_beside(first, sop("b", "1d", enabled=False), ROAD)
    group = Sop.model_validate({"id": "g", "on": "@made", "audience": "group", "steps": [{"say": "您好"}]})
    assert not may_run_beside(first, group, ROAD)


def test_days_on_which_two_meet_are_said() -> None:
    courses = [
        RunningSop(sop(id, *days, title=id), at("03-03T08:00")) for id, days in (("a", ("1d", "2d")), ("b", ("2d",)))
    ]
    found = preview(courses, EVERY_DAY, Budget(customer="9/day"), PreviewedCustomer("wm1"), at("03-03T08:00"))
    assert [(f"{one.day:%m-%d}", set(one.titles)) for one in overlaps(found, EVERY_DAY)] == [("03-05", {"a", "b"})]
    alone = preview(courses[:1], EVERY_DAY, Budget(), PreviewedCustomer("wm1"), at("03-03T08:00"))
    assert overlaps(alone, EVERY_DAY) == []
