"""Chat: answers an agent who writes 今日, 完成, 提醒, 移动, 撤销 … to the app, about their own customers only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import select

from bot.agents import chat_deeds
from bot.agents.answer_offers import search_answers
from bot.agents.chat_context import MOST_LISTED, ChatContext
from bot.agents.chat_words import OWN, Item, found_words, name_of, shown
from bot.agents.own_wordings import own_book
from bot.agents.questions import list_questions
from bot.agents.reading import NOBODY
from bot.agents.waiting import waiting_for, waiting_lines
from bot.customers.state import CustomerState, load_customer
from bot.platform.models import Agent, Customer, Follow
from bot.platform.work import Work
from sop.chat import help_text, read_order
from sop.chat_orders import (
    Delay,
    Done,
    FindWords,
    Help,
    Lookup,
    MoveToStage,
    Pick,
    Remind,
    TakeBack,
    Today,
    WhatToSay,
    WriteNote,
)
from sop.quotes import along
from sop.wording import render
from taggers.closing import USUAL
from taggers.fold import fold
from taggers.reminder import read_wish, time_last

MOST_FOUND = 5
_LONGEST_NAME = 32
NOTHING_TO_DO = "好的。要看今天跟进谁，回复「今日」。"
SHUT_OUT = "您的账号已停用，在这里看不到客户。如果需要使用，请联系管理员。"


def answer_agent(work: Work, agent: Agent, text: str) -> str:
    """Do what the agent writes and answer in words; what is not understood is answered with help."""
    order = read_order(text, work.now, work.settings.calendar)
    context = ChatContext(work, agent)
    if context.reader == NOBODY:
        return SHUT_OUT
    if isinstance(order, Help | Today) and (told := _answer_to_when(context, text)) is not None:
        return told
    if isinstance(order, Help) and order.hint:
        if len(text) <= _LONGEST_NAME and context.knows(text.strip()):  # a bare name asks who it is
            order = Lookup(text.strip())
        elif USUAL.closes(fold(text)):
            return NOTHING_TO_DO
    return _ANSWERS[type(order)](context, order)


def _answer_to_when(context: ChatContext, text: str) -> str | None:
    """The time that was missing from 提醒, written alone; None where none was asked for or none is in the text."""
    question, work = context.memory.question, context.work
    if question.get("deed") != "when" or text.strip() in ("今天", "今日"):
        return None
    if read_wish(text, work.now, work.settings.calendar).at is None:
        return None
    follow = context.follow_of(question["customer"])
    context.memory.take_question()
    return None if follow is None else chat_deeds.remind(context, follow, f"{text} {question['rest']}")


def _say_today(context: ChatContext, _order: object) -> str:
    items = context.day()
    context.memory.show(items[:MOST_LISTED])
    waiting = _say_waiting(context) + _say_asked(context)
    if not items:
        return f"{waiting}今天没有要跟进的客户了。"
    lines = context.lines(items[:MOST_LISTED])
    more = "\n还有更多，先做完这些" if len(items) > MOST_LISTED else ""
    return f"{waiting}今天要跟进 {len(lines)} 件：\n" + "\n".join(lines) + more + "\n回复「完成 1」或「推迟 1 明天」"


def _say_waiting(context: ChatContext) -> str:
    """Who waits for the agent's answer, the longest first; empty where nobody does."""
    follows = waiting_for(context.work.session, context.agent, MOST_FOUND + 1)
    if not follows:
        return ""
    lines = waiting_lines(context.work.settings, follows[:MOST_FOUND], context.work.now)
    more = "\n还有更多，先回复这几位" if len(follows) > MOST_FOUND else ""
    return "在等您回复：\n" + "\n".join(line.partition(". ")[2] for line in lines) + more + "\n\n"


def _say_asked(context: ChatContext) -> str:
    """What the agent's customers asked and nobody answered; empty where there is nothing."""
    work = context.work
    asked = list_questions(work.session, context.reader, context.agent.id, work.now, MOST_FOUND + 1)
    if not asked:
        return ""
    context.read(row.customer for row in asked)
    lines = [
        f"{name_of(row.customer)}：「{row.words[:30]}」{context.when(row.asked_at)}" for row in asked[:MOST_FOUND]
    ]
    more = "\n还有更多，在任务页里" if len(asked) > MOST_FOUND else ""
    return "还没有回答的问题：\n" + "\n".join(lines) + more + "\n\n"


def _say_customer(context: ChatContext, order: Lookup) -> str:
    found = context.customer(order.name, {"deed": "look"})
    return found if isinstance(found, str) else _portrait(context, found[0])


def _portrait(context: ChatContext, follow: Follow) -> str:
    state = load_customer(context.work.session, follow.customer)
    customer, spoke_at = state.customer, state.customer.last_word_at
    context.read([customer])
    rows = [
        ("阶段", "、".join(state.stages.values()) or "还没有"),
        ("标签", "、".join(sorted(state.tags)) or "还没有"),
        ("最近说", f"「{customer.last_words}」{context.when(spoke_at)}" if spoke_at else "还没有"),
        ("下一步", next((f"{context.when(t.due_at)} {t.text[:40]}" for t in state.open_tasks), "没有计划")),
        *_own_rows(context, state),
    ]
    return f"{follow.remark or name_of(customer)}\n" + "\n".join(f"{name}：{value}" for name, value in rows)


def _own_rows(context: ChatContext, state: CustomerState) -> list[tuple[str, str]]:
    mine = [row for row in state.own_follow_ups if row.agent_id == context.agent.id]
    return [(OWN, f"{context.when(row.due_at)} {row.words or '跟进一下'}") for row in mine[:MOST_FOUND]]


def _tick(context: ChatContext, order: Done) -> str:
    item = context.numbered(order.number) if order.number else context.item_of(order.name, {"deed": "done"})
    return item if isinstance(item, str) else chat_deeds.tick(context, item)


def _put_off(context: ChatContext, order: Delay) -> str:
    question = {"deed": "delay", "until": order.until.isoformat()}
    item = context.numbered(order.number) if order.number else context.item_of(order.name, question)
    return item if isinstance(item, str) else chat_deeds.delay(context, item, order.until)


def _remind(context: ChatContext, order: Remind) -> str:
    words = order.words
    if not context.knows(words):
        words = time_last(words, context.work.now, context.work.settings.calendar)
    found = context.customer(words, {"deed": "remind"})
    return found if isinstance(found, str) else chat_deeds.remind(context, *found)


def _note(context: ChatContext, order: WriteNote) -> str:
    found = context.customer(order.words, {"deed": "note"})
    return found if isinstance(found, str) else chat_deeds.note(context, *found)


def _offer(context: ChatContext, order: WhatToSay) -> str:
    found = context.customer(order.name, {"deed": "offer"})
    return found if isinstance(found, str) else chat_deeds.offer(context, found[0])


def _find_words(context: ChatContext, order: FindWords) -> str:
    if context.knows(order.words):
        return _offer(context, WhatToSay(order.words))
    work = context.work
    blanks = {f"customer.{name}": "" for name in ("name", *work.settings.fields)}
    values = {**blanks, "agent.name": context.agent.shown_name, "company": work.settings.workspace.name}
    found = search_answers(work, order.words, own=own_book(work, context.agent)).values()
    said = [
        (one.ask[0], render(one.say, values) + along([item.model_dump() for item in one.attach])) for one in found
    ]
    return found_words(order.words, said)


def _move(context: ChatContext, order: MoveToStage) -> str:
    split = chat_deeds.move(context, order.words)
    if isinstance(split, str):
        name, stage = _examples(context)
        return split.replace("{name}", name).replace("{stage}", stage)
    found = context.customer(split[0], {"deed": "move", "stage": split[1]})
    return found if isinstance(found, str) else chat_deeds.move_to(context, found[0], split[1])


def _pick(context: ChatContext, order: Pick) -> str:
    """Do what was asked about with the one that is picked; where nothing was asked, show the step."""
    if context.memory.people:
        return _pick_customer(context, order.number)
    question = context.memory.take_question()
    item = context.numbered(order.number)
    if isinstance(item, str):
        return item
    return chat_deeds.do_with_item(context, item, question) or _show(context, order.number, item)


def _show(context: ChatContext, number: int, item: Item) -> str:
    return shown(number, item, context.work.now, context.work.settings.calendar)


def _pick_customer(context: ChatContext, number: int) -> str:
    """Go on with the customer who was picked of those that were asked about."""
    follow = context.picked(number)
    if follow is None:
        return f"没有第 {number} 位，请回复上面的编号"
    question = context.memory.take_question()
    deed, rest = question.get("deed"), question.get("rest", "")
    if deed == "remind":
        return chat_deeds.remind(context, follow, rest)
    if deed == "note":
        return chat_deeds.note(context, follow, rest)
    if deed == "offer":
        return chat_deeds.offer(context, follow)
    if deed == "move":
        return chat_deeds.move_to(context, follow, question["stage"])
    if deed in ("done", "delay"):
        return _go_on(context, follow, question)
    return _portrait(context, follow)


def _go_on(context: ChatContext, follow: Follow, question: dict[str, Any]) -> str:
    """完成 or 推迟 with a customer whose name had been written in another way."""
    name = follow.remark or follow.customer.name
    item = context.item_of(name, {key: question[key] for key in ("deed", "until") if key in question})
    return item if isinstance(item, str) else chat_deeds.do_with_item(context, item, question) or ""


def _take_back(context: ChatContext, _order: object) -> str:
    return context.memory.take_back()


def _help(context: ChatContext, order: Help) -> str:
    return help_text(order.hint, *_examples(context))


def _examples(context: ChatContext) -> tuple[str, str]:
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


_ANSWERS: dict[type, Callable[[ChatContext, Any], str]] = {
    Today: _say_today,
    Lookup: _say_customer,
    Done: _tick,
    Delay: _put_off,
    MoveToStage: _move,
    Remind: _remind,
    WriteNote: _note,
    WhatToSay: _offer,
    FindWords: _find_words,
    Pick: _pick,
    TakeBack: _take_back,
    Help: _help,
}
