"""SOPs for group chats: plans what is to be said in a group and prompts its owner, once a day at most."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from bot.delivery.handler import NotNeededError, OutboxHandler, PostponedError
from bot.platform.models import Agent, GroupChat, GroupPrompt, Outbox
from bot.platform.work import About, Work
from sop.dates import falls_on
from sop.planning import plan_steps
from sop.playbook import Sop
from sop.triggers import trigger_of
from sop.wording import render

if TYPE_CHECKING:
    from bot.system import System

MADE = "made"
_LOOK_BACK = timedelta(days=14)  # a group made earlier was made before the SOP was written
_NEXT = timedelta(days=1)


def plan_group_sops(work: Work, limit: int = 200) -> int:
    """Plan the SOPs for groups that begin now; returns for how many groups."""
    planned = 0
    for sop in work.settings.tables.sops:
        if sop.enabled and sop.for_groups:
            planned += _plan(work, sop, limit)
    return planned


def _plan(work: Work, sop: Sop, limit: int) -> int:
    trigger, day = trigger_of(sop), work.settings.calendar.local(work.now).date()
    made: list[tuple[GroupChat, datetime, date | None]]
    if trigger.kind == "event":
        groups = _groups(work, sop, MADE, limit, made_since=work.now - _LOOK_BACK)
        made = [(group, group.made_at or work.now, None) for group in groups]
    elif falls_on(trigger, day, {}):
        made = [(group, work.now, day) for group in _groups(work, sop, day.isoformat(), limit)]
    else:
        return 0
    for group, begins, on_day in made:
        _plan_steps(work, sop, group, (begins, on_day))
    return len(made)


def _groups(work: Work, sop: Sop, cause: str, limit: int, made_since: datetime | None = None) -> Sequence[GroupChat]:
    """Our customers' groups, not dissolved, for which this cause has not started the SOP yet."""
    begun = select(GroupPrompt.id).where(
        GroupPrompt.group_id == GroupChat.id, GroupPrompt.sop_id == sop.id, GroupPrompt.cause == cause
    )
    query = select(GroupChat).where(
        GroupChat.dismissed_at.is_(None), GroupChat.internal.is_(False), GroupChat.owner != "", ~begun.exists()
    )
    if made_since is not None:
        query = query.where(GroupChat.made_at > made_since)
    return work.session.scalars(query.order_by(GroupChat.id).limit(limit)).all()


def _plan_steps(work: Work, sop: Sop, group: GroupChat, start: tuple[datetime, date | None]) -> None:
    begins, day = start
    values = {"group.name": group.name, "company": work.settings.workspace.name}
    cause = MADE if day is None else day.isoformat()
    for step in plan_steps(sop, begins, work.settings.workspace, group.chat_id, day=day):
        over = step.expires_at <= work.now
        work.session.add(
            GroupPrompt(
                group_id=group.id,
                sop_id=sop.id,
                cause=cause,
                step=step.index,
                words=render(step.text, values),
                state="dropped" if over else "planned",
                due_at=step.due_at,
                expires_at=step.expires_at,
                version=work.settings.version,
            )
        )
    work.session.flush()


def prompt_group_owners(work: Work, limit: int = 200) -> int:
    """Decide about what has come due in groups: prompt the owner, put off or drop. Returns how many there were."""
    due = select(GroupPrompt).where(GroupPrompt.state == "planned", GroupPrompt.due_at <= work.now)
    rows = work.session.scalars(due.order_by(GroupPrompt.due_at, GroupPrompt.id).limit(limit)).all()
    ids = {row.group_id for row in rows}
    groups = {g.id: g for g in work.session.scalars(select(GroupChat).where(GroupChat.id.in_(ids)))}
    owners = _owners(work, groups.values())
    told = set(_told_today(work, ids))
    for row in rows:
        group = groups[row.group_id]
        owner = owners.get(group.owner.casefold())
        if row.expires_at <= work.now or group.dismissed_at is not None or owner is None or not _stands(work, row):
            row.state = "dropped"
        elif group.id in told:
            row.due_at += _NEXT
        else:
            told.add(group.id)
            row.state, row.agent_id = "queued", owner.id
            work.send("group_prompt", f"group_prompt:{row.id}", {"prompt_id": row.id}, About(agent_id=owner.id))
    return len(rows)


def _stands(work: Work, row: GroupPrompt) -> bool:
    """Whether the SOP is still in the config, switched on and for groups."""
    sop = work.settings.sops.get(row.sop_id)
    return sop is not None and sop.enabled and sop.for_groups


def _owners(work: Work, groups: Any) -> dict[str, Agent]:
    keys = {group.owner.casefold() for group in groups}
    found = select(Agent).where(Agent.key.in_(keys), Agent.left_at.is_(None))
    return {agent.key: agent for agent in work.session.scalars(found)}


def _told_today(work: Work, group_ids: set[int]) -> Iterator[int]:
    """The groups whose owner was prompted about them today already."""
    calendar = work.settings.calendar
    begins = calendar.instant(calendar.local(work.now).date(), datetime.min.time())
    told = select(GroupPrompt.group_id).where(
        GroupPrompt.group_id.in_(group_ids),
        GroupPrompt.state.in_(("queued", "sent")),
        func.coalesce(GroupPrompt.sent_at, GroupPrompt.due_at) >= begins,
    )
    yield from work.session.scalars(told)


class SendGroupPrompt(OutboxHandler):
    """Tells the owner of a group what is to be said there."""

    repeats_show = True

    def prepare(self, work: Work, system: System, row: Outbox) -> dict[str, Any]:
        prompt = work.session.get(GroupPrompt, row.payload["prompt_id"])
        group = work.session.get(GroupChat, prompt.group_id) if prompt is not None else None
        if prompt is None or group is None or group.dismissed_at is not None:
            raise NotNeededError("群已解散")
        if shifts := work.settings.calendar.quiet_shifts(work.now):
            raise PostponedError((shifts[-1].to - work.now).total_seconds())
        sop = work.settings.sops.get(prompt.sop_id)
        title = (sop.title if sop is not None else None) or "群跟进"
        page = f"{system.environment.base_url}/groups/{group.id}"
        text = f"【{title}】群「{group.name or '没有名字的群'}」该发了：\n\n{prompt.words}\n\n{page}"
        return {**row.payload, "userid": work.session.get_one(Agent, row.agent_id).userid, "text": text}

    def call(self, system: System, payload: Mapping[str, Any]) -> dict[str, Any]:
        return {"msgid": system.wecom.send_text(payload["userid"], payload["text"]).msgid}

    def record(self, work: Work, row: Outbox, result: Mapping[str, Any]) -> None:
        self._settle(work, row, "sent")

    def give_up(self, work: Work, row: Outbox, state: str, why: str) -> None:
        self._settle(work, row, "dropped")

    def _settle(self, work: Work, row: Outbox, state: str) -> None:
        prompt = work.session.get(GroupPrompt, row.payload["prompt_id"])
        if prompt is not None:
            prompt.state, prompt.sent_at = state, work.now
