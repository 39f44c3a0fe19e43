"""Report on growth: how many of the newcomers came to each step of AARRR, by channel, and the phases of all."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from bot.analytics.table import ReportScope, ReportTable, share
from bot.platform.config.settings import Settings
from bot.platform.models import Customer, Message, Order, Portrait, Tagging
from taggers.models.aarrr import STEPS, Acts, steps_of
from taggers.models.lifecycle import ASLEEP, GAINED, GONE, GROWING, MATURE, PHASES
from taggers.translatable import Translatable

UNKNOWN = str(Translatable("不清楚"))
_TREATMENTS = {
    GAINED: Translatable("促成第一次购买或核心动作"), GROWING: Translatable("促成第二次，留住"),
    MATURE: Translatable("提高客单和频次"), ASLEEP: Translatable("唤醒"), GONE: Translatable("召回"),
}  # fmt: skip
Reached = dict[str, list[int]]


def tables(session: Session, settings: Settings, scope: ReportScope) -> list[ReportTable]:
    """Make the steps of those who were added in the period, the same by channel, and the phases of all customers."""
    reached, paid = _reached(session, settings, scope)
    total = [sum(counts) for counts in zip(*reached.values(), strict=True)] or [0] * len(STEPS)
    return [_steps(total), _by_channel(reached, paid), _phases(session, scope)]


def _reached(session: Session, settings: Settings, scope: ReportScope) -> tuple[Reached, Counter[str]]:
    """By channel how many newcomers reached each step, and what they paid in yuan."""
    sells = session.scalar(select(Order.id).where(Order.status == "paid").limit(1)) is not None
    newcomers = select(Customer.id).where(scope.holds(Customer.created_at), scope.customers(Customer.id))
    orders = {row[0]: (row[1], row[2]) for row in session.execute(_orders(newcomers))}
    days = {} if sells else _talk_days(session, settings, newcomers)
    advocates = set(session.scalars(_advocates(settings, newcomers)))
    reached: Reached = defaultdict(lambda: [0] * len(STEPS))
    paid: Counter[str] = Counter()
    people = select(Customer.id, Customer.channel).where(Customer.id.in_(newcomers))
    for one, channel in session.execute(people.execution_options(yield_per=5000)):
        number, amount = orders.get(one, (0, 0))
        steps = steps_of(Acts(number, days.get(one, 0), one in advocates), sells=sells)
        reached[channel or UNKNOWN] = [a + b for a, b in zip(reached[channel or UNKNOWN], steps, strict=True)]
        paid[channel or UNKNOWN] += int(amount)
    return dict(reached), paid


def _orders(newcomers: Select[Any]) -> Any:
    mine = Order.customer_id.in_(newcomers), Order.status == "paid"
    return select(Order.customer_id, func.count(), func.sum(Order.amount)).where(*mine).group_by(Order.customer_id)


def _advocates(settings: Settings, newcomers: Select[Any]) -> Select[Any]:
    tags = settings.tables.models.five_a.advocate
    return select(Tagging.customer_id).where(Tagging.tag.in_(tags), Tagging.customer_id.in_(newcomers)).distinct()


def _talk_days(session: Session, settings: Settings, newcomers: Select[Any]) -> dict[int, int]:
    said = select(Message.customer_id, Message.sent_at)
    said = said.where(Message.customer_id.in_(newcomers), Message.role == "customer")
    days = {
        (customer_id, at.astimezone(settings.zone).date())
        for customer_id, at in session.execute(said.execution_options(yield_per=5000))
    }
    return Counter(customer_id for customer_id, _ in days if customer_id is not None)


def _steps(total: list[int]) -> ReportTable:
    rows: list[list[Any]] = [
        [str(name), number, share(number, total[0])] for name, number in zip(STEPS, total, strict=True)
    ]
    return ReportTable(
        name="aarrr",
        title="AARRR",
        says="这段时间里加的 {n} 位客户到现在：激活是第一次付款，留存是第二次（没有订单的企业按聊过的天数算），"
        "推荐看设为「拥护」的标签，各步分开数。",
        columns=[("步骤", "word"), ("客户", "number"), ("占全部", "share")],
        rows=rows,
        chart={"kind": "bars", "columns": [1]},
        values={"n": total[0]},
    )


def _by_channel(reached: Reached, paid: Counter[str]) -> ReportTable:
    order = sorted(reached, key=lambda name: (-reached[name][0], name))
    rows: list[list[Any]] = [[name, *reached[name], round(paid[name] / 100)] for name in order]
    return ReportTable(
        name="aarrr-channels",
        title="AARRR · 各渠道",
        says="同样的客户，按从哪个渠道来分开数；金额是他们到现在付的。",
        columns=[("渠道", "word"), *((str(name), "number") for name in STEPS), ("付过（元）", "number")],
        rows=rows,
    )


def _phases(session: Session, scope: ReportScope) -> ReportTable:
    mine = select(Portrait.phase, func.count()).where(scope.customers(Portrait.customer_id), Portrait.phase != "")
    counts: dict[str, int] = dict(session.execute(mine.group_by(Portrait.phase)).all())
    total = sum(counts.values())
    rows: list[list[Any]] = [
        [str(phase), counts.get(phase, 0), share(counts.get(phase, 0), total), str(_TREATMENTS[phase])]
        for phase in PHASES
    ]
    return ReportTable(
        name="phases",
        title="生命周期",
        says="全部 {n} 位客户现在各在哪个阶段，和该做什么；门槛写在 [models.lifecycle]。",
        columns=[("阶段", "word"), ("客户", "number"), ("占全部", "share"), ("要做的", "word")],
        rows=rows,
        chart={"kind": "bars", "columns": [1]},
        values={"n": total},
    )
