"""Handover briefs: what a colleague must know of a customer, and the card that brings it to their phone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from bot.agents.own_follow_ups import open_of
from bot.agents.promises import promises_about
from bot.agents.questions import questions_of
from bot.agents.reading import may_read, reader_of_agent
from bot.customers.state import CustomerState, load_customer
from bot.delivery.handler import NotNeededError, OutboxHandler, PostponedError
from bot.platform.models import Agent, Customer, Handover, Order, Outbox, SopTask
from bot.platform.models.columns import new_ref
from bot.platform.work import About, Work
from bot.wecom.cards import list_notice
from sop.fields import completeness, known_names, show_value
from sop.handover import Brief, card_lines

if TYPE_CHECKING:
    from bot.system import System

KIND = "handover"


def tell_handovers(work: Work, limit: int = 500) -> int:
    """Put out a card for all that an agent was handed over, one for all of an agent's; returns how many handovers."""
    rows = work.session.scalars(
        select(Handover).where(Handover.told_at.is_(None)).order_by(Handover.id).limit(limit)
        .with_for_update(skip_locked=True)
    ).all()  # fmt: skip
    together: dict[int, list[Handover]] = {}
    for row in rows:
        row.told_at = work.now
        agent_id = row.taker_id or row.giver_id
        if agent_id is not None:
            together.setdefault(agent_id, []).append(row)
    for agent_id, theirs in together.items():
        key = f"{KIND}:{agent_id}:{theirs[0].id}:{work.now.isoformat()}"
        work.send(KIND, key, {"handover_ids": [row.id for row in theirs]}, About(agent_id=agent_id))
    return len(rows)


class SendHandover(OutboxHandler):
    """Brings the brief of one customer, or a list of several, as it stands when it leaves."""

    repeats_show = True

    def prepare(self, work: Work, system: System, row: Outbox) -> dict[str, Any]:
        if "card" in row.payload:
            return row.payload
        if shifts := work.settings.calendar.shifts(work.now):
            raise PostponedError((shifts[-1].to - work.now).total_seconds())
        agent = work.session.get_one(Agent, row.agent_id)
        left = _left(work, row, agent)
        if not left:
            raise NotNeededError("已经接手了，或客户不在名下")
        briefs = [(one, customer, read_brief(work, customer, agent)) for one, customer in left]
        return {**row.payload, "userid": agent.userid, "card": _card(system.environment.base_url, agent, briefs)}

    def call(self, system: System, payload: Mapping[str, Any]) -> dict[str, Any]:
        return {"msgid": system.wecom.send_card(payload["userid"], payload["card"]).msgid}


def read_brief(work: Work, customer: Customer, agent: Agent) -> Brief:
    """What is known of a customer, in short, for this agent."""
    state = load_customer(work.session, customer)
    fields, table = work.settings.fields, work.settings.tables.handover
    today = work.now.astimezone(work.settings.zone).date()
    shown = {
        name: show_value(fields[name], value, today)
        for name, value in state.fields.items()
        if name in fields and value
    }
    people = [shown[name] for name in table.people if name in shown]
    return Brief(
        people or [name for name in (customer.name, customer.corp_name) if name],
        [(fields[name].title or name, value) for name, value in shown.items() if name not in table.people],
        _missing(work, state),
        _paid(work, customer.id),
        [row.words for row in promises_about(work.session, customer.id, work.now)],
        [row.words for row in questions_of(work.session, customer.id, work.now)],
        list(_coming(work, customer.id, agent.id)),
    )


def _left(work: Work, row: Outbox, agent: Agent) -> list[tuple[Handover, Customer]]:
    """Those that are still to be taken over and of whom the agent may read."""
    rows = select(Handover, Customer).join(Customer, Customer.id == Handover.customer_id)
    rows = rows.where(Handover.id.in_(row.payload["handover_ids"]), Handover.accepted_at.is_(None))
    reader = reader_of_agent(work.session, agent.id, work.now)
    return [
        (one, customer)
        for one, customer in work.session.execute(rows.order_by(Handover.id))
        if agent.id in (one.taker_id, one.giver_id) and may_read(work.session, reader, customer.id)
    ]


def _card(base_url: str, agent: Agent, briefs: Sequence[tuple[Handover, Customer, Brief]]) -> dict[str, Any]:
    ref = f"handover_{new_ref()}"
    if len(briefs) > 1:
        lines = [(one.name or "新客户", card_lines(brief)[-1][1]) for _, one, brief in briefs]
        return list_notice(ref, f"{len(briefs)} 位客户交给您了", lines, f"{base_url}/customers?agent={agent.id}")
    ((row, customer, brief),) = briefs
    name = customer.name or "新客户"
    title = f"{name} 交给您了" if row.taker_id == agent.id else f"{name} 第一次付款，可以交接了"
    return list_notice(ref, title, card_lines(brief), f"{base_url}/c/{customer.id}/handover")


def _missing(work: Work, state: CustomerState) -> list[str]:
    known = known_names(work.settings.fields, state.fields)
    wanted = [name for one in work.settings.pipelines if one.name in state.placements for name in one.fields]
    return list(completeness(wanted, known).missing)


def _paid(work: Work, customer_id: int) -> str:
    mine = Order.customer_id == customer_id, Order.status == "paid", Order.currency == "CNY"
    number, total = work.session.execute(select(func.count(Order.id), func.sum(Order.amount)).where(*mine)).one()
    return f"{number} 笔，{int(total) / 100:g} 元" if number else ""


def _coming(work: Work, customer_id: int, agent_id: int) -> Iterator[str]:
    for own in open_of(work.session, agent_id, customer_id):
        yield f"{work.settings.calendar.local(own.due_at):%m-%d %H:%M} {own.words or '跟进一下'}"
    tasks = select(SopTask).options(joinedload(SopTask.customer)).where(SopTask.customer_id == customer_id)
    tasks = tasks.where(SopTask.state.in_(("planned", "queued", "delivered")))
    for task in work.session.scalars(tasks.order_by(SopTask.due_at).limit(3)):
        yield f"{work.settings.calendar.local(task.due_at):%m-%d %H:%M} {task.why}"
