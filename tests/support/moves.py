"""One customer in one pipeline: moved by drags and tags in transactions of their own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.agents.manual_moves import move_by_hand
from bot.customers.identity import find_agents, find_customers, start_follow
from bot.customers.stages import Cause, Moved, move_by
from bot.customers.state import CustomerState, load_customer
from bot.customers.tags import TagSource, give_tag
from bot.platform.config.settings import Settings
from bot.platform.database.store import Store
from bot.platform.models import StageMove
from bot.platform.work import Work

NOW = datetime(2026, 3, 3, 2, 0, tzinfo=UTC)
NAME = "转化"
CONFIG = """
[[tags]]
group = "进展"
names = ["已留电话", "已约试听", "已付款"]

[[pipelines]]
name = "转化"
hold = "24h"
stages = [
  { name = "新线索", on = ["@added"] },
  { name = "试听", on = ["已约试听"], needs = ["已留电话"] },
  { name = "正课", on = ["已付款"], min_score = 10, min_stay = "1h" },
  { name = "流失", on = ["@lost"], lost = true },
]

[[pipelines.moves]]
from = "试听"
to = "流失"
after = "2h"

[[pipelines]]
name = "门店"
agents = ["Lin"]
channels = ["store_*"]
stages = [{ name = "进店", on = ["@added"] }]

[[sops]]
id = "trial"
stage = "试听"
stop = ["moved"]
  [[sops.steps]]
  after = "1d"
  say = "明天见"
"""
Deed = Callable[[Session, CustomerState], None]


def at(store: Store, work: Callable[[Session, CustomerState], object]) -> None:
    """Do something with the customer in a transaction of its own."""
    with store.write() as session:
        work(session, load_customer(session, find_customers(session, ["wm1"], NOW)["wm1"]))


def drag(settings: Settings, to: str, now: datetime) -> Deed:
    def work(session: Session, state: CustomerState) -> None:
        move_by_hand(Work(session, settings, now), state, NAME, to, "wang")

    return work


def tag(settings: Settings, name: str, now: datetime, moves: list[Moved]) -> Deed:
    def work(session: Session, state: CustomerState) -> None:
        give_tag(Work(session, settings, now), state, name, TagSource("rule", f"命中 {name}"))
        moves.extend(move_by(Work(session, settings, now), state, [name], Cause(msgid="m1")))

    return work


def ledger(session: Session) -> list[StageMove]:
    return list(session.scalars(select(StageMove).where(StageMove.pipeline == NAME).order_by(StageMove.serial)))


def add_customer(store: Store, settings: Settings) -> str:
    """Someone just added by Lin, through a store's code."""
    with store.write() as session:
        who = find_customers(session, ["wm1"], NOW)["wm1"]
        lin = find_agents(session, ["Lin"], NOW)["lin"]
        start_follow(session, lin, who, NOW, "store_east")
        session.flush()
        move_by(Work(session, settings, NOW), load_customer(session, who), ["@added"])
    return "wm1"
