"""Wording use: few cases say nothing, use moves a fit a little, and what is passed over ten times is not offered."""

from __future__ import annotations

import pytest

from sop.wording_use import LEAST, NONE, WordingUse, by_use, is_refused, most_used


def test_counts_of_two_wordings_add_up() -> None:
    both = WordingUse(10, 4, 3, 1, 4, 2, 1) + WordingUse(5, 1, 1, 0, 1, 1, 0)
    assert both == WordingUse(15, 5, 4, 1, 5, 3, 1)
    assert (both.sent, both.ignored) == (5, 10)


@pytest.mark.parametrize(("judged", "enough"), [(0, False), (LEAST - 1, False), (LEAST, True)])
def test_no_share_is_said_of_few(judged: int, enough: bool) -> None:
    use = WordingUse(judged=judged, answered=judged // 2)
    assert use.enough is enough
    low, high = use.answered_between
    assert 0 <= low <= (use.answered / judged if judged else 0) <= high <= 1


def test_what_agents_take_comes_first_of_what_fits_as_well() -> None:
    uses = {"liked": WordingUse(offered=20, taken=18), "passed": WordingUse(offered=20, taken=0)}
    assert by_use([("passed", 0.52), ("new", 0.51), ("liked", 0.5)], uses) == ["liked", "new", "passed"]
    assert by_use([("passed", 0.9), ("liked", 0.5)], uses) == ["passed", "liked"], "what is asked counts more"


@pytest.mark.parametrize(
    ("use", "refused"),
    [(NONE, False), (WordingUse(offered=9), False), (WordingUse(offered=10), True), (WordingUse(10, 0, 1), False)],
)
def test_what_nobody_took_in_ten_times_is_refused(use: WordingUse, refused: bool) -> None:
    assert is_refused(use) is refused


def test_the_most_used_come_first_and_equals_stay() -> None:
    uses = {"b": WordingUse(exact=2), "c": WordingUse(edited=5)}
    assert most_used(["a", "b", "d", "c"], uses) == ["c", "b", "a", "d"]
