"""Orders, refunds and other events as triggers: what each is, what it meets, and how it is written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from sop.business import happened, in_words, is_business, names_of, what_is_wrong
from sop.pipeline import Pipeline
from sop.playbook import Sop
from sop.stages import Move, decide_move
from sop.stopping import reason_of, stops
from sop.triggers import Trigger, TriggerError, parse_trigger, starts

NOW = datetime(2026, 11, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("was", "now", "days", "what"),
    [
        ("", "paid", 1, "order"),
        ("refunded", "paid", 1, "order"),
        ("paid", "paid", 1, None),
        ("paid", "refunded", 1, "refund"),
        ("paid", "cancelled", 1, "refund"),
        ("", "refunded", 1, "refund"),
        ("", "cancelled", 1, None),
        ("refunded", "cancelled", 1, None),
        ("", "paid", 31, None),
        ("", "paid", -2, "order"),
    ],
)
def test_what_a_change_of_status_is(was: str, now: str, days: int, what: str | None) -> None:
    assert happened(was, now, NOW - timedelta(days=days), NOW) == what


def test_an_order_moves_starts_and_stops_by_any_of_its_names() -> None:
    told = names_of("order", ["A1", "2999课", "", "A1"])
    assert told == ("order:A1", "order:2999课", "order:*")
    stages = [{"name": "新线索"}, {"name": "成交", "on": ["order:2999课"]}, {"name": "流失", "lost": True}]
    pipeline = Pipeline.model_validate({"name": "课程", "stages": stages})
    assert decide_move(pipeline, "新线索", told, "rule") == Move("新线索", "成交", "order:2999课", "event")
    assert decide_move(pipeline, "新线索", names_of("refund", ["2999课"]), "rule") is None
    sops = [
        Sop.model_validate({"id": str(n), "on": on, "steps": [{"say": "您好"}]})
        for n, on in enumerate(("order:*", "order:A1", "refund:*", "event:A1", "tag:A1"))
    ]
    assert [sop.id for one in told for sop in starts(sops, Trigger("business", one))] == ["1", "0"]
    assert stops(["reply", "order:*"], told) == "客户下了订单"
    assert reason_of("refund:2999课") == "退了「2999课」"


def test_what_cannot_be_read_says_how_to_write_it() -> None:
    for text in ("order:", "event:@added", "order: A1"):
        assert is_business(text)
        assert what_is_wrong(text)
        with pytest.raises(TriggerError):
            parse_trigger(text)
    assert not is_business("orders")
    assert in_words("event:完成试听") == "发生了「完成试听」"
