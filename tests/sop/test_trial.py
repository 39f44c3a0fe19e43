"""A trial run of an SOP: what each answer and each silence leads to, and what does not come any more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sop.playbook import Sop
from sop.preview import PreviewedPrompt
from sop.trial import ANSWERED_AFTER, Outcome, play

NOW = datetime(2026, 5, 20, 2, 0, tzinfo=UTC)
DAY = timedelta(days=1)
STEPS = [
    {"say": "一", "reply_window": "4h", "on_reply": "已回复", "on_silence": "未回复"},
    {"after": "1h", "say": "二", "on_reply": "又回复"},
    {"after": "2d", "say": "三", "reply_window": "5m", "on_reply": "很快"},
]
TABLES: list[dict[str, Any]] = [
    {"id": "price", "title": "价格", "stage": "考虑", "steps": STEPS},
    {"id": "care", "title": "关怀", "on": "@added", "stop": ["lost"], "steps": [{"say": "好"}]},
    {"id": "wake", "title": "唤醒", "on": "tag:未回复", "steps": [{"say": "在吗"}]},
    {"id": "again", "title": "再问", "on": "no-reply:price/2", "steps": [{"say": "再问"}]},
    {"id": "thanks", "title": "谢", "on": "tag:已回复", "shadow": True, "steps": [{"say": "谢"}]},
]
SOPS = {one["id"]: Sop.model_validate(one) for one in TABLES}


def prompt(sop_id: str, step: int, after: timedelta) -> PreviewedPrompt:
    at = NOW + after
    return PreviewedPrompt(at, sop_id, SOPS[sop_id].title or "", step, "", at, ())


COMING = [
    prompt("price", 0, timedelta(0)),
    prompt("care", 0, timedelta(minutes=5)),
    prompt("price", 1, timedelta(hours=1)),
    prompt("price", 2, 2 * DAY),
    prompt("care", 0, 3 * DAY),
]


def told(answered: int | None) -> list[Any]:
    return [(one.prompt.sop_id, one.prompt.step, one.outcome) for one in play(COMING, SOPS, "price", answered)]


def test_who_never_answers_gets_everything_and_what_silence_starts() -> None:
    silent = Outcome(NOW + timedelta(hours=4), False, "未回复", ("唤醒",))
    asked = Outcome(NOW + timedelta(hours=25), False, "", ("再问",))
    first, second = [("price", 0, silent), ("care", 0, None)], [("price", 1, asked), ("price", 2, None)]
    assert told(None) == [*first, *second, ("care", 0, None)]


def test_an_answer_ends_what_stops_by_one_and_nothing_else() -> None:
    answered = Outcome(NOW + ANSWERED_AFTER, True, "已回复", (), ("价格",))
    assert told(0) == [("price", 0, answered), ("care", 0, None), ("care", 0, None)]


def test_an_answer_counts_for_the_step_before_whose_window_is_open() -> None:
    answered = Outcome(NOW + timedelta(hours=1) + ANSWERED_AFTER, True, "又回复", (), ("价格",))
    assert told(1) == [("price", 0, None), ("care", 0, None), ("price", 1, answered), ("care", 0, None)]


def test_an_answer_after_the_window_gives_no_tag() -> None:
    assert told(2)[3] == ("price", 2, Outcome(NOW + 2 * DAY + ANSWERED_AFTER, True, "", (), ("价格",)))


@pytest.mark.parametrize("answered", [None, 0, 1, 2])
def test_where_nothing_comes_nothing_is_answered(answered: int | None) -> None:
    assert play([], SOPS, "price", answered) == ()
