"""The words that close cards, and which of a customer's steps may be open beside another."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from sop.cards import (
    ANSWER_FIRST,
    POSTPONED,
    SENT,
    CustomerStep,
    beside,
    can_change,
    closing_label,
    closing_word,
)
from sop.stopping import HAPPENINGS

NOW = datetime(2026, 5, 12, 2, 0, tzinfo=UTC)


@pytest.mark.parametrize("why", [*HAPPENINGS.values(), "客户带上了标签「" + "长" * 30 + "」", "", SENT, POSTPONED])
def test_a_closed_card_says_why_in_few_words(why: str) -> None:
    label = closing_label(why)
    assert label
    assert len(label) <= 20
    assert "已取消" not in label


def test_a_word_names_the_customer_and_is_not_said_of_what_the_agent_did_themselves() -> None:
    assert "陈静" in closing_word("陈静", "客户已流失")
    assert "客户已流失" in closing_word("陈静", "客户已流失")
    assert closing_word("陈静", POSTPONED) == closing_word("陈静", ANSWER_FIRST) == ""


def test_wecom_lets_a_card_be_changed_for_three_days() -> None:
    assert can_change(NOW - timedelta(hours=71, minutes=59), NOW)
    assert not can_change(NOW - timedelta(hours=72), NOW)


@pytest.mark.parametrize(
    ("coming", "unfinished", "deed"),
    [
        (CustomerStep(1, 1), CustomerStep(1, 0, sent=True), "overtake"),
        (CustomerStep(1, 1), CustomerStep(1, 0), "wait"),  # not even on the phone yet
        (CustomerStep(1, 0), CustomerStep(1, 1, sent=True), "wait"),
        (CustomerStep(2, 0), CustomerStep(1, 0, sent=True), "wait"),
        (CustomerStep(2, 0, priority=9), CustomerStep(1, 0, sent=True), "wait"),
        (CustomerStep(2, 0, urgent=True), CustomerStep(1, 0, sent=True), "put-off"),
        (CustomerStep(2, 0, urgent=True), CustomerStep(1, 0), "wait"),
        (CustomerStep(2, 0, priority=9, urgent=True), CustomerStep(1, 0), "put-off"),
    ],
)
def test_one_step_of_a_customer_at_a_time(coming: CustomerStep, unfinished: CustomerStep, deed: str) -> None:
    assert beside(coming, unfinished) == deed
