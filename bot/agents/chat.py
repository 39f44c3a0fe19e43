"""Chat: answers an agent who writes 今日, 完成, 推迟, 移动, 撤销 … to the app, about their own customers only."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import contains_eager, joinedload

from bot.agents.card_clicks import mark_ticked
from bot.agents.chat_memory import ChatMemory, as_it_is
from bot.agents.manual_moves import MoveRefusedError, move_by_hand
from bot.agents.promises import Owing, list_promises, promise_lines
from bot.agents.questions import list_questions
from bot.agents.reading import NOBODY, may_read, readable, reader_of_agent
from bot.agents.waiting import waiting_for, waiting_lines
from bot.customers.state import OPEN_STATES, CustomerState, load_customer
from bot.platform.database.reading_log import viewed_all
from bot.platform.models import Agent, Customer, Follow, SopTask
from bot.platform.work import Work
from bot.sops.card_closing import cancel_cards
from bot.sops.customer_steps import bring_forward, steps_that_wait
from bot.sops.enrolment import titles_of
from bot.sops.prompts import put_off
from sop.cards import POSTPONED, SENT
from sop.chat import (
    Delay,
    Done,
    Help,
    Lookup,
    MoveToStage,
    Pick,
    TakeBack,
    Today,
    help_text,
    read_order,
    split_shift,
)
from sop.quotes import attachment_names, quoted

MOST_LISTED = 20
MOST_FOUND = 5
SHUT_OUT = "您的账号已停用，在这里看不到客户。如果需要使用，请联系管理员。"


def answer_agent(work: Work, agent: Agent, text: str) -> str:
    """Do what the agent writes and answer in words; what is not understood is answered with help."""
    order = read_order(text, work.now, work.settings.calendar)
    context = _AgentContext(work, agent)
    return SHUT_OUT if context.reader == NOBODY else _ANSWERS[type(order)](context, order)


class _AgentContext:
    """What an answer needs: the agent's own customers and tasks."""

    def __init__(self, work: Work, agent: Agent) -> None:
        self.work, self.agent = work, agent
        self.memory = ChatMemory(work, agent)
        self.reader = reader_of_agent(work.session, agent.id, work.now)

    def day(self) -> Sequence[SopTask]:
        """What is overdue or due before the local day ends, the longest due first."""
        local = self.work.settings.calendar.local(self.work.now)
        ends = self.work.settings.calendar.instant(local.date() + timedelta(days=1), local.time().min)
        query = (
            select(SopTask)
            .options(joinedload(SopTask.customer))
            .where(SopTask.agent_id == self.agent.id, SopTask.state.in_(OPEN_STATES), SopTask.due_at < ends)
            .where(readable(self.reader, SopTask.customer_id))
            .order_by(SopTask.due_at, SopTask.id)
            .limit(MOST_LISTED + 1)
        )
        return self.work.session.scalars(query).all()

    def numbered(self, number: int) -> SopTask | str:
        """The task of that number on the list last shown, or why there is none."""
        shown = self.memory.tasks
        ids = shown if shown is not None else [task.id for task in self.day()]
        if not 1 <= number <= len(ids):
            return f"单子上没有第 {number} 件" + (f"，共 {len(ids)} 件" if ids else "") + "。回复「今日」看单子"
        task = self.work.session.get(SopTask, ids[number - 1])
        if task is None or not may_read(
            self.work.session, self.reader, task.customer_id
        ):  # erased, or not theirs now
            return f"第 {number} 件已经不用做了。回复「今日」看最新的单子"
        if task.agent_id != self.agent.id or task.state not in OPEN_STATES:
            return f"第 {number} 件（{_name(task.customer)}）已经不用做了。回复「今日」看最新的单子"
        return task

    def step_of(self, name: str, question: dict[str, Any]) -> SopTask | str:
        """The step that an own customer of this name waits for, or what to answer instead.

        question: what is to be done with the one the agent picks where several fit.
        """
        found = self.find(name)
        if not found:
            return f"您的客户里没有「{name}」"
        whose = [follow.customer_id for follow in found[:MOST_FOUND]]
        open_tasks = (
            select(SopTask)
            .options(joinedload(SopTask.customer))
            .where(SopTask.agent_id == self.agent.id, SopTask.state.in_(OPEN_STATES), SopTask.customer_id.in_(whose))
            .order_by(SopTask.due_at, SopTask.id)
        )
        tasks = self.work.session.scalars(open_tasks).all()
        prompted = [task for task in tasks if task.state == "delivered" or task.due_at <= self.work.now]
        choice = (prompted or tasks[:1])[:MOST_LISTED]
        if not choice:
            return f"{name} 现在没有要做的跟进"
        if len(choice) == 1:
            return choice[0]
        self.memory.show(choice, question)
        return "有好几件：\n" + "\n".join(self.lines(choice)) + "\n回复编号，例如：1"

    def lines(self, tasks: Sequence[SopTask]) -> list[str]:
        """Tasks as numbered lines."""
        late = self.work.now - timedelta(hours=1)
        self.read(task.customer for task in tasks)
        return [
            f"{number}. {self.when(task.due_at)} {_name(task.customer)}{quoted(task.customer.last_words, 16)}"
            f"：{task.text[:30]}{_goes_along(task)}" + ("（已过时间）" if task.due_at < late else "")
            for number, task in enumerate(tasks, 1)
        ]

    def read(self, customers: Iterable[Customer]) -> None:
        """Note whose last words the agent is told."""
        spoke = [customer.id for customer in customers if customer.last_words]
        viewed_all(self.work.session, self.agent.userid, spoke, "chat", self.work.now)

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
    context.memory.show(tasks[:MOST_LISTED])
    waiting = _say_waiting(context) + _say_owed(context)
    if not tasks:
        return f"{waiting}今天没有要跟进的客户了。"
    lines = context.lines(tasks[:MOST_LISTED])
    more = "\n还有更多，先做完这些" if len(tasks) > MOST_LISTED else ""
    return f"{waiting}今天要跟进 {len(lines)} 件：\n" + "\n".join(lines) + more + "\n回复「完成 1」或「推迟 1 明天」"


def _say_waiting(context: _AgentContext) -> str:
    """Who waits for the agent's answer, the longest first; empty where nobody does."""
    follows = waiting_for(context.work.session, context.agent, MOST_FOUND + 1)
    if not follows:
        return ""
    lines = waiting_lines(context.work.settings, follows[:MOST_FOUND], context.work.now)
    more = "\n还有更多，先回复这几位" if len(follows) > MOST_FOUND else ""
    return "在等您回复：\n" + "\n".join(line.partition(". ")[2] for line in lines) + more + "\n\n"


def _say_owed(context: _AgentContext) -> str:
    """What the agent promised for today or before, and what nobody answered; empty where there is nothing."""
    work, agent = context.work, context.agent
    local = work.settings.calendar.local(work.now)
    ends = work.settings.calendar.instant(local.date() + timedelta(days=1), local.time().min)
    promised = list_promises(work.session, context.reader, Owing(agent.id, work.now, ends), MOST_FOUND + 1)
    asked = list_questions(work.session, context.reader, agent.id, work.now, MOST_FOUND + 1)
    context.read([*(row.customer for row in promised), *(row.customer for row in asked)])
    lines = [line.partition(". ")[2] for line in promise_lines(work.settings, promised[:MOST_FOUND], work.now)]
    questions = [
        f"{_name(row.customer)}：「{row.words[:30]}」{context.when(row.asked_at)}" for row in asked[:MOST_FOUND]
    ]
    return "".join(
        f"{head}：\n" + "\n".join(told) + ("\n还有更多，在任务页里" if len(rows) > MOST_FOUND else "") + "\n\n"
        for head, told, rows in (("您答应过的", lines, promised), ("还没有回答的问题", questions, asked))
        if told
    )


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
    context.read([customer])
    spoke_at = customer.last_word_at
    rows = [
        ("阶段", "、".join(state.stages.values()) or "还没有"),
        ("标签", "、".join(sorted(state.tags)) or "还没有"),
        ("最近说", f"「{customer.last_words}」{context.when(spoke_at)}" if spoke_at else "还没有"),
        ("下一步", next((f"{context.when(t.due_at)} {t.text[:40]}" for t in state.open_tasks), "没有计划")),
    ]
    return f"{follow.remark or _name(customer)}\n" + "\n".join(f"{name}：{value}" for name, value in rows)


def _tick(context: _AgentContext, order: Done) -> str:
    task = context.numbered(order.number) if order.number else context.step_of(order.name, {"deed": "done"})
    return task if isinstance(task, str) else _tick_task(context, task)


def _tick_task(context: _AgentContext, task: SopTask) -> str:
    before = as_it_is(task, "completed")
    mark_ticked(task, context.work.now)
    cancel_cards(context.work, [task.id], SENT)
    bring_forward(context.work, steps_that_wait(context.work, task.customer_id))
    context.memory.did("done", task.id, before)
    return f"记下了：{_name(task.customer)} 这一步已发送。会话存档会再核对一次。写错了就回复「撤销」。"


def _put_off(context: _AgentContext, order: Delay) -> str:
    question = {"deed": "delay", "until": order.until.isoformat()}
    task = context.numbered(order.number) if order.number else context.step_of(order.name, question)
    return task if isinstance(task, str) else _put_off_task(context, task, order.until)


def _put_off_task(context: _AgentContext, task: SopTask, until: datetime) -> str:
    before = as_it_is(task, "planned")
    cancel_cards(context.work, [task.id], POSTPONED)
    put_off(task, context.work.settings.calendar.next_slot(until), POSTPONED)
    context.memory.did("delay", task.id, before)
    return f"好的，{_name(task.customer)} 这一步改到 {context.when(task.due_at)}。"


def _pick(context: _AgentContext, order: Pick) -> str:
    """Do what was asked about with the one that is picked; where nothing was asked, show the step."""
    question = context.memory.take_question()
    task = context.numbered(order.number)
    if isinstance(task, str):
        return task
    if question.get("deed") == "done":
        return _tick_task(context, task)
    if question.get("deed") == "delay":
        return _put_off_task(context, task, datetime.fromisoformat(question["until"]))
    return (
        f"第 {order.number} 件，{context.when(task.due_at)} {_name(task.customer)}：\n{task.text}\n"
        f"发过了就回复「完成 {order.number}」，也可以「推迟 {order.number} 明天」"
    )


def _take_back(context: _AgentContext, _order: object) -> str:
    return context.memory.take_back()


def _move(context: _AgentContext, order: MoveToStage) -> str:
    stages = [stage.name for pipeline in context.work.settings.pipelines for stage in pipeline.stages]
    split = split_shift(order.words, stages)
    if split is None:
        name, stage = _examples(context)
        return f"没看懂要移到哪个阶段。阶段有：{'、'.join(stages)}\n例如：移动 {name} {stage}"
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
    context.work.session.flush()  # the move gets its id
    context.memory.did("move", moved.row.id)
    follows = [
        f"{what}：{'、'.join(titles_of(context.work.settings, some))}"
        for what, some in (("开始", moved.effects.started), ("停止", moved.effects.stopped))
        if some
    ]
    told = f"{_name(found[0].customer)}：{moved.row.from_stage or '（还没有阶段）'} → {stage}"
    return "\n".join([told, *follows])


def _help(context: _AgentContext, order: Help) -> str:
    return help_text(order.hint, *_examples(context))


def _examples(context: _AgentContext) -> tuple[str, str]:
    """A customer of the agent's own and a stage of the config in force that a person may move them to."""
    newest = (
        select(Customer.name)
        .join(Follow, Follow.customer_id == Customer.id)
        .where(Follow.agent_id == context.agent.id, Follow.ended_at.is_(None))
        .order_by(Follow.id.desc())
        .limit(MOST_FOUND)
    )
    name = next((name for name in context.work.session.scalars(newest) if name), "张三")
    stages = [stage for pipeline in context.work.settings.pipelines for stage in pipeline.stages]
    later = [stage.name for stage in stages[1:] if not stage.lost]
    return name, next(iter(later), stages[0].name if stages else "")


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
    Pick: _pick,
    TakeBack: _take_back,
    Help: _help,
}
