"""An agent is disturbed once, not ten times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sop.digest import DuePrompt, digest_lines, in_order, send_apart
from sop.workcalendar import Workcalendar
from sop.workspace import Workspace

T0 = datetime(2026, 3, 3, 2, 0, tzinfo=UTC)  # 10:00 in Shanghai
GAP = timedelta(minutes=30)
CALENDAR = Workcalendar(Workspace())


def card(key: int, minute: int, priority: int = 5) -> DuePrompt:
    return DuePrompt(key, f"客户{key}", "考虑价格跟进", T0 + timedelta(minutes=minute), priority)


@pytest.mark.parametrize(
    ("minutes", "last", "expected"),
    [
        pytest.param([], None, [], id="nothing"),
        pytest.param([0], None, [(0, 1)], id="one"),
        pytest.param([0, 0, 0], None, [(0, 3)], id="together"),
        pytest.param([0, 5, 10], None, [(0, 1), (30, 2)], id="the first at once, the others together"),
        pytest.param([0, 30, 60], None, [(0, 1), (30, 1), (60, 1)], id="far enough apart"),
        pytest.param([0, 5], -10, [(20, 2)], id="they have just had one"),
        pytest.param([0, 5], -30, [(0, 1), (30, 1)], id="half an hour ago"),
        pytest.param([50, 0], None, [(0, 1), (50, 1)], id="in any order"),
    ],
)
def test_send_apart(minutes: list[int], last: int | None, expected: list[tuple[int, int]]) -> None:
    cards = [card(key, minute) for key, minute in enumerate(minutes)]
    sendings = send_apart(cards, None if last is None else T0 + timedelta(minutes=last), GAP)
    assert [((s.at - T0) / timedelta(minutes=1), len(s.cards)) for s in sendings] == expected
    assert [s.is_digest for s in sendings] == [count > 1 for _, count in expected]


@given(minutes=st.lists(st.integers(0, 600), max_size=60), last=st.none() | st.integers(-100, 0))
def test_every_card_comes_once_and_never_early(minutes: list[int], last: int | None) -> None:
    cards = [card(key, minute) for key, minute in enumerate(minutes)]
    before = None if last is None else T0 + timedelta(minutes=last)
    sendings = send_apart(cards, before, GAP)
    sent = [one.key for sending in sendings for one in sending.cards]
    assert sorted(sent, key=str) == sorted((one.key for one in cards), key=str)
    assert all(one.due_at <= sending.at for sending in sendings for one in sending.cards)
    instants = [*([before] if before else []), *(sending.at for sending in sendings)]
    assert all(later - earlier >= GAP for earlier, later in pairwise(instants))


def test_the_most_important_comes_first() -> None:
    cards = [card(1, 0), card(2, -60), card(3, 0, priority=9), card(4, -90, priority=1)]
    assert [one.key for one in in_order(cards)] == [3, 2, 1, 4]


def test_the_list_of_a_day() -> None:
    cards = [card(1, -30), card(4, 0), card(2, 90), card(3, 60 * 24)]
    assert digest_lines(cards, T0, CALENDAR) == (
        "1. 09:30 客户1：考虑价格跟进（已到时间）",
        "2. 10:00 客户4：考虑价格跟进",
        "3. 11:30 客户2：考虑价格跟进",
        "4. 3月4日 10:00 客户3：考虑价格跟进",
    )


@pytest.mark.parametrize(
    ("cards", "lines", "last"), [(2, 2, "2. "), (8, 8, "8. "), (9, 9, "还有 1 件"), (30, 9, "还有 22 件")]
)
def test_a_long_list_is_cut_and_counted(cards: int, lines: int, last: str) -> None:
    found = digest_lines([card(key, key) for key in range(cards)], T0, CALENDAR)
    assert len(found) == lines
    assert found[-1].startswith(last)
