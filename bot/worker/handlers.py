"""What each kind of outbox row asks of WeCom: prepared in the database, called without it, recorded afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.agents.daily_list import DayList
from bot.agents.members import ReadDepartments, ReadMember
from bot.agents.overdue import NudgeErrand
from bot.customers.group_chats import ReadGroup
from bot.customers.mark_tag import MarkTag
from bot.customers.state import open_case
from bot.delivery.handler import Errand, Postponed, Skipped
from bot.intake.media.files import FetchMedia
from bot.platform.database.alarms import TellAlarm
from bot.platform.log import get_logger
from bot.platform.models import Agent, Customer, Outbox, SopTask
from bot.platform.signed_links import day_url, task_url
from bot.privacy.erasure import Forget
from bot.sops.group_send_handlers import CancelGroupSend, MakeGroupSend, PollGroupSend, RemindGroupSend
from bot.sops.material_uploads import Upload, attachment_bodies
from bot.sops.prompts import wording_values
from bot.sync.consent import CheckConsent
from bot.sync.profiles import Library, Profile
from bot.wecom.cards import (
    Button,
    TaskCard,
    button_interaction,
    choice_of,
    list_notice,
    question_card,
    without_buttons,
)
from bot.wecom.errors import WeComError
from sop.digest import Card, in_order
from sop.wording import render

if TYPE_CHECKING:
    from bot.system import System

HEIRLESS = 1800.0  # how long the tasks of one who left wait before they look for his heir again
_log = get_logger(__name__)


class Prompt(Errand):
    """A prompt on the agent's phone: who, when, what, why now."""

    repeats_show = True

    def prepare(self, session: Session, system: System, row: Outbox, now: datetime) -> dict[str, Any]:
        task = session.get_one(SopTask, row.task_id)
        if task.state != "queued":
            raise Skipped(task.ended_because or f"任务状态已是 {task.state}")
        if row.payload:  # a repeat must be the same to the byte, or WeCom cannot tell that it is one
            return row.payload
        if task.agent.left_at is not None:
            raise Postponed(HEIRLESS)
        card = prompt_card(session, system, task, now, row.created_at)
        return {"userid": task.agent.userid, "card": button_interaction(card, prompt_buttons(task.id))}

    def call(self, system: System, payload: Mapping[str, Any]) -> dict[str, Any]:
        return _send_card(system, payload)

    def record(self, session: Session, row: Outbox, result: Mapping[str, Any], now: datetime) -> None:
        task = session.get_one(SopTask, row.task_id)
        task.delivered_at = task.delivered_at or now
        if task.state == "queued":
            task.state = "delivered"


class Digest(Errand):
    """Several prompts for one agent as one list, the most urgent first."""

    repeats_show = True

    def prepare(self, session: Session, system: System, row: Outbox, now: datetime) -> dict[str, Any]:
        tasks = self._open(session, row)
        if not tasks:
            raise Skipped("单子里的任务都已不需要提醒")
        if "card" in row.payload:
            return row.payload
        agent = session.get_one(Agent, row.agent_id)
        entries = [
            Card(task.id, task.customer.name or "新客户", task.why, task.due_at, task.priority) for task in tasks
        ]
        card = list_notice(
            task_id=f"digest_{row.id}",
            title=f"有 {len(tasks)} 位客户要跟进",
            lines=[(entry.customer, entry.title) for entry in in_order(entries)],
            url=day_url(system.environment.base_url, agent.id, system.signing_key, row.created_at),
        )
        return {**row.payload, "userid": agent.userid, "card": card}

    def call(self, system: System, payload: Mapping[str, Any]) -> dict[str, Any]:
        return _send_card(system, payload)

    def record(self, session: Session, row: Outbox, result: Mapping[str, Any], now: datetime) -> None:
        for task in self._open(session, row):
            task.state, task.delivered_at = "delivered", task.delivered_at or now

    def _open(self, session: Session, row: Outbox) -> list[SopTask]:
        mine = SopTask.agent_id == row.agent_id
        listed = select(SopTask).where(SopTask.id.in_(row.payload["task_ids"]), SopTask.state == "queued", mine)
        return list(session.scalars(listed))


class CardChange(Errand):
    """A card that was clicked shows what came of it, or asks a question."""

    def prepare(self, session: Session, system: System, row: Outbox, now: datetime) -> dict[str, Any]:
        if "choice" not in row.payload or "card" in row.payload:
            return row.payload
        task = session.get_one(SopTask, row.task_id)
        card = prompt_card(session, system, task, now, row.created_at)
        return {**row.payload, "card": question_card(card, choice_of(row.payload["choice"]))}

    def call(self, system: System, payload: Mapping[str, Any]) -> dict[str, Any]:
        if "card" in payload:
            change = {"template_card": payload["card"]}
        else:
            change = {"button": {"replace_name": payload["settled"]}}
        system.wecom.update_card([payload["userid"]], payload["response_code"], change)
        return {}


class Welcome(Errand):
    """The greeting of a customer just added."""

    counts_as_sent = frozenset({41051})

    def prepare(self, session: Session, system: System, row: Outbox, now: datetime) -> dict[str, Any]:
        welcome = system.settings.tables.welcome
        if welcome is None:
            raise Skipped("配置里没有欢迎语")
        if "text" in row.payload:
            return row.payload
        customer = session.get_one(Customer, row.customer_id)
        agent = session.get_one(Agent, row.agent_id)
        values = wording_values(system.settings, open_case(session, customer), agent)
        attach = [attachment.model_dump(exclude_none=True) for attachment in welcome.attach]
        bodies, missing = attachment_bodies(session, attach, now)
        if missing:  # the 20 s leave no time to upload: the greeting goes without them
            _log.warning("welcome without materials", missing=missing)
        return {**row.payload, "text": render(welcome.say, values), "attachments": bodies}

    def call(self, system: System, payload: Mapping[str, Any]) -> dict[str, Any]:
        system.wecom.send_welcome(payload["welcome_code"], payload["text"], payload["attachments"])
        return {}


class AppText(Errand):
    """A plain answer to an agent who wrote to the app."""

    repeats_show = True

    def prepare(self, session: Session, system: System, row: Outbox, now: datetime) -> dict[str, Any]:
        return {**row.payload, "userid": session.get_one(Agent, row.agent_id).userid}

    def call(self, system: System, payload: Mapping[str, Any]) -> dict[str, Any]:
        return {"msgid": system.wecom.send_text(payload["userid"], payload["text"]).msgid}


ERRANDS: dict[str, Errand] = {
    "forget": Forget(),
    "card": Prompt(),
    "digest": Digest(),
    "day_list": DayList(),
    "nudge": NudgeErrand(),
    "card_change": CardChange(),
    "mark_tag": MarkTag(),
    "welcome": Welcome(),
    "profile": Profile(),
    "library": Library(),
    "member": ReadMember(),
    "departments": ReadDepartments(),
    "app_text": AppText(),
    "alarm": TellAlarm(),
    "material": Upload(),
    "group_send": MakeGroupSend(),
    "group_poll": PollGroupSend(),
    "group_cancel": CancelGroupSend(),
    "group_remind": RemindGroupSend(),
    "group_chat": ReadGroup(),
    "media": FetchMedia(),
    "consent": CheckConsent(),
}


def _when(at: datetime, now: datetime) -> str:
    """A local time as people say it."""
    days = (at.date() - now.date()).days
    day = {0: "今天", 1: "明天", -1: "昨天"}.get(days, f"{at.month}月{at.day}日")
    return f"{day} {at:%H:%M}"


def prompt_card(session: Session, system: System, task: SopTask, now: datetime, issued_at: datetime) -> TaskCard:
    """The card of a task: who, when, what to say, why now. Also freshens the task's text by names now known."""
    settings = system.settings
    values = wording_values(settings, open_case(session, task.customer), task.agent)
    task.text = render(task.wording, values)
    sop = settings.sops.get(task.enrolment.sop_id)
    return TaskCard(
        task_id=f"task_{task.id}" + (f"_{task.prompts}" if task.prompts > 1 else ""),
        customer=values["customer.name"] or "新客户",
        stage=values["stage"],
        when=_when(task.due_at.astimezone(settings.zone), now.astimezone(settings.zone)),
        say=task.text,
        why=task.why,
        heading=f"{sop.title or sop.id} · 第 {task.step + 1} 步，共 {len(sop.steps)} 步" if sop else "",
        url=task_url(system.environment.base_url, task.id, task.agent_id, system.signing_key, issued_at),
    )


def prompt_buttons(task_id: int) -> list[Button]:
    """What an agent can answer on a card."""
    return [Button("已发送", f"sent:{task_id}", 1), Button("稍后", f"later:{task_id}", 2),
            Button("不合适", f"unfit:{task_id}", 2)]  # fmt: skip


def _send_card(system: System, payload: Mapping[str, Any]) -> dict[str, Any]:
    """Send a card to one agent; that WeCom did not take it for him is an error here."""
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
