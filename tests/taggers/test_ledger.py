"""Ledgers: caps, half-lives, and that order, doubling, lateness and taking back leave what they should."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taggers.ledger import (
    LEDGERS,
    Award,
    Entry,
    Ledger,
    Terms,
    balance,
    balances,
    settle_awards,
    weigh,
)
from taggers.scores import Giving, Scores, check_scores

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime.fromisoformat("2026-03-10T12:00:00+08:00")
TERMS: dict[Ledger, Terms] = {"conversion": Terms(20, timedelta(days=60)), "activity": Terms(10, timedelta(days=30))}


def asked(points: int, occasion: str, days_ago: float = 0, *, fallen: bool = False) -> Entry:
    return Entry("conversion", points, "rule:ask-price", occasion, NOW - timedelta(days=days_ago), fallen)


ENTRIES = st.builds(
    Entry,
    ledger=st.sampled_from(LEDGERS),
    points=st.integers(-60, 60),
    source=st.sampled_from(["rule:a", "rule:b", "tag:x"]),
    occasion=st.sampled_from([f"m{n}" for n in range(9)]),
    at=st.integers(-90 * 24, 24).map(lambda hours: NOW + timedelta(hours=hours)),
    fallen=st.booleans(),
)
LISTS = st.lists(ENTRIES, max_size=25, unique_by=lambda one: (one.ledger, one.source, one.occasion))


def test_five_price_questions_are_capped_and_a_purchase_counts_whole() -> None:
    questions = [asked(8, f"m{n}") for n in range(5)]
    paid = Entry("conversion", 50, "rule:paid", "m9", NOW)
    assert balances(questions, {}, NOW, ZONE)["conversion"] == 40
    assert balances(questions, TERMS, NOW, ZONE)["conversion"] == 20
    assert balances([*questions, paid], TERMS, NOW, ZONE) == {"conversion": 70, "activity": 0}
    assert [(one.entry.source, one.counted) for one in weigh([*questions, paid], TERMS, NOW, ZONE)][:2] == [
        ("rule:paid", 50), ("rule:ask-price", 8),
    ]  # fmt: skip


def test_the_cap_is_a_local_day_s() -> None:
    late, early = (
        datetime.fromisoformat("2026-03-09T15:59:00+00:00"),
        datetime.fromisoformat("2026-03-09T16:01:00+00:00"),
    )
    entries = [Entry("conversion", 15, "rule:a", f"m{n}", at) for n, at in enumerate((late, early))]
    assert balances(entries, {"conversion": Terms(20)}, NOW, ZONE)["conversion"] == 30
    assert balances(entries, {"conversion": Terms(20)}, NOW, ZoneInfo("UTC"))["conversion"] == 20


@pytest.mark.parametrize(("days", "left"), [(0, 40), (60, 20), (120, 10), (-5, 40)])
def test_points_are_worth_half_after_each_half_life(days: float, left: int) -> None:
    assert balances([asked(40, "m", days)], TERMS, NOW, ZONE)["conversion"] == left


@settings(max_examples=150)
@given(LISTS, st.randoms(use_true_random=False), st.lists(st.integers(0, 24), max_size=9))
def test_neither_order_nor_doubling_matters(entries: list[Entry], chance: object, again: list[int]) -> None:
    doubled = [*entries, *(entries[n] for n in again if n < len(entries))]
    chance.shuffle(doubled)  # type: ignore[attr-defined]
    assert weigh(doubled, TERMS, NOW, ZONE) == weigh(entries, TERMS, NOW, ZONE)


@settings(max_examples=150)
@given(LISTS, LISTS)
def test_what_falls_leaves_what_would_be_without_it(entries: list[Entry], others: list[Entry]) -> None:
    mine = {(one.ledger, one.source, one.occasion) for one in entries}
    late = [one for one in others if (one.ledger, one.source, one.occasion) not in mine and not one.fallen]
    fallen = [Entry(o.ledger, o.points, o.source, o.occasion, o.at, fallen=True) for o in late]
    assert weigh([*entries, *fallen], TERMS, NOW, ZONE) == weigh(entries, TERMS, NOW, ZONE)
    assert weigh([*late, *entries], TERMS, NOW, ZONE) == weigh([*entries, *late], TERMS, NOW, ZONE)


@settings(max_examples=150)
@given(LISTS)
def test_a_source_never_gives_more_than_its_day_allows(entries: list[Entry]) -> None:
    weighed = weigh(entries, {"conversion": Terms(20)}, NOW, ZONE)
    days: dict[object, list[int]] = {}
    for one in weighed:
        if one.entry.ledger == "conversion":
            days.setdefault((one.entry.source, one.entry.at.astimezone(ZONE).date()), []).append(one.counted)
            assert abs(one.counted) <= 2 * max(20, abs(one.entry.points))
    largest = max((abs(one.points) for one in entries), default=0)
    assert all(abs(sum(counted)) <= max(20, largest) for counted in days.values())
    assert balance(weighed, "activity") == sum(o.points for o in entries if o.ledger == "activity" and not o.fallen)


def test_an_award_stands_as_long_as_its_source() -> None:
    awards, since = [Award("conversion", "tag:高意向", 5)], {"tag:高意向": NOW}
    (given,), gone = settle_awards(awards, since, [])
    assert (given.points, given.occasion, gone) == (5, "1", [])
    assert settle_awards(awards, since, [given]) == ([], [])
    assert settle_awards(awards, {}, [given]) == ([], [given])
    fallen = Entry("conversion", 5, "tag:高意向", "1", NOW, fallen=True)
    assert settle_awards(awards, since, [fallen])[0][0].occasion == "2"
    assert settle_awards([], since, [given]) == ([], [])  # gone from the config: what was given stays with the tag
    assert settle_awards([], {}, [given]) == ([], [given])


def test_problems_of_the_table_are_told_with_their_place() -> None:
    tables = [
        Scores(ledger="activity", half_life="30m", give=(Giving(points=1), Giving(tag="没有", points=1))),
        Scores(ledger="activity", give=(Giving(field="没有", points=1), *[Giving(tag="有", points=1)] * 2)),
    ]  # fmt: skip
    assert [place for place, _ in check_scores(tables, {"有"}, {"birthday"})] == [
        ("scores", 0, "half_life"), ("scores", 0, "give", 0), ("scores", 0, "give", 1, "tag"),
        ("scores", 1, "ledger"), ("scores", 1, "give", 0, "field"), ("scores", 1, "give", 2),
    ]  # fmt: skip
