"""What the tests of kill -9 share: the orders, the story, and the one picture it must come to."""

from __future__ import annotations

from typing import Any

from tests.faults.world import ANNE, BEN, World
from tests.support.parts import ASK, FIRST_STEP

KILLED = -9
# Of each customer leave, in this order: profile, welcome, mark_tag, card.
ON_EVENTS = ["event:1", "event:2", "claimed:2", "claimed:4", *(f"sent:{n}" for n in (1, 2, 3, 4, 8)), "recorded:4"]
ON_MESSAGES = [
    "pulled", "decrypted", "stored", "tagged:1", "tagged:3", "moved", "planned:2", "completed", "cursor", "committed",
    "claimed:1", "claimed:3", "sent:1", "sent:2", "sent:3", "recorded:1",
]  # fmt: skip

AFTER_EVENTS: dict[str, Any] = {
    "messages": 2,  # the welcomes
    "evidence": [],
    "tags": [],
    "moves": [("anne", 1, "新线索"), ("ben", 1, "新线索")],
    "tasks": [("anne", "hello", 0, "delivered"), ("ben", "hello", 0, "delivered")],
    "outbox": {"profile sent": 2, "welcome sent": 2, "mark_tag sent": 2, "card sent": 2},
    "follows": ["anne", "ben"],
    "quarantined": 0,
    "named": ["anne", "ben"],
    "cards": ["打个招呼", "打个招呼"],
    "marks": [("anne", "新线索"), ("ben", "新线索")],
    "welcomed": ["anne", "ben"],
}
# Anne asks and waits; Ben asks, is told what the step says, and answers.
AFTER_MESSAGES: dict[str, Any] = AFTER_EVENTS | {
    "messages": 6,
    "evidence": [("anne", "ask-price"), ("ben", "ask-price")],
    "tags": [("anne", "考虑价格"), ("ben", "已回复"), ("ben", "考虑价格")],
    "moves": [("anne", 1, "新线索"), ("anne", 2, "考虑价格"), ("ben", 1, "新线索"), ("ben", 2, "考虑价格")],
    "tasks": [
        ("anne", "hello", 0, "cancelled"),
        ("anne", "price", 0, "delivered"),
        ("anne", "price", 1, "planned"),
        ("ben", "hello", 0, "cancelled"),
        ("ben", "price", 0, "replied"),
        ("ben", "price", 1, "cancelled"),
    ],
    "outbox": {
        "profile sent": 2,
        "welcome sent": 2,
        "mark_tag sent": 4,
        "card sent": 3,
        "card cancelled": 1,
        "card_change sent": 2,
    },
    "cards": ["打个招呼", "打个招呼", "课程分三"],
    "marks": [("anne", "考虑价格"), ("ben", "考虑价格")],
}


def add_both(world: World) -> None:
    world.add(ANNE)
    world.add(BEN)


def talk(world: World) -> None:
    world.talk((ANNE, ASK), (BEN, ASK), (f">{BEN}", FIRST_STEP), (BEN, "好的，我看看"))


def killed_then_finished(world: World, fail_at: str) -> None:
    assert world.work(fail_at) == KILLED, world.log("burst")[-2000:]
    world.redis_lost()
    world.leases_end()
    world.settle()
