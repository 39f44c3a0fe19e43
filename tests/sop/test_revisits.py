"""Revisits: the most wanted first, then those without a word for the longest, so many an agent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from sop.revisits import Candidate, choose, is_due

NOW, DAY = datetime(2026, 6, 30, 4, tzinfo=UTC), timedelta(days=1)


def one(customer: int, rank: int = 2, ago: int | None = 40, agent: int = 1) -> Candidate:
    return Candidate(customer, agent, rank, None if ago is None else NOW - ago * DAY)


@pytest.mark.parametrize(("ago", "due"), [(None, True), (30, True), (31, True), (29, False), (0, False)])
def test_who_is_due(ago: int | None, due: bool) -> None:
    assert is_due(one(1, ago=ago), 30 * DAY, NOW) is due


def test_the_most_wanted_come_first_and_each_agent_gets_so_many() -> None:
    people = [one(1), one(2, ago=90), one(3, rank=0), one(4, rank=1), one(5, ago=None), one(6, agent=2)]
    chosen = [found.customer_id for found in choose(people, {}, 4)]
    assert chosen == [3, 4, 5, 2, 6]
    assert [found.customer_id for found in choose(reversed(people), {}, 4)] == chosen
    assert [found.customer_id for found in choose(people, {1: 3}, 4)] == [3, 6]
    assert choose(people, {1: 9, 2: 4}, 4) == []
