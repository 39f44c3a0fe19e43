"""When a due card may leave, waits, or is dropped."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sop.gate import Drop, Go, Situation, Wait, decide_card
from sop.workcalendar import Workcalendar
from sop.workspace import Budget, Workspace

CALENDAR = Workcalendar(Workspace.model_validate({"workdays": "mon-fri", "quiet_hours": "22:00-08:00"}))


def at(text: str) -> datetime:
    """ "03T15:00" is 15:00 on the third of March 2026, a Tuesday, in Shanghai."""
    return datetime.fromisoformat(f"2026-03-{text}").replace(tzinfo=ZoneInfo("Asia/Shanghai"))


BUDGET = Budget.model_validate({"customer": "2/day", "talk_hold": "10m", "agent_gap": "30m"})


@pytest.mark.parametrize(
    ("now", "situation", "until", "reasons"),
    [
        pytest.param("03T15:00", Situation(), None, [], id="go"),
        pytest.param("03T21:30", Situation(), "04T09:00", ["非工作时间"], id="after hours"),
        pytest.param("03T21:30", Situation(anytime=True), None, [], id="anytime"),
        pytest.param("03T23:30", Situation(anytime=True), "04T08:00", ["免打扰时段"], id="anytime, at night"),
        pytest.param(
            "03T15:00",
            Situation(last_agent_word_at=at("03T14:55")),
            "03T15:05",
            ["员工正在和客户聊"],
            id="they are talking",
        ),
        pytest.param("03T15:00", Situation(last_agent_word_at=at("03T14:50")), None, [], id="they have talked"),
        pytest.param(
            "03T15:00",
            Situation(own=(at("03T09:30"),), cap="1/day"),
            "04T09:00",
            ["超出频次（每天最多 1 次）"],
            id="a step of the same SOP today",
        ),
        pytest.param("03T15:00", Situation(own=(at("02T09:30"),), cap="1/day"), None, [], id="one yesterday"),
        pytest.param(
            "03T15:00", Situation(last_card_at=at("03T14:45")), "03T15:15", ["刚提醒过这位员工"], id="a card ago"
        ),
        pytest.param(
            "03T15:00",
            Situation(contacts=(at("03T09:30"), at("03T11:00"))),
            "04T09:00",
            ["超出频次（每天最多 2 次）"],
            id="enough for a day",
        ),
        pytest.param(
            "03T20:55",
            Situation(last_agent_word_at=at("03T20:53")),
            "04T09:00",
            ["员工正在和客户聊", "非工作时间"],
            id="the talk runs into the evening",
        ),
        pytest.param(
            "06T20:50",
            Situation(last_card_at=at("06T20:45"), contacts=(at("09T09:00"), at("09T10:00"))),
            "10T09:00",
            ["刚提醒过这位员工", "非工作时间", "周末顺延", "超出频次（每天最多 2 次）"],
            id="one thing after another",
        ),
    ],
)
def test_a_card_leaves_or_waits(now: str, situation: Situation, until: str | None, reasons: list[str]) -> None:
    decided = decide_card(at(now), situation, BUDGET, CALENDAR)
    if until is None:
        assert decided == Go()
    else:
        assert isinstance(decided, Wait)
        assert decided.until == at(until)
        assert [shift.reason for shift in decided.shifts] == reasons


@pytest.mark.parametrize(
    ("now", "situation", "why"),
    [
        pytest.param("03T15:00", Situation(already_said=True), "已经说过", id="said already"),
        pytest.param("03T15:00", Situation(expires_at=at("03T15:00")), "错过了提醒时间", id="too late"),
        pytest.param("03T21:30", Situation(expires_at=at("04T08:00")), "非工作时间", id="too late when it may go"),
    ],
)
def test_a_card_that_nobody_needs_is_dropped(now: str, situation: Situation, why: str) -> None:
    decided = decide_card(at(now), situation, BUDGET, CALENDAR)
    assert isinstance(decided, Drop)
    assert why in decided.why


INSTANTS = st.datetimes(datetime(2026, 3, 1), datetime(2026, 3, 31), timezones=st.just(UTC))


@given(
    now=INSTANTS,
    contacts=st.lists(INSTANTS, max_size=12),
    word=st.none() | INSTANTS,
    card=st.none() | INSTANTS,
    anytime=st.booleans(),
)
def test_a_card_that_waits_may_go_when_its_time_comes(
    now: datetime, contacts: list[datetime], word: datetime | None, card: datetime | None, anytime: bool
) -> None:
    past = Situation(tuple(contacts), word and min(word, now), card and min(card, now), anytime)
    decided = decide_card(now, past, BUDGET, CALENDAR)
    at_last = decided.until if isinstance(decided, Wait) else now
    assert at_last >= now
    assert decide_card(at_last, past, BUDGET, CALENDAR) == Go()
    assert CALENDAR.quiet_shifts(at_last) == ()


def test_a_step_that_is_not_for_their_mindset_is_held_and_goes_when_it_has_changed() -> None:
    now = at("03T10:00")
    held = decide_card(now, Situation(unfit=True, expires_at=now + timedelta(hours=3)), Budget(), CALENDAR)
    assert isinstance(held, Wait)
    assert [shift.reason for shift in held.shifts] == ["客户现在的心态不适合这一步"]
    assert isinstance(decide_card(held.until, Situation(), Budget(), CALENDAR), Go)
    over = decide_card(now, Situation(unfit=True, expires_at=now + timedelta(hours=1)), Budget(), CALENDAR)
    assert over == Drop("客户现在的心态不适合这一步")
