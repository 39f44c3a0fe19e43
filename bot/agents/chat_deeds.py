"""Deeds of the chat: a step done, put off, a card moved, a follow-up or a note written down."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bot.agents.card_clicks import mark_ticked
from bot.agents.chat_context import ChatContext
from bot.agents.chat_memory import as_it_is
from bot.agents.chat_words import Item, best_words, called, due_of, effect_lines, name_of
from bot.agents.manual_moves import MoveRefusedError, move_by_hand
from bot.agents.own_follow_ups import (
    FollowUpRefusedError,
    as_it_stands,
    change,
    end,
    read_follow_up,
    write_down,
)
from bot.agents.own_wordings import own_book
from bot.agents.promises import as_promised, judge_promise, put_off_until
from bot.agents.suggestions import suggest
from bot.agents.wording_offers import not_noted, note_offers
from bot.customers.state import load_customer
from bot.platform.models import Follow, Note, OwnFollowUp, Promise, SopTask
from bot.sops.card_closing import cancel_cards
from bot.sops.customer_steps import bring_forward, steps_that_wait
from bot.sops.prompts import put_off
from sop.cards import POSTPONED, SENT
from sop.chat import split_shift

LONGEST_NOTE = 500


def tick(context: ChatContext, item: Item) -> str:
    """完成."""
    if isinstance(item, OwnFollowUp):
        before = as_it_stands(item)
        end(item, context.work.now, "hand")
        context.memory.did("own", item.id, before)
        return f"记下了：{name_of(item.customer)} {item.words or '跟进'}，做完了。写错了就回复「撤销」。"
    if isinstance(item, Promise):
        promised = as_promised(item)
        judge_promise(context.work, item, "kept", context.agent.userid)
        context.memory.did("promise", item.id, promised)
        return f"记下了：{name_of(item.customer)} 「{item.words[:30]}」，做到了。写错了就回复「撤销」。"
    return _tick_step(context, item)


def _tick_step(context: ChatContext, task: SopTask) -> str:
    before = as_it_is(task, "completed")
    mark_ticked(task, context.work.now)
    cancel_cards(context.work, [task.id], SENT)
    bring_forward(context.work, steps_that_wait(context.work, task.customer_id))
    context.memory.did("done", task.id, before)
    return f"记下了：{name_of(task.customer)} 这一步已发送。会话存档会再核对一次。写错了就回复「撤销」。"


def delay(context: ChatContext, item: Item, until: datetime) -> str:
    """推迟."""
    if isinstance(item, OwnFollowUp):
        before = as_it_stands(item)
        change(item, until, item.words)
        context.memory.did("own", item.id, before)
        return f"好的，{name_of(item.customer)} 改到 {context.when(item.due_at)} 提醒。"
    if isinstance(item, Promise):
        promised = as_promised(item)
        put_off_until(context.work, item, until)
        context.memory.did("promise", item.id, promised)
        return f"好的，{name_of(item.customer)} 「{item.words[:30]}」 改到 {context.when(due_of(item))}。"
    before = as_it_is(item, "planned")
    cancel_cards(context.work, [item.id], POSTPONED)
    put_off(item, context.work.settings.calendar.next_slot(until), POSTPONED)
    context.memory.did("delay", item.id, before)
    return f"好的，{name_of(item.customer)} 这一步改到 {context.when(item.due_at)}。"


def remind(context: ChatContext, follow: Follow, words: str) -> str:
    """提醒: where no time is named, the answer asks for it."""
    try:
        due_at, what = read_follow_up(context.work, words)
    except FollowUpRefusedError as refused:
        context.memory.ask_who([], {"deed": "when", "customer": follow.customer_id, "rest": words})
        return f"{called(follow)}：{refused}"
    row = write_down(context.work, context.agent, follow.customer, due_at, what)
    context.memory.did("remind", row.id)
    return f"好的，{context.when(due_at)} 提醒您：{called(follow)} {what or '跟进一下'}。记错了就回复「撤销」。"


def note(context: ChatContext, follow: Follow, words: str) -> str:
    """备注."""
    if not words or len(words) > LONGEST_NOTE:
        return f"写上要记的话，最多 {LONGEST_NOTE} 字，例如：备注 {called(follow)} 预算三万，周末有空"
    row = Note(
        customer_id=follow.customer_id, author=context.agent.userid[:80], text=words, created_at=context.work.now
    )
    context.work.session.add(row)
    context.work.session.flush()
    context.memory.did("note", row.id)
    return f"记在 {called(follow)} 的资料里了：{words[:60]}。记错了就回复「撤销」。"


def offer(context: ChatContext, follow: Follow) -> str:
    """回复: the best words there are now."""
    state = load_customer(context.work.session, follow.customer)
    context.read([follow.customer])
    offers = suggest(context.work, state, context.agent, own=own_book(context.work, context.agent))
    fresh = not_noted(context.work, follow.customer, context.agent, offers)
    note_offers(context.work, follow.customer, context.agent, fresh)
    return best_words(called(follow), offers, follow.customer.last_words)


def move(context: ChatContext, words: str) -> str | tuple[str, str]:
    """移动: the name and the stage that the words name, or why they cannot be told apart."""
    stages = [stage.name for pipeline in context.work.settings.pipelines for stage in pipeline.stages]
    split = split_shift(words, stages)
    return split or f"没看懂要移到哪个阶段。阶段有：{'、'.join(stages)}\n例如：移动 {{name}} {{stage}}"


def move_to(context: ChatContext, follow: Follow, stage: str) -> str:
    """Bring the customer into a stage."""
    work = context.work
    state = load_customer(work.session, follow.customer)
    pipeline = next(p.name for p in work.settings.pipelines if any(s.name == stage for s in p.stages))
    try:
        moved = move_by_hand(work, state, pipeline, stage, context.agent.userid, "api")
    except MoveRefusedError as refused:
        return str(refused)
    work.session.flush()  # the move gets its id
    context.memory.did("move", moved.row.id)
    told = f"{name_of(follow.customer)}：{moved.row.from_stage or '（还没有阶段）'} → {stage}"
    return "\n".join([told, *effect_lines(work.settings, moved.effects)])


def do_with_item(context: ChatContext, item: Item, question: Mapping[str, Any]) -> str | None:
    """Do what was asked about with the one that was picked; None where nothing was asked."""
    if question.get("deed") == "done":
        return tick(context, item)
    if question.get("deed") == "delay":
        return delay(context, item, datetime.fromisoformat(question["until"]))
    return None
