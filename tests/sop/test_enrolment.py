"""Who may be enrolled again, and which SOP goes first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sop.enrolment import by_priority, why_not_again
from sop.playbook import Sop

NOW = datetime(2026, 3, 3, 2, 0, tzinfo=UTC)


def ago(**length: float) -> datetime:
    return NOW - timedelta(**length)


def sop(again: str | None = None, **keys: Any) -> Sop:
    extra = {"again": again} if again else {}
    return Sop.model_validate({"id": "s", "on": "@added", "steps": [{"say": "好"}], **extra, **keys})


@pytest.mark.parametrize(
    ("again", "last", "why"),
    [
        (None, None, None),
        (None, ago(minutes=1), None),
        ("always", ago(minutes=1), None),
        ("never", None, None),
        ("never", ago(days=900), "只做一次"),
        ("30d", None, None),
        ("30d", ago(days=29), "不到 30 天"),
        ("30d", ago(days=30), None),
        ("6h", ago(hours=5), "太近"),
    ],
)
def test_once_more(again: str | None, last: datetime | None, why: str | None) -> None:
    found = why_not_again(sop(again), last, NOW)
    assert (found is None) == (why is None)
    assert why is None or (found is not None and why in found)


def test_the_most_important_goes_first() -> None:
    sops = [sop(id="a"), sop(id="b", priority=9), sop(id="c"), sop(id="d", priority=1)]
    assert [one.id for one in by_priority(sops)] == ["b", "a", "c", "d"]
