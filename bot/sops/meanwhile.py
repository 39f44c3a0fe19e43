"""Meanwhile: whether an SOP that a move ended would by now have ended of itself, had it gone on."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from bot.customers.state import CustomerState
from bot.platform.models import Message, SopEnrolment
from bot.platform.work import Work
from bot.sops.enrolment import ends_of
from sop.stopping import stops


def ended_meanwhile(work: Work, state: CustomerState, enrolment: SopEnrolment, pipeline: str) -> bool:
    """Whether anything has happened since it ended that its own list stops by. pipeline: that of the move which ended
    it, whose stages do not count."""
    if enrolment.ended_at is None:
        return False
    happened = [*_tags(state, enrolment.ended_at), *_stages(work, state, enrolment.ended_at, pipeline)]
    if stops(enrolment.stop, happened) is not None:
        return True
    return "reply" in enrolment.stop and _replied(work, state, enrolment, enrolment.ended_at)


def _tags(state: CustomerState, since: datetime) -> list[str]:
    return [f"tag:{tag}" for tag, row in state.carried.items() if row.tagged_at >= since]


def _stages(work: Work, state: CustomerState, since: datetime, pipeline: str) -> list[str]:
    others = [one for one in work.settings.pipelines if one.name != pipeline]
    placed = [(one, state.placements[one.name]) for one in others if one.name in state.placements]
    reached = [one.stage(place.stage) for one, place in placed if place.entered_at >= since]
    return [name for stage in reached for name in ends_of(stage)]


def _replied(work: Work, state: CustomerState, enrolment: SopEnrolment, since: datetime) -> bool:
    """Whether the customer has answered, in a talk between two, after our side had said something."""
    said = state.customer.said_to_at
    if said is None or said < enrolment.enrolled_at:
        return False
    words = select(Message.id).where(
        Message.customer_id == state.customer.id,
        Message.role == "customer",
        Message.roomid == "",
        Message.action == "send",
        Message.unagreed.is_(False),
        Message.revoked_at.is_(None),
        Message.sent_at >= since,
    )
    return work.session.scalar(words.limit(1)) is not None
