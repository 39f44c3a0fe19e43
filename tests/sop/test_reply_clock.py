"""The reply clock: late, doubled, reordered and revoked messages, working time, thresholds, the report's waits."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import permutations
from typing import Literal

import pytest

from sop.reply_clock import (
    IDLE,
    Wait,
    Waiting,
    Word,
    advance,
    alarms,
    answers,
    forget,
    may_remind,
    threshold,
    wait_of,
)
from sop.workcalendar import calendar_of
from sop.working_time import when_worked, worked
from sop.workspace import Workspace

CALENDAR = calendar_of(Workspace())
MONDAY = datetime.fromisoformat("2026-03-02T10:00:00+08:00")


def _word(minute: int, said: Literal["asked", "other", "answer"]) -> Word:
    return Word(MONDAY + timedelta(minutes=minute), f"m{minute}", said)


TALK = (
    _word(0, "asked"), _word(1, "other"), _word(2, "answer"), _word(3, "asked"), _word(4, "other"), _word(5, "asked"),
)  # fmt: skip


def _step_by_step(words: tuple[Word, ...]) -> Wait:
    """As the shell does it: by one message where that can tell, else from all that were seen."""
    wait, seen = IDLE, []
    for word in words:
        seen.append(word)
        moved = advance(wait, word)
        wait = wait_of(seen) if moved is None else moved
    return wait


def test_every_order_of_a_talk_leaves_the_same_clock() -> None:
    expected = wait_of(TALK)
    assert expected.since == TALK[3].at
    for order in permutations(TALK):
        assert _step_by_step(order) == expected


def test_doubled_messages_change_nothing() -> None:
    assert _step_by_step((*TALK, *TALK)) == wait_of(TALK)


@pytest.mark.parametrize("revoked", range(len(TALK)))
def test_a_revoked_message_is_as_if_it_had_never_been(revoked: int) -> None:
    rest = TALK[:revoked] + TALK[revoked + 1 :]
    left = forget(wait_of(TALK), TALK[revoked])
    assert left is None or left.since == wait_of(rest).since


def test_an_answer_before_the_question_leaves_it_waiting() -> None:
    assert wait_of([_word(5, "asked"), _word(3, "answer")]).since == _word(5, "asked").at


def test_working_time_leaves_out_nights_and_free_days() -> None:
    friday = datetime.fromisoformat("2026-03-06T20:50:00+08:00")
    monday = datetime.fromisoformat("2026-03-09T09:15:00+08:00")
    assert worked(CALENDAR, friday, monday) == timedelta(minutes=25)
    assert when_worked(CALENDAR, friday, timedelta(minutes=25)) == monday
    assert worked(CALENDAR, monday, friday) == timedelta(0)


def test_alarms_count_working_time_and_respect_quiet_hours() -> None:
    calendar = calendar_of(Workspace.model_validate({"quiet_hours": "09:00-09:30"}))
    since = datetime.fromisoformat("2026-03-06T20:55:00+08:00")
    told = alarms(since, Waiting(leader_after=timedelta(0)), calendar)
    assert told.leader is None
    assert told.agent == datetime.fromisoformat("2026-03-09T09:30:00+08:00")


def test_the_most_exact_threshold_counts() -> None:
    anywhere, pipeline = Waiting(), Waiting(pipeline="课程")
    stage = Waiting(pipeline="课程", stage="考虑")
    tables = [anywhere, pipeline, stage]
    assert threshold(tables, [("课程", "考虑")]) is stage
    assert threshold(tables, [("课程", "新")]) is pipeline
    assert threshold(tables, [("装修", "考虑")]) is anywhere
    assert threshold([stage], [("装修", "新")]) is None


def test_a_person_is_reminded_once_a_half_hour() -> None:
    assert may_remind(None, MONDAY)
    assert may_remind(MONDAY, MONDAY + timedelta(minutes=30))
    assert not may_remind(MONDAY, MONDAY + timedelta(minutes=29))


def test_the_report_counts_unanswered_questions_too() -> None:
    by = {"asked": "", "other": "", "answer": "amei"}
    first, second = answers([(word, by[word.said]) for word in TALK])
    assert (first.first, first.by, first.answered) == (True, "amei", TALK[2].at)
    assert (second.first, second.by, second.answered) == (False, "", None)
