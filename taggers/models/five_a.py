"""5A: 了解, 吸引, 询问, 行动, 拥护: the furthest of the five that a customer has shown; stages may be jumped over.

Formula: advocate by one of its tags; act by an order or one of its tags; ask by one of its tags or a conversion score
above 0; appeal by having spoken or one of its tags; else aware. Source: P. Kotler and others, Marketing 4.0 (2017).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from taggers.models.records import Known, paid_orders
from taggers.models.terms import FiveATerms
from taggers.translatable import Translatable

AWARE, APPEAL, ASK = Translatable("了解"), Translatable("吸引"), Translatable("询问")
ACT, ADVOCATE = Translatable("行动"), Translatable("拥护")
STAGES = (AWARE, APPEAL, ASK, ACT, ADVOCATE)


@dataclass(frozen=True, slots=True)
class FiveA:
    """How far the customer is, and why."""

    stage: str
    why: str


def five_a_of(known: Known, terms: FiveATerms, now: datetime) -> FiveA:
    """The furthest stage that something speaks for."""
    carried = {one.tag for one in known.carried}
    for stage, tags, other in (
        (ADVOCATE, terms.advocate, ""),
        (ACT, terms.act, Translatable("下过单") if paid_orders(known.orders, now) else ""),
        (ASK, terms.ask, Translatable("意向分 {n}", n=known.conversion) if known.conversion > 0 else ""),
        (APPEAL, terms.appeal, Translatable("主动说过话") if any(at <= now for at in known.talks) else ""),
    ):
        shown = [tag for tag in tags if tag in carried]
        if shown:
            return FiveA(stage, Translatable("带着标签「{name}」", name=shown[0]))
        if other:
            return FiveA(stage, other)
    return FiveA(AWARE, Translatable("加了我们，还没有说过话"))
