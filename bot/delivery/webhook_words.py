"""What webhooks are told of each kind of change: the name of the event, plain facts, and words only for who may."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from bot.platform.models import Agent, Follow, Order, SopEnrolment, SopTask, StageMove, Tagging

Told = tuple[str, dict[str, Any], dict[str, Any]]
TOLD_STATES = frozenset({"delivered", "completed", "replied", "expired", "cancelled", "failed"})


def _stage(_session: Session, move: StageMove, _value: str) -> Told:
    plain = {"pipeline": move.pipeline, "from": move.from_stage, "to": move.to_stage, "cause": move.cause}
    return "stage.moved", plain | {"trigger": move.trigger}, {"evidence": move.evidence}


def _tag(_session: Session, tagging: Tagging, value: str) -> Told:
    plain = {"tag": tagging.tag, "by": tagging.by, "rule": tagging.rule_id}
    return f"tag.{value or 'given'}", plain, {"reason": tagging.reason}


def _task(session: Session, task: SopTask, value: str) -> Told:
    enrolment = session.get(SopEnrolment, task.enrolment_id) or task.enrolment
    plain = {
        "task": task.ref,
        "sop": enrolment.sop_id,
        "step": task.step + 1,
        "agent": _userid(session, task.agent_id),
    }
    return f"task.{value}", plain, {"text": task.text}


def _order(_session: Session, order: Order, value: str) -> Told:
    plain = {
        "source": order.source, "id": order.own_id, "status": order.status, "amount": order.amount,
        "currency": order.currency, "quantity": order.quantity, "product_code": order.product_code,
        "product_name": order.product_name, "category": order.category, "ordered_at": _iso(order.ordered_at),
        "paid_at": _iso(order.paid_at),
    }  # fmt: skip
    return f"order.{value or 'new'}", plain, {"note": order.note}


def _waiting(session: Session, follow: Follow, _value: str) -> Told:
    plain = {"agent": _userid(session, follow.agent_id), "since": _iso(follow.waiting_since)}
    return "waiting.told", plain | {"told": sorted(follow.waiting_told)}, {}


def _userid(session: Session, agent_id: int) -> str:
    agent = session.get(Agent, agent_id)
    return agent.userid if agent is not None else ""


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at is not None else None


TELLERS: Mapping[str, Callable[[Session, Any, str], Told]] = {
    "stage": _stage,
    "tag": _tag,
    "task": _task,
    "order": _order,
    "waiting": _waiting,
}
