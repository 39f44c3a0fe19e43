"""Answered, silent, or still waiting."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from sop.playbook import Step
from sop.windows import outcome

T0 = datetime(2026, 3, 3, 2, 0, tzinfo=UTC)
STEP = Step.model_validate({"say": "好", "reply_window": "24h", "on_reply": "已回复", "on_silence": "未回复"})


@pytest.mark.parametrize(
    ("replied", "now", "state", "tag"),
    [
        pytest.param(None, 1, "waiting", None, id="waiting"),
        pytest.param(None, 23.99, "waiting", None, id="until the end"),
        pytest.param(None, 24, "silent", "未回复", id="closed"),
        pytest.param(1, 2, "replied", "已回复", id="answered"),
        pytest.param(24, 24, "replied", "已回复", id="in the last second"),
        pytest.param(1, 99, "replied", "已回复", id="answered, and judged late"),
        pytest.param(25, 26, "silent", "未回复", id="too late"),
        pytest.param(0, 1, "waiting", None, id="a word of the same second is no answer"),
        pytest.param(-1, 1, "waiting", None, id="nor is one before"),
        pytest.param(-1, 24, "silent", "未回复", id="however long one waits"),
    ],
)
def test_outcome(replied: float | None, now: float, state: str, tag: str | None) -> None:
    replied_at = None if replied is None else T0 + timedelta(hours=replied)
    window = outcome(STEP, T0, replied_at, T0 + timedelta(hours=now))
    assert (window.state, window.tag) == (state, tag)
    assert window.closes_at == T0 + timedelta(hours=24)


def test_a_step_without_tags_closes_in_silence() -> None:
    step = Step.model_validate({"say": "好"})
    assert outcome(step, T0, None, T0 + timedelta(days=2)).tag is None
