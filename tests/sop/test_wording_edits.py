"""Edits by likeness: what one says to one customer is left out, few are not compared, the best needs enough cases."""

from __future__ import annotations

import pytest

from sop.wording_edits import EditCluster, SentEdit, cluster_edits, propose
from sop.wording_use import LEAST


def sent(text: str, times: int, answered: int = 0, agent: str = "林晓雨", first: int = 0) -> list[SentEdit]:
    return [SentEdit(text, first + number, agent, True, number < answered) for number in range(times)]


def test_edits_that_differ_in_a_particle_are_one() -> None:
    edits = [*sent("订单里点开票就行", 3, 2), *sent("订单里点开票就行哦~", 1, 1, "陈", 9), *sent("我发您一张截图", 2)]
    first, second = cluster_edits(edits, 2)
    assert (first.text, first.agents, first.sent, first.customers) == ("订单里点开票就行", ("林晓雨", "陈"), 4, 4)
    assert (first.judged, first.answered, second.text) == (4, 3, "我发您一张截图")


def test_what_was_said_to_one_customer_is_nobody_elses() -> None:
    assert cluster_edits([*sent("只对一位说", 1), SentEdit("只对一位说", 0, "陈", True, True)], 2) == []


@pytest.mark.parametrize(
    ("times", "answered", "as_is", "proposed", "sure"),
    [
        (LEAST, 15, (20, 100), True, True),
        (LEAST, 7, (30, 100), True, False),
        (LEAST - 1, 19, (20, 100), False, False),
        (LEAST, 15, (5, LEAST - 1), False, False),
        (LEAST, 3, (50, 100), False, False),
    ],
)
def test_an_edit_is_proposed_where_it_does_better(
    times: int, answered: int, as_is: tuple[int, int], proposed: bool, sure: bool
) -> None:
    found = propose(cluster_edits(sent("短一点的说法", times, answered), 2), *as_is)
    assert (found is not None) is proposed
    assert (found is not None and found.sure) is sure


def test_the_better_known_of_two_is_proposed() -> None:
    few = EditCluster("少", ("甲",), 9, LEAST, LEAST, 14)
    many = EditCluster("多", ("乙",), 90, 200, 200, 130)
    found = propose([few, many], 20, 100)
    assert found is not None
    assert found.cluster is many
