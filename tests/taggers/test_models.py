"""Models of customers: the articles' own figures, a second computation, and what must not change them."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taggers.models.five_a import ACT, APPEAL, ASK, AWARE, five_a_of
from taggers.models.impression import Impression, of_each, standing
from taggers.models.lifecycle import ASLEEP, GAINED, GONE, GROWING, MATURE, phase_of
from taggers.models.matrix import cell_of, cells_by_name, suspicions
from taggers.models.mindset import mindset_of, restrictions
from taggers.models.portrait import Company, Moment, Portrait, portray
from taggers.models.preference import preferences
from taggers.models.quadrant import quadrant_of
from taggers.models.records import Known, Order, Sign
from taggers.models.rfm import bounds_of, grade, measure
from taggers.models.terms import (
    Around,
    Cell,
    Credit,
    FiveATerms,
    LifecycleTerms,
    MatrixTerms,
    Mindset,
    Models,
    PeerTerms,
    QuadrantTerms,
    RfmTerms,
    TierTerms,
    WorthTerms,
    check_models,
)
from taggers.models.tiers import tier_of, top_worth, worth_of
from taggers.models.worth import weigh_worth

NOW = datetime(2026, 6, 30, 4, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Shanghai")
DAY = timedelta(days=1)
ARTICLE = LifecycleTerms(mature=15, asleep_after=4 * DAY, gone_after=15 * DAY)


def bought(*days_ago: float, yuan: float = 100) -> tuple[Order, ...]:
    return tuple(Order(round(yuan * 100), NOW - ago * DAY, ref=f"o{n}") for n, ago in enumerate(days_ago))


def often(times: int, within: int, first: float = 0.5) -> list[float]:
    return [first + k * (within - first - 0.1) / max(times - 1, 1) for k in range(times)]


# The articles' figures


def test_five_large_orders_are_worth_more_than_twenty_small_ones_which_earn_small_perks() -> None:
    a = weigh_worth(Known(bought(*often(20, 30), yuan=20)), WorthTerms(), NOW)
    b = weigh_worth(Known(bought(*often(5, 30), yuan=200)), WorthTerms(), NOW)
    assert (a.value, b.value) == (40_000, 100_000)
    assert (a.well_served, a.perks) == (False, True)
    assert (b.well_served, b.perks) == (True, False)
    assert b.points > a.points > 0  # levels weigh both, value more


@pytest.mark.parametrize(
    ("days_ago", "phase"),
    [
        ([], GAINED),
        ([1], GAINED),
        ([1, 3], GROWING),
        (often(15, 30), MATURE),
        (often(15, 30, first=4), ASLEEP),  # R = 4 days: asleep
        (often(15, 30, first=15), GONE),  # R = 15 days: gone
        ([3.9], GAINED),
        ([1, *often(20, 30, first=30.5), *[31 + k for k in range(20)]], ASLEEP),  # a clear lasting drop
    ],
)
def test_phases_of_the_lifecycle_are_those_of_the_business_thresholds(days_ago: list[float], phase: str) -> None:
    assert phase_of(Known(bought(*days_ago)), ARTICLE, NOW, ZONE).phase == phase


def test_who_sells_nothing_counts_days_with_a_talk() -> None:
    talks = tuple(NOW - k * DAY for k in range(16) for _ in range(3))
    assert phase_of(Known(talks=talks), ARTICLE, NOW, ZONE, sells=False).phase == MATURE
    assert phase_of(Known(talks=talks[:3]), ARTICLE, NOW, ZONE, sells=False).phase == GAINED
    assert phase_of(Known(talks=talks), ARTICLE, NOW, ZONE).phase == GAINED


@pytest.mark.parametrize(
    ("days_ago", "yuan", "name", "movement"),
    [
        ([], 0, "A", ""),
        ([5], 100, "B", "A→B"),  # a first buyer
        ([5, 6, 7], 100, "C", "A→C"),
        ([5], 300, "D", "A→D"),
        ([5, 6, 50], 300, "E", "D→E"),
        ([40], 100, "B", ""),
    ],
)
def test_a_to_e_by_frequency_and_ticket(days_ago: list[float], yuan: float, name: str, movement: str) -> None:
    found = quadrant_of(Known(bought(*days_ago, yuan=yuan)), QuadrantTerms(), NOW)
    assert (found.name, found.movement) == (name, movement)


def test_twenty_percent_bring_eighty_and_are_s() -> None:
    terms = TierTerms(window=30 * DAY)
    people = [Known(bought(1, yuan=2000))] * 2 + [Known(bought(1, yuan=125), activity=n * 50) for n in range(8)]
    worths = [worth_of(one, terms, NOW) for one in people]
    assert sum(worths[:2]) / sum(worths) == 0.8
    top = top_worth(worths, terms.top)
    assert [tier_of(one, terms, top, NOW).name for one in people] == ["S", "S", "B", *"AAAAAAA"]
    assert tier_of(Known(bought(1, yuan=20), activity=99), terms, top, NOW).name == "C"
    assert tier_of(Known(bought(1, yuan=125), activity=99, liked=-1), terms, top, NOW).name == "B"
    assert tier_of(Known(), terms, top, NOW).name == ""


def test_four_cells_and_their_treatment() -> None:
    terms = MatrixTerms(
        activity=30, conversion=50, cells=(Cell(activity="high", conversion="low", name="达人", budget="1/week"),)
    )
    found = [cell_of(a, c, terms).name for a, c in ((30, 49), (29, 50), (30, 50), (0, 0))]
    assert found == ["达人", "成交", "双高", "培育"]
    assert set(cells_by_name(terms)) == set(found)
    cell = cell_of(99, 0, terms).cell
    assert cell is not None
    assert cell.budget == "1/week"


def test_a_peer_is_suspected_with_reasons() -> None:
    terms = PeerTerms(tags=("同行",), activity=80, after=60 * DAY)
    lively = Known(activity=90)
    assert len(suspicions(lively, terms, NOW - 90 * DAY, NOW)) == 1
    assert not suspicions(lively, terms, NOW - 9 * DAY, NOW)
    assert not suspicions(Known(bought(1), activity=90), terms, NOW - 90 * DAY, NOW)
    assert suspicions(Known(carried=(Sign("同行", NOW),)), terms, NOW, NOW)[0] == "带着标签「同行」"


def test_of_each_colleague_the_latest_word_counts_and_of_all_the_newest() -> None:
    def told(*words: str) -> list[Impression]:
        return [Impression(one[0], one[2:], NOW + timedelta(minutes=n)) for n, one in enumerate(words)]

    assert standing(()) == ""
    assert standing(told("a keen", "b looking")) == "looking"
    assert standing(told("a keen", "b looking", "b ")) == "keen"
    assert standing(told("a keen", "b looking", "a peer")) == "peer"
    assert [one.author for one in of_each(told("a keen", "b looking", "a warm"))] == ["a", "b"]
    assert standing(told("a nonsense")) == ""


def test_who_a_colleague_takes_for_a_peer_is_suspected() -> None:
    assert suspicions(Known(felt="peer"), PeerTerms(), NOW, NOW) == ("同事觉得像是同行",)
    assert suspicions(Known(felt="looking"), PeerTerms(), NOW, NOW) == ()


def test_stages_of_five_a_may_be_jumped_over() -> None:
    terms = FiveATerms(ask=("问价",), advocate=("转介绍",))
    assert five_a_of(Known(), terms, NOW).stage == AWARE
    assert five_a_of(Known(talks=(NOW,)), terms, NOW).stage == APPEAL
    assert five_a_of(Known(carried=(Sign("问价", NOW),)), terms, NOW).stage == ASK
    assert five_a_of(Known(bought(1)), terms, NOW).stage == ACT


def test_the_latest_sign_says_what_somebody_is_about_and_credit_is_only_a_restriction() -> None:
    table = (Mindset(name="迷茫", tags=("不知道选哪个",)), Mindset(name="决策", tags=("要付款",)))
    carried = [Sign("要付款", NOW - DAY), Sign("不知道选哪个", NOW)]
    assert mindset_of(carried, table).name == "迷茫"
    assert mindset_of(reversed([Sign(one.tag, NOW) for one in carried]), table).name == "决策"
    assert mindset_of([], table).name == ""
    credit = (Credit(tag="欠款", restriction="先付款后发货"),)
    assert not restrictions(carried, credit)
    assert restrictions([Sign("欠款", NOW)], credit) == credit


def test_preferences_fade() -> None:
    half = 10 * DAY
    known = Known(
        orders=(Order(100, NOW, product="口语"),),
        carried=(Sign("写作", NOW - half), Sign("口语", NOW)),
        earned=(Sign("阅读", NOW - 2 * half), Sign("阅读", NOW - half), Sign("别的", NOW)),
    )
    found = preferences(known, ["口语", "写作", "阅读", "听力"], half, NOW)
    assert [(one.topic, round(one.weight, 3)) for one in found] == [("口语", 1), ("阅读", 0.75), ("写作", 0.5)]
    assert sum(one.share for one in found) == pytest.approx(1)


def test_rfm_of_who_never_ordered_is_that_of_their_talks_and_says_so() -> None:
    terms = RfmTerms(grades=3)
    people = [Known(talks=tuple(NOW - k * DAY for k in range(n, 2 * n))) for n in range(1, 10)]
    measures = [one for person in people if (one := measure(person, terms, NOW, ZONE))]
    bounds = bounds_of(measures, terms, NOW)
    best = grade(measures[0], bounds["talks"], NOW)
    assert (best.r, best.f, best.m, best.cell) == (3, 1, 0, "31")
    assert best.group == "近来偶尔聊"
    assert best.why.startswith("没有订单，按聊天算")


def test_wrong_thresholds_are_refused_with_their_place() -> None:
    models = Models(
        rfm=RfmTerms(frequency=(1, 2)),
        lifecycle=LifecycleTerms(asleep_after=9 * DAY, gone_after=9 * DAY),
        peer=PeerTerms(tags=("没有的",)),
        matrix=MatrixTerms(cells=(Cell(activity="high", conversion="low", sop="no"),) * 2),
    )
    found = [".".join(map(str, where)) for where, _ in check_models(models, Around({"有的"}))]
    assert found == [
        "models.rfm.frequency", "models.lifecycle.gone_after", "models.peer.tags.0", "models.matrix.cells.0.sop",
        "models.matrix.cells.1.sop", "models.matrix.cells.1",
    ]  # fmt: skip
    assert not list(check_models(Models(), Around()))


# A second, independent computation: dates as day numbers, ranks by counting, nothing of the code under test

purchases = st.lists(st.tuples(st.integers(0, 400), st.integers(1, 90_000)), max_size=30)


def known_of(rows: list[tuple[int, int]]) -> Known:
    return Known(tuple(Order(fen, NOW - ago * DAY, ref=str(n)) for n, (ago, fen) in enumerate(rows)))


@given(st.lists(purchases, min_size=1, max_size=25), st.integers(2, 6))
def test_rfm_equals_a_second_computation(people: list[list[tuple[int, int]]], grades: int) -> None:
    terms = RfmTerms(grades=grades)
    measures = [measure(known_of(rows), terms, NOW, ZONE) for rows in people]
    bounds = bounds_of([one for one in measures if one], terms, NOW)["orders"]
    buyers = [rows for rows in people if rows]
    table = [
        (-min(ago for ago, _ in rows), sum(ago < 90 for ago, _ in rows), sum(fen for ago, fen in rows if ago < 90))
        for rows in buyers
    ]
    graded = iter(table)
    for one in measures:
        if one is None:
            continue
        row, found = next(graded), grade(one, bounds, NOW)
        assert (found.r, found.f, found.m) == tuple(
            _rank(row[k], [other[k] for other in table], grades, best_first=k == 0) for k in range(3)
        )


def _rank(value: int, values: list[int], grades: int, *, best_first: bool) -> int:
    ordered = sorted(values, reverse=best_first)
    marks = [ordered[(k * (len(ordered) - 1)) // grades] for k in range(1, grades)]
    if best_first:
        return grades - sum(mark > value for mark in marks)
    return 1 + sum(mark < value for mark in marks)


@given(purchases)
def test_phases_equal_a_second_computation(rows: list[tuple[int, int]]) -> None:
    ages = [ago for ago, _ in rows]
    months = Counter(ago // 30 for ago in ages)
    if not ages:
        expected = "获取"
    elif min(ages) >= 15:
        expected = "离开"
    elif min(ages) >= 4 or (months[1] >= 15 and months[0] * 2 < months[1]):
        expected = "衰退"
    elif months[0] >= 15:
        expected = "成熟"
    else:
        expected = "提升" if len(ages) > 1 else "获取"
    assert phase_of(known_of(rows), ARTICLE, NOW, ZONE).phase == expected


# What must not change anything

moments = st.integers(0, 200).map(lambda n: NOW - n * timedelta(hours=11))
orders = st.builds(
    Order, st.integers(0, 9_000), moments, st.integers(0, 9_000), st.integers(0, 40).map(str), st.sampled_from("ab")
)
signs = st.builds(Sign, st.sampled_from(["a", "b", "c"]), moments)
COMPANY = Company(bounds_of([], RfmTerms(recency=tuple(k * DAY for k in range(1, 5))), NOW), 3_000, True, ("a", "b"))
MODELS = Models(
    mindset=(Mindset(name="迷茫", tags=("a",)), Mindset(name="评估", tags=("b", "c"))), peer=PeerTerms(tags=("c",))
)


def seen(known: Known) -> Portrait:
    return portray(known, MODELS, COMPANY, Moment(NOW, ZONE, NOW - 90 * DAY))


def unlike(rows: list[Order]) -> list[Order]:
    """One order for each ref: what differs under one ref is another matter, below."""
    return [next(group) for _, group in groupby(sorted(rows, key=lambda one: one.ref), key=lambda one: one.ref)]


@given(
    st.lists(orders, max_size=12).map(unlike),
    st.lists(moments, max_size=12),
    st.lists(signs, max_size=6),
    st.randoms(use_true_random=False),
)
def test_neither_order_nor_doubling_nor_what_was_undone_matters(rows, talks, tags, chance) -> None:  # type: ignore[no-untyped-def]
    plain = seen(Known(tuple(rows), tuple(talks), tuple(tags), tuple(tags)))
    mixed = [[*some, *some] for some in (rows, talks, tags)]
    for some in mixed:
        chance.shuffle(some)
    undone = Order(5_000, NOW - DAY, 5_000, "undone")
    ahead = Order(5_000, NOW + DAY, ref="ahead")
    assert seen(Known((*mixed[0], undone, ahead), tuple(mixed[1]), tuple(mixed[2]), tuple(mixed[2]))) == plain


def test_a_refund_that_comes_late_counts_whichever_row_was_read_first() -> None:
    first, later = Order(10_000, NOW - DAY, 0, "1"), Order(10_000, NOW - DAY, 4_000, "1")
    for rows in ((first, later), (later, first)):
        assert weigh_worth(Known(rows), WorthTerms(), NOW).value == 6_000
