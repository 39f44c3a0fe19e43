"""Was it said, and was it said in time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sop.completion import Lateness, Outcome, best_match, compare, lateness
from sop.workspace import Completion

PLANNED = "王芳您好，课程分三档：9.9 元培育课入门，199 元爆款课系统学，您想先解决什么问题？"


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        pytest.param(PLANNED, "exact", id="word for word"),
        pytest.param(PLANNED.replace("，", ",").replace(" ", "").replace("？", "?"), "exact", id="half-width"),
        pytest.param(PLANNED + "😊", "exact", id="with an emoji"),
        pytest.param("\n" + PLANNED.replace("：", ":\n"), "exact", id="with line breaks"),
        pytest.param(
            PLANNED.replace("９.9", "9.9").replace("您想先解决什么问题？", "您更想学哪个？"),
            "edited",
            id="reworded end",
        ),
        pytest.param("课程分三档：9.9元培育课入门，199元爆款课系统学。", "edited", id="shortened"),
        pytest.param(
            "好的好的，刚才在忙没看到消息，不好意思让您久等了。"
            + PLANNED
            + "另外老师今天晚上八点有直播，您有空可以来听听，我把链接放在下面。",
            "edited",
            id="inside a longer message",
        ),
        pytest.param("您好，请问有什么可以帮您？", "none", id="something else"),
        pytest.param("好的", "none", id="a short answer"),
        pytest.param("", "none", id="nothing"),
        pytest.param("[图片]", "none", id="a picture"),
        pytest.param("？？？", "none", id="marks only"),
    ],
)
def test_compare(said: str, outcome: Outcome) -> None:
    match = compare(said, PLANNED, Completion())
    assert match.outcome == outcome
    assert 0 <= match.similarity <= 1


@pytest.mark.parametrize(
    ("said", "planned", "outcome"),
    [
        ("👍", "👍", "exact"),
        (" 👍", "👍 ", "exact"),
        ("👍", "👎", "none"),
        ("", "", "none"),
        ("好的，那您先忙，有问题随时找我", "好的", "none"),
        ("ＡＢＣ課程", "abc課程", "exact"),
    ],
)
def test_short_and_odd_texts(said: str, planned: str, outcome: Outcome) -> None:
    assert compare(said, planned, Completion()).outcome == outcome


def test_thresholds_are_reached_by_equality() -> None:
    assert compare("甲乙丙丁", "甲乙丙丁", Completion(exact=1, edited=1)).outcome == "exact"
    assert compare("甲乙丙丁", "甲乙丙戊", Completion(exact=0.75, edited=0.75)).outcome == "exact"
    assert compare("甲乙丙丁", "甲乙丙戊", Completion(exact=1, edited=0.75)).outcome == "edited"
    assert compare("甲乙丙丁", "甲乙丙戊", Completion(exact=1, edited=0.76)).outcome == "none"


def test_thresholds_are_the_the_workspaces_own() -> None:
    said = "课程分三档：9.9元培育课入门，199元爆款课系统学。"
    assert compare(said, PLANNED, Completion(exact=0.99, edited=0.95)).outcome == "none"
    assert compare(said, PLANNED, Completion(exact=0.5, edited=0.4)).outcome == "exact"


@given(said=st.text(max_size=60), planned=st.text(max_size=60))
def test_any_two_texts_compare_alike_both_ways(said: str, planned: str) -> None:
    there, back = compare(said, planned, Completion()), compare(planned, said, Completion())
    assert there.similarity == pytest.approx(back.similarity)


OPEN = [(1, "您好，0 元直播课今晚八点开始，记得来听"), (2, PLANNED), (3, PLANNED + "我帮您推荐")]


@pytest.mark.parametrize(
    ("said", "task"),
    [
        (PLANNED, 2),
        (PLANNED + "我帮您推荐", 3),
        ("0元直播课今晚八点开始哦，记得来听～", 1),
        ("您吃饭了吗", None),
    ],
)
def test_best_match(said: str, task: int | None) -> None:
    found = best_match(said, OPEN, Completion())
    assert (found and found.task) == task


def test_of_equal_tasks_the_first_is_done() -> None:
    found = best_match(
        "一样的话术一样的话术", [("早", "一样的话术一样的话术"), ("晚", "一样的话术一样的话术")], Completion()
    )
    assert found is not None
    assert found.task == "早"


T0 = datetime(2026, 3, 3, 2, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("minutes", "prompted", "expected"),
    [
        (-1, True, "early"),
        (0, True, "in-time"),
        (120, True, "in-time"),
        (121, True, "late"),
        (500, False, "early"),
    ],
)
def test_lateness(minutes: int, prompted: bool, expected: Lateness) -> None:
    said_at = T0 + timedelta(minutes=minutes)
    assert lateness(said_at, T0 if prompted else None, timedelta(hours=2)) == expected
