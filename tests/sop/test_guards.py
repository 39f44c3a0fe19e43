"""What keeps rules, and only rules, from moving a card; and who may be enrolled again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sop.guards import Facts
from sop.pipeline import Pipeline
from sop.stages import Actor, Move, MoveRefusal, decide_move, due_timed_move

NOW = datetime(2026, 3, 3, 2, 0, tzinfo=UTC)
PIPELINE = Pipeline.model_validate(
    {
        "name": "转化",
        "hold": "24h",
        "stages": [
            {"name": "新线索", "on": ["@added"]},
            {"name": "试听", "on": ["已约试听"], "needs": ["已留电话", "家长"]},
            {"name": "正课", "on": ["已付正课"], "min_stay": "3d"},
            {"name": "会员", "on": ["已付会员"], "min_score": 50},
            {"name": "流失", "on": ["@lost"], "lost": True},
        ],
        "moves": [{"from": "新线索", "to": "流失", "after": "1h"}],
    }
)


def ago(**length: float) -> datetime:
    return NOW - timedelta(**length)


@pytest.mark.parametrize(
    ("trigger", "facts", "why"),
    [
        pytest.param("已约试听", {"tags": {"已留电话", "家长"}}, None, id="all tags"),
        pytest.param("已约试听", {"tags": {"已留电话"}}, "还缺标签「家长」", id="one is missing"),
        pytest.param("已约试听", {}, "还缺标签「已留电话」、「家长」", id="both are missing"),
        pytest.param("已付正课", {"entered_at": ago(days=3)}, None, id="long enough"),
        pytest.param("已付正课", {"entered_at": ago(days=2.5)}, "再过 12 小时", id="not long enough"),
        pytest.param("已付正课", {"entered_at": ago(hours=1)}, "再过 3 天", id="only just"),
        pytest.param("已付正课", {}, None, id="nobody knows since when"),
        pytest.param("已付会员", {"score": 50}, None, id="score enough"),
        pytest.param("已付会员", {"score": 49}, "要 50 分，现在 49 分", id="score too low"),
        pytest.param(
            "已付会员",
            {"score": 99, "moved_by_person_at": ago(hours=23.5)},
            "30 分钟内规则",
            id="a person's move holds",
        ),
        pytest.param("已付会员", {"score": 99, "moved_by_person_at": ago(hours=24)}, None, id="for a day"),
        pytest.param(
            "已付会员", {"score": 99, "moved_by_person_at": ago(hours=23)}, "1 小时内规则", id="an hour left"
        ),
        pytest.param("已付正课", {"entered_at": ago(days=1)}, "再过 2 天", id="two days left"),
        pytest.param("@lost", {"moved_by_person_at": ago(hours=1)}, None, id="who left has left"),
        pytest.param(
            "已约试听",
            {"tags": {"已留电话", "家长"}, "entered_at": ago(minutes=-5)},
            None,
            id="came before the clock was set back",
        ),
        pytest.param("已付正课", {"entered_at": ago(minutes=-5)}, "再过 3 天", id="and then just came"),
    ],
)
def test_guards(trigger: str, facts: dict[str, Any], why: str | None) -> None:
    decided = decide_move(PIPELINE, "新线索", [trigger], "rule", facts=Facts(NOW, **facts))
    if why is None:
        assert isinstance(decided, Move)
    else:
        assert isinstance(decided, MoveRefusal)
        assert why in decided.why


@pytest.mark.parametrize("actor", ["human", "wecom"])
@pytest.mark.parametrize("to", ["试听", "正课", "会员"])
def test_people_pass_every_guard(actor: Actor, to: str) -> None:
    facts = Facts(NOW, entered_at=NOW, moved_by_person_at=NOW)
    assert isinstance(decide_move(PIPELINE, "新线索", [to], actor, facts=facts), Move)


def test_without_facts_no_guard_is_asked() -> None:
    assert isinstance(decide_move(PIPELINE, "新线索", ["已付会员"], "rule"), Move)


@pytest.mark.parametrize(("hours", "moves"), [(23, False), (24, True)])
def test_the_clock_respects_a_persons_move(hours: int, moves: bool) -> None:
    facts = Facts(NOW, moved_by_person_at=ago(hours=hours))
    move = due_timed_move(PIPELINE, "新线索", ago(days=2), None, NOW, facts=facts)
    assert (move is not None) is moves
