"""Prompt cards: outbox handlers that put what an agent is asked to send on their phone, as a card or a list."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.customers.state import OPEN_STATES, load_customer
from bot.delivery.handler import NotNeededError, OutboxHandler, PostponedError
from bot.platform.models import Agent, Outbox, SopTask
from bot.platform.models.columns import new_ref
from bot.platform.signed_links import day_url, task_url
from bot.platform.work import Work
from bot.sops.card_closing import close_card
from bot.sops.prompts import wording_values
from bot.sops.task_refs import card_name
from bot.wecom.cards import (
    Button,
    TaskCard,
    button_interaction,
    list_notice,
    without_buttons,
)
from bot.wecom.errors import WeComError
from sop.cards import POSTPONED, SENT
from sop.digest import DuePrompt, in_order
from sop.quotes import attached, list_line, quoted
from sop.wording import render

if TYPE_CHECKING:
    from bot.system import System

SUCCESSOR_WAIT = 1800.0  # seconds: a card for an agent who left waits this long, then looks for a successor again


class SendPromptCard(OutboxHandler):
    """A prompt on the agent's phone: who, when, what, why now."""

    repeats_show = True

    def prepare(self, work: Work, system: System, row: Outbox) -> dict[str, Any]:
        task = work.session.get_one(SopTask, row.task_id)
        if task.state != "queued":
            raise NotNeededError(task.ended_because or f"任务状态已是 {task.state}")
        if row.payload:  # a repeat must be the same to the byte, or WeCom cannot tell that it is one
            return row.payload
        if task.agent.left_at is not None:
            raise PostponedError(SUCCESSOR_WAIT)
        card = prompt_card(work, system, task, row.created_at)
        return {"userid": task.agent.userid, "card": button_interaction(card, prompt_buttons(task.ref, card.url))}

    def call(self, system: System, payload: Mapping[str, Any]) -> dict[str, Any]:
        return send_card(system, payload)

    def record(self, work: Work, row: Outbox, result: Mapping[str, Any]) -> None:
        task = work.session.get_one(SopTask, row.task_id)
        task.delivered_at = task.delivered_at or work.now
        if task.state == "queued":
            task.state = "delivered"

    def conclude(self, work: Work, system: System, row: Outbox, result: Mapping[str, Any]) -> None:
        """Close the card at once where its step ended while it was on its way."""
        task = work.session.get_one(SopTask, row.task_id)
        if task.state not in OPEN_STATES:
            close_card(work, row, task.ended_because or SENT)
        elif task.state == "planned":
            close_card(work, row, POSTPONED)


class SendDigest(OutboxHandler):
    """Several prompts for one agent as one list, the most urgent first."""

    repeats_show = True

    def prepare(self, work: Work, system: System, row: Outbox) -> dict[str, Any]:
        tasks = self._open(work.session, row)
        if not tasks:
            raise NotNeededError("单子里的任务都已不需要提醒")
        if "card" in row.payload:
            return row.payload
        agent = work.session.get_one(Agent, row.agent_id)
        entries = [
            DuePrompt(task.id, task.customer.name or "新客户", _line(task), task.due_at, task.priority)
            for task in tasks
        ]
        card = list_notice(
            task_id=f"digest_{new_ref()}",
            title=f"有 {len(tasks)} 位客户要跟进",
            lines=[(entry.customer, entry.title) for entry in in_order(entries)],
            url=day_url(system.environment.base_url, agent.id, system.signing_key, row.created_at),
        )
        return {**row.payload, "userid": agent.userid, "card": card}

    def call(self, system: System, payload: Mapping[str, Any]) -> dict[str, Any]:
        return send_card(system, payload)

    def record(self, work: Work, row: Outbox, result: Mapping[str, Any]) -> None:
        for task in self._open(work.session, row):
            task.state, task.delivered_at = "delivered", task.delivered_at or work.now

    def give_up(self, work: Work, row: Outbox, state: str, why: str) -> None:
        """What the pilot keeps back is over; what else could not be sent is listed until its time has passed."""
        for task in self._open(work.session, row) if state == "cancelled" else ():
            task.state, task.ended_because = state, why

    def _open(self, session: Session, row: Outbox) -> list[SopTask]:
        mine = SopTask.agent_id == row.agent_id
        listed = select(SopTask).where(SopTask.id.in_(row.payload["task_ids"]), SopTask.state == "queued", mine)
        return list(session.scalars(listed))


def _line(task: SopTask) -> str:
    return list_line(task.customer.last_words, task.why, task.attach)


def _when(at: datetime) -> str:
    """A local time by its date: a card is still there the day after, when 今天 would be another day."""
    return f"{at.month}月{at.day}日 {at:%H:%M}"


def prompt_card(work: Work, system: System, task: SopTask, issued_at: datetime) -> TaskCard:
    """The card of a task: who, when, what to say, why now. Renders the task's text anew: names may be known now."""
    settings = work.settings
    values = wording_values(settings, load_customer(work.session, task.customer), task.agent, work.now)
    task.text = render(task.wording, values)
    sop = settings.sops.get(task.enrolment.sop_id)
    return TaskCard(
        task_id=card_name(task),
        customer=values["customer.name"] or "新客户",
        stage=values["stage"],
        when=_when(task.due_at.astimezone(settings.zone)),
        say=task.text,
        why=task.why,
        said=quoted(task.customer.last_words),
        attached=attached(task.attach),
        heading=f"{sop.title or sop.id} · 第 {task.step + 1} 步，共 {len(sop.steps)} 步" if sop else "",
        url=task_url(system.environment.base_url, task.ref, task.agent_id, system.signing_key, issued_at),
    )


def prompt_buttons(task: str, url: str) -> list[Button]:
    """The buttons on the card of a task (by its ref). The first opens the words: nothing need be ticked off.

    已发送 is for what the archive cannot see.
    """
    return [
        Button("看话术去发", style=1, url=url),
        Button("已发送", f"sent:{task}", 2),
        Button("稍后", f"later:{task}", 2),
        Button("不合适", f"unfit:{task}", 2),
    ]


def send_card(system: System, payload: Mapping[str, Any]) -> dict[str, Any]:
    """Send a card to one agent; raises WeComError also where WeCom answers ok but did not take it for them."""
    card = payload["card"]
    try:
        sent = system.wecom.send_card(payload["userid"], card)
    except WeComError as error:
        if error.errcode != 43012:  # an app without a callback URL cannot send buttons
            raise
        sent = system.wecom.send_card(payload["userid"], without_buttons(card))
    if sent.failed:
        reasons = {"invalid": "不在应用可见范围内，或还没有激活", "unlicensed": "没有接口许可"}
        why = "、".join(reasons.get(reason, reason) for reason in sent.failed.values())
        raise WeComError(81013, f"{payload['userid']} {why}", api="message/send")
    return {"msgid": sent.msgid, "response_code": sent.response_code}
