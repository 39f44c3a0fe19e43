"""How a start is written, and whom it starts."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from sop.playbook import Sop
from sop.triggers import Trigger, TriggerError, parse_trigger, silences, starts, trigger_of


@pytest.mark.parametrize(
    ("text", "trigger"),
    [
        ("@added", Trigger("event", "@added")),
        (" @woken ", Trigger("event", "@woken")),
        ("tag:高意向", Trigger("tag", "高意向")),
        ("tag: 高意向 ", Trigger("tag", "高意向")),
        ("tag:a:b", Trigger("tag", "a:b")),
        ("silence:3d", Trigger("silence", length=timedelta(days=3))),
        ("silence:36h", Trigger("silence", length=timedelta(hours=36))),
        ("date:birthday", Trigger("date", "birthday", timedelta(0))),
        ("date:expiry-7d", Trigger("date", "expiry", timedelta(days=-7))),
        ("date:2026-06-01", Trigger("date", day=date(2026, 6, 1))),
        ("every:mon", Trigger("every", "mon")),
        ("every:07", Trigger("every", "7")),
        ("every:last", Trigger("every", "last")),
        ("reply:price-nurture", Trigger("reply", "price-nurture")),
        ("no-reply:price-nurture/2", Trigger("no-reply", "price-nurture", step=1)),
    ],
)
def test_parse(text: str, trigger: Trigger) -> None:
    assert parse_trigger(text) == trigger


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("@addd", "是不是 @added"),
        ("@x", "可用的有 @added"),
        ("added", "看不懂触发条件"),
        ("tag:", "看不懂触发条件"),
        ("silence:three", "时长写作数字加单位"),
        ("silence:0d", "要大于 0"),
        ("date:-3d", "写作 date:birthday"),
        ("date:2026-13-01", "date:2026-06-01"),
        ("date:birthday-", "提前写作"),
        ("every:monday", "每周写 mon"),
        ("every:0", "每月写 1 到 31"),
        ("every:32", "每月写 1 到 31"),
        ("reply:价格", "写作 reply:跟进的 id"),
        ("no-reply:x/0", "写作 no-reply:跟进的 id"),
        ("moon:full", "看不懂触发条件"),
        ("", "看不懂触发条件"),
    ],
)
def test_a_bad_trigger_says_how_to_write_it(text: str, says: str) -> None:
    with pytest.raises(TriggerError, match=says):
        parse_trigger(text)


def sop(id: str, **start: Any) -> Sop:
    return Sop.model_validate({"id": id, "steps": [{"say": "好"}], **start})


SOPS = (
    sop("a", on="@added"),
    sop("b", stage="考虑价格"),
    sop("c", on="tag:考虑价格"),
    sop("d", on="silence:3d"),
    sop("e", on="silence:1w"),
    sop("f", on="@added"),
    sop("g", on="no-reply:a/2"),
    sop("h", on="no-reply:a"),
    sop("i", on="every:mon"),
)


@pytest.mark.parametrize(
    ("trigger", "ids"),
    [
        (Trigger("event", "@added"), "af"),
        (Trigger("stage", "考虑价格"), "b"),
        (Trigger("tag", "考虑价格"), "c"),
        (Trigger("silence", length=timedelta(hours=72)), "d"),
        (Trigger("silence", length=timedelta(days=5)), ""),
        (Trigger("date", "birthday"), ""),
        (Trigger("no-reply", "a", step=1), "gh"),
        (Trigger("no-reply", "a", step=0), "h"),
        (Trigger("reply", "a", step=1), ""),
        (Trigger("no-reply", "b", step=1), ""),
        (Trigger("every", "mon"), "i"),
    ],
)
def test_starts(trigger: Trigger, ids: str) -> None:
    assert [started.id for started in starts(SOPS, trigger)] == list(ids)


def test_the_lengths_of_silence_to_watch_for() -> None:
    assert silences(SOPS) == (timedelta(days=3), timedelta(days=7))
    assert trigger_of(SOPS[1]) == Trigger("stage", "考虑价格")
