"""What each kind of outbox row asks of WeCom: prepared in the database, called without it, recorded afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from bot.cases import open_case
from bot.links import day_url, task_url
from bot.models import Agent, CorpTag, Customer, Follow, Outbox, Placement, SopTask
from bot.prompting import wording_values
from bot.store import insert_new
from bot.wecom.cards import TaskCard, list_notice, text_notice
from bot.wecom.errors import WeComError
from sop.digest import Card, in_order
from sop.wording import render

if TYPE_CHECKING:
    from bot.system import System

CARDS_A_MINUTE = 25  # WeCom silently drops what exceeds 30 per app and member


class Skipped(Exception):  # noqa: N818 - an outcome, not an error
    """The row need not leave any more; the text says why."""


class Postponed(Exception):  # noqa: N818 - likewise
    """The row must leave later."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds


class Errand(Protocol):
    """One kind of row.

    repeats_show: sending it again after a crash would be seen by people once WeCom's duplicate check ended.
    one_at_a_time: WeCom takes only one such call per customer at a time. counts_as_sent: errcodes that, after
    an earlier try, mean that one got through.
    """

    repeats_show: bool = False
    one_at_a_time: bool = False
    counts_as_sent: frozenset[int] = frozenset()

    def prepare(self, session: Session, system: System, row: Outbox, now: datetime) -> dict[str, Any]: ...

    def call(self, system: System, payload: Mapping[str, Any]) -> dict[str, Any]: ...

    def record(self, session: Session, row: Outbox, result: Mapping[str, Any], now: datetime) -> None:
        """Write down what the success means; nothing by default."""
        return

    def learn(self, session: Session, row: Outbox, error: WeComError) -> None:
        """Take note of what an error teaches; nothing by default."""
        return


class Prompt(Errand):
    """A prompt on the agent's phone: who, when, what, why now."""

    repeats_show = True

    def prepare(self, session: Session, system: System, row: Outbox, now: datetime) -> dict[str, Any]:
        task = session.get_one(SopTask, row.task_id)
        if task.state != "queued":
            raise Skipped(task.ended_because or f"任务状态已是 {task.state}")
        if row.payload:  # a repeat must be the same to the byte, or WeCom cannot tell that it is one
            return row.payload
        if _recent_cards(session, task.agent_id, now) >= CARDS_A_MINUTE:
            raise Postponed(30)
        settings = system.settings
        case = open_case(session, task.customer)
        values = wording_values(settings, case, task.agent)
        task.text = render(task.wording, values)
        sop = settings.sops.get(task.enrolment.sop_id)
        card = TaskCard(
            task_id=f"task_{task.id}",
            customer=values["customer.name"] or "新客户",
            stage=values["stage"],
            when=_when(task.due_at.astimezone(settings.zone), now.astimezone(settings.zone)),
            say=task.text,
            why=task.why,
            heading=f"{sop.title or sop.id} · 第 {task.step + 1} 步，共 {len(sop.steps)} 步" if sop else "",
            url=task_url(system.environment.base_url, task.id, task.agent_id, system.signing_key, row.created_at),
        )
        return {"userid": task.agent.userid, "card": text_notice(card)}

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
        listed = select(SopTask).where(SopTask.id.in_(row.payload["task_ids"]), SopTask.state == "queued")
        return list(session.scalars(listed))


class MarkTag(Errand):
    """The stage's tag on one agent's customer: the one we set before goes, the new one comes, in one call."""

    one_at_a_time = True

    def prepare(self, session: Session, system: System, row: Outbox, now: datetime) -> dict[str, Any]:
        follow = session.get(Follow, row.payload["follow_id"])
        if follow is None or follow.ended_at is not None:
            raise Skipped("已不是好友关系")
        name = row.payload["pipeline"]
        here = select(Placement).where(Placement.customer_id == follow.customer_id, Placement.pipeline == name)
        placement = session.scalar(here)
        pipeline = next((p for p in system.settings.pipelines if p.name == name), None)
        if placement is None or pipeline is None:
            raise Skipped("配置里已没有这条流程")
        known = select(CorpTag).where(CorpTag.group_name == name, CorpTag.name == placement.stage)
        tag = session.scalar(known)
        marked = follow.marked.get(name)
        if tag is not None and marked == tag.tag_id:
            raise Skipped("标签已经是这个")
        return {
            "follow_id": follow.id,
            "pipeline": name,
            "userid": follow.agent.userid,
            "external_userid": follow.customer.external_userid,
            "stage": placement.stage,
            "stages": [stage.name for stage in pipeline.stages],
            "tag_id": tag.tag_id if tag else None,
            "remove": [marked] if marked else [],
        }

    def call(self, system: System, payload: Mapping[str, Any]) -> dict[str, Any]:
        made: list[dict[str, str]] = []
        tag_id = payload["tag_id"]
        if tag_id is None:
            made = _tags_of_group(system, payload["pipeline"], payload["stages"])
            tag_id = next(tag["tag_id"] for tag in made if tag["name"] == payload["stage"])
        remove = [old for old in payload["remove"] if old != tag_id]
        system.wecom.mark_tag(payload["userid"], payload["external_userid"], add=[tag_id], remove=remove)
        return {"tag_id": tag_id, "tags": made}

    def record(self, session: Session, row: Outbox, result: Mapping[str, Any], now: datetime) -> None:
        follow = session.get_one(Follow, row.payload["follow_id"])
        follow.marked = {**follow.marked, row.payload["pipeline"]: result["tag_id"]}
        insert_new(session, CorpTag, list(result["tags"]), ["tag_id"])

    def learn(self, session: Session, row: Outbox, error: WeComError) -> None:
        if error.errcode == 40068:  # deleted in WeCom: what we knew of the group is stale
            session.execute(delete(CorpTag).where(CorpTag.group_name == row.payload["pipeline"]))
            error.permanent = False


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
        links = [{"msgtype": "link", "link": {"title": a.title, "url": a.url}} for a in welcome.attach]
        return {**row.payload, "text": render(welcome.say, values), "attachments": links}

    def call(self, system: System, payload: Mapping[str, Any]) -> dict[str, Any]:
        system.wecom.send_welcome(payload["welcome_code"], payload["text"], payload["attachments"])
        return {}


class Profile(Errand):
    """Names and remarks, read from WeCom."""

    def prepare(self, session: Session, system: System, row: Outbox, now: datetime) -> dict[str, Any]:
        customer = session.get_one(Customer, row.customer_id)
        agent = session.get(Agent, row.agent_id) if row.agent_id else None
        nameless = agent.userid if agent is not None and not agent.name else None
        return {"external_userid": customer.external_userid, "userid": nameless}

    def call(self, system: System, payload: Mapping[str, Any]) -> dict[str, Any]:
        found = system.wecom.customer(payload["external_userid"])
        member: dict[str, Any] = {}
        if payload["userid"]:
            try:
                member = system.wecom.member(payload["userid"])
            except WeComError as error:
                if not error.permanent:
                    raise
        return {
            "contact": found.get("external_contact", {}),
            "follows": found.get("follow_user", []),
            "member": member,
        }

    def record(self, session: Session, row: Outbox, result: Mapping[str, Any], now: datetime) -> None:
        contact, customer = result.get("contact", {}), session.get_one(Customer, row.customer_id)
        customer.name = str(contact.get("name") or customer.name)[:128]
        customer.avatar = str(contact.get("avatar") or "")[:512] or customer.avatar
        if result.get("member") and row.agent_id:
            session.get_one(Agent, row.agent_id).name = str(result["member"].get("name") or "")[:64]
        found = {str(follow.get("userid", "")).casefold(): follow for follow in result.get("follows", [])}
        mine = select(Follow).where(Follow.customer_id == customer.id)
        for follow in session.scalars(mine):
            known = found.get(follow.agent.key)
            if known is not None:
                follow.remark = str(known.get("remark") or "")[:64]
                follow.channel = str(known.get("state") or "")[:64] or follow.channel


class AppText(Errand):
    """A plain answer to an agent who wrote to the app."""

    repeats_show = True

    def prepare(self, session: Session, system: System, row: Outbox, now: datetime) -> dict[str, Any]:
        return {**row.payload, "userid": session.get_one(Agent, row.agent_id).userid}

    def call(self, system: System, payload: Mapping[str, Any]) -> dict[str, Any]:
        return {"msgid": system.wecom.send_text(payload["userid"], payload["text"]).msgid}


ERRANDS: dict[str, Errand] = {
    "card": Prompt(),
    "digest": Digest(),
    "mark_tag": MarkTag(),
    "welcome": Welcome(),
    "profile": Profile(),
    "app_text": AppText(),
}


def _when(at: datetime, now: datetime) -> str:
    """A local time as people say it."""
    days = (at.date() - now.date()).days
    day = {0: "今天", 1: "明天", -1: "昨天"}.get(days, f"{at.month}月{at.day}日")
    return f"{day} {at:%H:%M}"


def _send_card(system: System, payload: Mapping[str, Any]) -> dict[str, Any]:
    """Send a card to one agent; that WeCom did not take it for him is an error here."""
    sent = system.wecom.send_card(payload["userid"], payload["card"])
    if sent.failed:
        reasons = {"invalid": "不在应用可见范围内，或还没有激活", "unlicensed": "没有接口许可"}
        why = "、".join(reasons.get(reason, reason) for reason in sent.failed.values())
        raise WeComError(81013, f"{payload['userid']} {why}", api="message/send")
    return {"msgid": sent.msgid, "response_code": sent.response_code}


def _recent_cards(session: Session, agent_id: int, now: datetime) -> int:
    recent = select(func.count()).where(
        Outbox.kind.in_(("card", "digest")),
        Outbox.agent_id == agent_id,
        Outbox.state == "sent",
        Outbox.done_at > now - timedelta(minutes=1),
    )
    return session.scalar(recent) or 0


def _tags_of_group(system: System, group_name: str, names: list[str]) -> list[dict[str, str]]:
    """The corp tags of a group by name, those missing made; rows for the CorpTag table."""
    group = next((g for g in system.wecom.corp_tags() if g.get("group_name") == group_name), {})
    missing = [name for name in names if name not in {tag.get("name") for tag in group.get("tag", [])}]
    groups = [group] + ([system.wecom.add_corp_tags(group_name, missing)] if missing else [])
    found = {tag["name"]: (g["group_id"], tag["id"]) for g in groups for tag in g.get("tag", [])}
    return [
        {"tag_id": tag_id, "group_id": group_id, "group_name": group_name, "name": name}
        for name, (group_id, tag_id) in found.items()
    ]
