"""Group send handlers: create a mass message exactly once, poll its results, remind of it, cancel it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.delivery.handler import NotNeededError, OutboxHandler, PostponedError
from bot.platform.log import get_logger
from bot.platform.models import GroupSend, Outbox
from bot.platform.work import Work
from bot.sops.group_sends import fail_group_send, recipients_of, record_created, record_progress, replan_rest
from bot.sops.material_uploads import attachment_bodies
from bot.sops.message_links import tracked_in_mass
from bot.wecom import groupsends as wecom

if TYPE_CHECKING:
    from bot.system import System

LOOK_UP_AFTER = timedelta(seconds=30)  # WeCom's list may lack what was created a moment ago
MATERIAL_WAIT = 60.0
_log = get_logger(__name__)


class MakeGroupSend(OutboxHandler):
    """Create the mass message for the agent to confirm.

    A second one would be seen by thousands: after a call whose outcome is unknown, WeCom's list is asked first and
    what can only be ours is taken over. It may include customers who dropped out since; `watch_open` then cancels it.
    """

    def prepare(self, work: Work, system: System, row: Outbox) -> dict[str, Any]:
        group = _group(work.session, row)
        since = row.first_tried_at if row.first_tried_at is not None and row.first_tried_at < work.now else None
        if since is not None and work.now - since < LOOK_UP_AFTER:
            raise PostponedError((since + LOOK_UP_AFTER - work.now).total_seconds())
        customers = recipients_of(work.session, group)
        if not customers and since is None:
            group.state, group.ended_because = "cancelled", "客户都已不需要"
            raise NotNeededError("客户都已不需要")
        if work.now >= group.expires_at and since is None:
            fail_group_send(work.session, group, "expired", "没能在有效期内发起群发")
            raise NotNeededError("没能在有效期内发起群发")
        attach = tracked_in_mass(system, group.attach, group.id)
        bodies, missing = attachment_bodies(work.session, attach, work.now)
        if missing:
            _log.warning("mass message waits for materials", group_send=group.id, missing=missing)
            raise PostponedError(MATERIAL_WAIT)
        return {
            "group_send_id": group.id,
            "sender": group.agent.userid,
            "customers": customers,
            "tried": sorted({*row.payload.get("tried", ()), *customers}),
            "text": group.text,
            "attachments": bodies,
            "since": since.isoformat() if since else None,
            "until": work.now.isoformat(),
            "known": _known(work.session, group) if since else [],
        }

    def call(self, system: System, payload: Mapping[str, Any]) -> dict[str, Any]:
        if payload["since"]:
            between = datetime.fromisoformat(payload["since"]), datetime.fromisoformat(payload["until"])
            draft = wecom.Draft(payload["sender"], payload["tried"], payload["text"])
            found = wecom.find_created(system.wecom, draft, between, payload["known"])
            for double in found[1:]:
                wecom.cancel(system.wecom, double.msgid)
            if found:
                return {"msgid": found[0].msgid, "refused": found[0].refused}
        if not payload["customers"]:
            return {"msgid": "", "refused": []}
        draft = wecom.Draft(payload["sender"], payload["customers"], payload["text"], payload["attachments"])
        made = wecom.create(system.wecom, draft)
        return {"msgid": made.msgid, "refused": made.refused}

    def record(self, work: Work, row: Outbox, result: Mapping[str, Any]) -> None:
        group = _group(work.session, row)
        if result["msgid"]:
            record_created(work, group, result["msgid"], result["refused"])
        else:
            group.state, group.ended_because = "cancelled", "客户都已不需要"

    def give_up(self, work: Work, row: Outbox, state: str, why: str) -> None:
        unsure = state == "failed" and row.first_tried_at is not None  # an earlier call may have made it
        fail_group_send(work.session, _group(work.session, row), "unknown" if unsure else state, why)


class PollGroupSend(OutboxHandler):
    """Read whether the agent has confirmed and what each customer's result is: WeCom sends no event about it."""

    def prepare(self, work: Work, system: System, row: Outbox) -> dict[str, Any]:
        return _asked(work.session, row, ("created", "confirmed"))

    def call(self, system: System, payload: Mapping[str, Any]) -> dict[str, Any]:
        return _progress(system, payload)

    def conclude(self, work: Work, system: System, row: Outbox, result: Mapping[str, Any]) -> None:
        record_progress(work, _group(work.session, row), result)

    def give_up(self, work: Work, row: Outbox, state: str, why: str) -> None:
        fail_group_send(work.session, _group(work.session, row), "unknown", why)


class CancelGroupSend(OutboxHandler):
    """Cancel an unconfirmed mass message. Where the agent confirmed first, what they sent is recorded instead."""

    def prepare(self, work: Work, system: System, row: Outbox) -> dict[str, Any]:
        return _asked(work.session, row, ("created",))

    def call(self, system: System, payload: Mapping[str, Any]) -> dict[str, Any]:
        progress = _progress(system, payload)
        if progress["confirmed_at"]:
            return progress
        wecom.cancel(system.wecom, payload["msgid"])
        return _progress(system, payload)  # the agent may have confirmed between the two calls

    def conclude(self, work: Work, system: System, row: Outbox, result: Mapping[str, Any]) -> None:
        group = _group(work.session, row)
        record_progress(work, group, result)
        if group.state == "created":
            replan_rest(work, group)

    def give_up(self, work: Work, row: Outbox, state: str, why: str) -> None:
        fail_group_send(work.session, _group(work.session, row), "unknown", why)


class RemindGroupSend(OutboxHandler):
    """Remind the agent; a refusal counts as a reminder as well, since WeCom refuses once its own limit is reached."""

    def prepare(self, work: Work, system: System, row: Outbox) -> dict[str, Any]:
        return _asked(work.session, row, ("created",))

    def call(self, system: System, payload: Mapping[str, Any]) -> dict[str, Any]:
        wecom.remind(system.wecom, payload["msgid"])
        return {}

    def record(self, work: Work, row: Outbox, result: Mapping[str, Any]) -> None:
        _note_reminder(_group(work.session, row), work.now)

    def give_up(self, work: Work, row: Outbox, state: str, why: str) -> None:
        _note_reminder(_group(work.session, row), row.done_at or row.created_at)


def _note_reminder(group: GroupSend, at: datetime) -> None:
    group.reminded_at = [*group.reminded_at, at.isoformat()]


def _group(session: Session, row: Outbox) -> GroupSend:
    return session.get_one(GroupSend, row.payload["group_send_id"])


def _asked(session: Session, row: Outbox, states: tuple[str, ...]) -> dict[str, Any]:
    group = _group(session, row)
    if group.state not in states or group.msgid is None:
        raise NotNeededError(f"群发状态已是 {group.state}")
    return {"group_send_id": group.id, "msgid": group.msgid, "sender": group.agent.userid}


def _progress(system: System, payload: Mapping[str, Any]) -> dict[str, Any]:
    """{confirmed_at: ISO or None, results: [[external_userid, status, unix time]] of those not unsent any more}."""
    found = wecom.progress(system.wecom, payload["msgid"], payload["sender"])
    at = found.confirmed_at
    return {"confirmed_at": at.isoformat() if at else None, "results": [list(result) for result in found.results]}


def _known(session: Session, group: GroupSend) -> list[str]:
    """The msgids of other mass messages of the same words."""
    others = select(GroupSend.msgid).where(
        GroupSend.text == group.text, GroupSend.id != group.id, GroupSend.msgid.is_not(None)
    )
    return [msgid for msgid in session.scalars(others) if msgid]
