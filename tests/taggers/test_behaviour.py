"""Rules about what customers do, how often counts, and tags that exclude each other."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from taggers.groups import TagUpdate, resolve
from taggers.hits import enough
from taggers.occurrence import Occurrence
from taggers.rule import TagGroup
from taggers.utterance import Context, Utterance
from tests.taggers.books import book

NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)


def seen(kind: Any, **fields: Any) -> Occurrence:
    return Occurrence(kind, NOON, **fields)


DAY = timedelta(days=1)
TRIGGERS: list[tuple[str, Occurrence, bool]] = [
    ("@added", seen("added"), True),
    ("@added:门店", seen("added", channel="门店"), True),
    ("@added:门店", seen("added", channel="抖音"), False),
    ("@added", seen("joined"), False),
    ("@deleted", seen("deleted"), True),
    ("@joined", seen("joined"), True),
    ("@left", seen("left"), True),
    ("@first-message", seen("message", first=True), True),
    ("@first-message", seen("message"), False),
    ("@night", seen("message", hour=23), True),
    ("@night", seen("message", hour=5), True),
    ("@night", seen("message", hour=6), False),
    ("@night", seen("message"), False),
    ("@night:22-2", seen("message", hour=22), True),
    ("@night:1-5", seen("message", hour=0), False),
    ("kind:image", seen("message", message_kind="image"), True),
    ("kind:image", seen("message", message_kind="voice"), False),
    ("link:opened", seen("link-opened", link="报价单"), True),
    ("link:opened:报价单", seen("link-opened", link="报价单"), True),
    ("link:opened:报价单", seen("link-opened", link="课表"), False),
    ("reply:nurture", seen("replied", sop="nurture", step=3), True),
    ("reply:nurture/2", seen("replied", sop="nurture", step=3), False),
    ("reply:nurture/3", seen("replied", sop="nurture", step=3), True),
    ("reply:nurture", seen("not-replied", sop="nurture", step=3), False),
    ("no-reply:nurture/3", seen("not-replied", sop="nurture", step=3), True),
    ("no-reply:nurture", seen("not-replied", sop="other", step=3), False),
    ("silence:3d", seen("silence", length=3 * DAY), True),
    ("silence:3d", seen("silence", length=5 * DAY, previous=2 * DAY), True),
    ("silence:3d", seen("silence", length=5 * DAY, previous=3 * DAY), False),
    ("silence:3d", seen("silence", length=2 * DAY), False),
]


@pytest.mark.parametrize(("on", "occurrence", "hit"), TRIGGERS)
def test_trigger(on: str, occurrence: Occurrence, hit: bool) -> None:
    rules = book({"on": [on]}, {"any": ["价格"]})
    hits = rules.observe(occurrence)
    assert [one.rule_id for one in hits] == (["r0"] if hit else [])
    if hit:
        assert hits[0].reason.startswith("行为：")
        assert hits[0].spans == ()


def test_behaviour_has_conditions_and_windows_too() -> None:
    rule = {"on": ["link:opened"], "when": {"tags": ["高意向"]}, "times": 3, "within": "7d"}
    rules = book(rule)
    assert rules.observe(seen("link-opened", link="a")) == ()
    (hit,) = rules.observe(seen("link-opened", link="a", id="click-9"), Context(frozenset({"高意向"})))
    assert (hit.msgid, hit.times) == ("click-9", 3)


def test_behaviour_rules_are_deaf_to_words() -> None:
    assert book({"on": ["@added"]}).judge(Utterance.typed("@added")) == ()


WINDOWS = [
    (1, None, [], True),
    (2, "7d", [], False),
    (2, "7d", [1], True),
    (2, "7d", [7], False),
    (2, "7d", [6.9], True),
    (3, "7d", [1, 8], False),
    (3, "7d", [1, 2], True),
    (2, "7d", [-1], False),
]


@pytest.mark.parametrize(("times", "within", "days_ago", "met"), WINDOWS)
def test_enough(times: int, within: str | None, days_ago: list[float], met: bool) -> None:
    (hit,) = book({"any": ["价格"], "times": times, "within": within}).judge(Utterance.typed("价格"))
    assert enough(hit, [NOON - timedelta(days=days) for days in days_ago], NOON) == met


GROUPS = [
    TagGroup(group="意向", exclusive=True, names=("高", "中", "低")),
    TagGroup(group="兴趣", names=("钢琴", "画画")),
]
CHANGES = [
    ([], ["高"], TagUpdate(("高",), ())),
    (["低"], ["高"], TagUpdate(("高",), ("低",))),
    (["高"], ["高"], TagUpdate((), ())),
    (["钢琴"], ["画画"], TagUpdate(("画画",), ())),
    (["低", "钢琴"], ["中", "高"], TagUpdate(("高",), ("低",))),
    (["高"], ["低", "高"], TagUpdate((), ())),
    (["散"], ["另"], TagUpdate(("另",), ())),
]


@pytest.mark.parametrize(("carried", "hits", "change"), CHANGES)
def test_exclusive_groups(carried: list[str], hits: list[str], change: TagUpdate) -> None:
    assert resolve(carried, hits, GROUPS) == change
