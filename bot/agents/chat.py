"""Chat: answers an agent who writes 今日, 客户, 完成, 推迟 or 移动 to the app, about their own customers only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import contains_eager, joinedload

from bot.agents.card_clicks import mark_ticked
from bot.agents.manual_moves import MoveRefusedError, move_by_hand
from bot.customers.state import OPEN_STATES, CustomerState, load_customer
from bot.platform.database.store import get_status, set_status
from bot.platform.models import Agent, Customer, Follow, SopTask
from bot.platform.work import Work
from bot.sops.card_closing import cancel_cards
from bot.sops.customer_steps import bring_forward
from bot.sops.enrolment import titles_of
from bot.sops.prompts import put_off
from sop.cards import POSTPONED, SENT
from sop.chat import HELP, Delay, Done, Help, Lookup, MoveToStage, Today, read_order, split_shift
from sop.quotes import attachment_names, quoted

MOST_LISTED = 20
MOST_FOUND = 5


def answer_agent(work: Work, agent: Agent, text: str) -> str:
    """Do what the agent writes and answer in words; what is not understood is answered with help."""
    order = read_order(text, work.now, work.settings.calendar)
    return _ANSWERS[type(order)](_AgentContext(work, agent), order)


class _AgentContext:
    """What an answer needs: the agent's own customers and tasks."""

    def __init__(self, work: Work, agent: Agent) -> None:
        self.work, self.agent = work, agent
        self._memory = f"chat:{agent.id}"

    def day(self) -> Sequence[SopTask]:
        """What is overdue or due before the local day ends, the longest due first."""
        local = self.work.settings.calendar.local(self.work.now)
        ends = self.work.settings.calendar.instant(local.date() + timedelta(days=1), local.time().min)
        query = (
            select(SopTask)
            .options(joinedload(SopTask.customer))
            .where(SopTask.agent_id == self.agent.id, SopTask.state.in_(OPEN_STATES), SopTask.due_at < ends)
            .order_by(SopTask.due_at, SopTask.id)
            .limit(MOST_LISTED + 1)
        )
        return self.work.session.scalars(query).all()

    def remember(self, tasks: Sequence[SopTask]) -> None:
        """Keep the list as the agent saw it: their numbers mean that list, whatever has come due since."""
        set_status(self.work.session, self._memory, {"tasks": [task.id for task in tasks]}, self.work.now)

    def numbered(self, number: int) -> SopTask | str:
        """The task of that number on the list last shown, or why there is none."""
        memory = get_status(self.work.session, self._memory)
        ids = memory.value["tasks"] if memory else [task.id for task in self.day()]
        if not 1 <= number <= len(ids):
            return f"单子上没有第 {number} 件" + (f"，共 {len(ids)} 件" if ids else "") + "。回复「今日」看单子"
        task = self.work.session.get_one(SopTask, ids[number - 1])
        if task.agent_id != self.agent.id or task.state not in OPEN_STATES:
            return f"第 {number} 件（{_name(task.customer)}）已经不用做了。回复「今日」看最新的单子"
        return task

    def find(self, name: str) -> list[Follow]:
        """The agent's own customers by name or remark: the same, else containing it."""
        mine = (
            select(Follow)
            .join(Follow.customer)
            .options(contains_eager(Follow.customer))
            .where(Follow.agent_id == self.agent.id, Follow.ended_at.is_(None))
        )
        follows, wanted = self.work.session.scalars(mine).unique().all(), name.casefold()
        named = [(follow, {follow.customer.name.casefold(), follow.remark.casefold()}) for follow in follows]
        same = [follow for follow, names in named if wanted in names]
        return (same or [follow for follow, names in named if any(wanted in one for one in names)])[: MOST_FOUND + 1]

    def when(self, at: datetime) -> str:
        local, today = self.work.settings.calendar.local(at), self.work.settings.calendar.local(self.work.now).date()
        return f"{local:%H:%M}" if local.date() == today else f"{local.month}月{local.day}日 {local:%H:%M}"


def _say_today(context: _AgentContext, _order: object) -> str:
    tasks = context.day()
    context.remember(tasks[:MOST_LISTED])
    if not tasks:
        return "今天没有要跟进的客户了。"
    lines = [
        f"{number}. {context.when(task.due_at)} {_name(task.customer)}{quoted(task.customer.last_words, 16)}"
        f"：{task.text[:30]}{_goes_along(task)}"
        + ("（已过时间）" if task.due_at < context.work.now - timedelta(hours=1) else "")
        for number, task in enumerate(tasks[:MOST_LISTED], 1)
    ]
    more = "\n还有更多，先做完这些" if len(tasks) > MOST_LISTED else ""
    return f"今天要跟进 {len(lines)} 件：\n" + "\n".join(lines) + more + "\n回复「完成 1」或「推迟 1 明天」"


def _goes_along(task: SopTask) -> str:
    names = "、".join(attachment_names(task.attach))
    return f"（附：{names[:30]}）" if names else ""


def _say_customer(context: _AgentContext, order: Lookup) -> str:
    found = context.find(order.name)
    if not found:
        return f"您的客户里没有「{order.name}」"
    if len(found) > 1:
        return _which(found)
    return _portrait(context, load_customer(context.work.session, found[0].customer), found[0])


def _portrait(context: _AgentContext, state: CustomerState, follow: Follow) -> str:
    customer = state.customer
    spoke_at = customer.last_word_at
    rows = [
        ("阶段", "、".join(state.stages.values()) or "还没有"),
        ("标签", "、".join(sorted(state.tags)) or "还没有"),
        ("最近说", f"「{customer.last_words}」{context.when(spoke_at)}" if spoke_at else "还没有"),
        ("下一步", next((f"{context.when(t.due_at)} {t.text[:40]}" for t in state.open_tasks), "没有计划")),
    ]
    return f"{follow.remark or _name(customer)}\n" + "\n".join(f"{name}：{value}" for name, value in rows)


def _tick(context: _AgentContext, order: Done) -> str:
    task = context.numbered(order.number)
    if isinstance(task, str):
        return task
    mark_ticked(task, context.work.now)
    cancel_cards(context.work, [task.id], SENT)
    bring_forward(context.work, task.customer_id)
    return f"记下了：{_name(task.customer)} 这一步已发送。会话存档会再核对一次。"


def _put_off(context: _AgentContext, order: Delay) -> str:
    task = context.numbered(order.number)
    if isinstance(task, str):
        return task
    cancel_cards(context.work, [task.id], POSTPONED)
    put_off(task, context.work.settings.calendar.next_slot(order.until), POSTPONED)
    return f"好的，{_name(task.customer)} 这一步改到 {context.when(task.due_at)}。"


def _move(context: _AgentContext, order: MoveToStage) -> str:
    stages = [stage.name for pipeline in context.work.settings.pipelines for stage in pipeline.stages]
    split = split_shift(order.words, stages)
    if split is None:
        return f"没看懂要移到哪个阶段。阶段有：{'、'.join(stages)}\n例如：移动 张三 {stages[0] if stages else ''}"
    name, stage = split
    found = context.find(name)
    if not found:
        return f"您的客户里没有「{name}」"
    if len(found) > 1:
        return _which(found)
    state = load_customer(context.work.session, found[0].customer)
    pipeline = next(p.name for p in context.work.settings.pipelines if any(s.name == stage for s in p.stages))
    try:
        moved = move_by_hand(context.work, state, pipeline, stage, context.agent.userid, "api")
    except MoveRefusedError as refused:
        return str(refused)
    follows = [
        f"{what}：{'、'.join(titles_of(context.work.settings, some))}"
        for what, some in (("开始", moved.effects.started), ("停止", moved.effects.stopped))
        if some
    ]
    told = f"{_name(found[0].customer)}：{moved.row.from_stage or '（还没有阶段）'} → {stage}"
    return "\n".join([told, *follows])


def _help(_desk: _AgentContext, order: Help) -> str:
    return f"{order.hint}\n{HELP}" if order.hint else HELP


def _which(found: Sequence[Follow]) -> str:
    names = [f.remark or f"{_name(f.customer)}" for f in found[:MOST_FOUND]]
    more = "等" if len(found) > MOST_FOUND else ""
    return f"有好几位：{'、'.join(names)}{more}。请写得更全一些"


def _name(customer: Customer) -> str:
    return customer.name or "（未知姓名）"


_ANSWERS: dict[type, Callable[[_AgentContext, Any], str]] = {
    Today: _say_today,
    Lookup: _say_customer,
    Done: _tick,
    Delay: _put_off,
    MoveToStage: _move,
    Help: _help,
}
