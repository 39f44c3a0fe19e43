"""What an agent needs to do one task: who, why now, what to say, what was said, what else is planned."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.platform.models import Placement, SopTask, Tagging
from bot.web.customers.conversation_rows import Conversation, read_conversation_until

_MESSAGES = 8


@dataclass(frozen=True)
class TaskView:
    """A task with its surroundings. `steps` are all tasks of the enrolment, this one among them."""

    task: SopTask
    stages: tuple[Placement, ...]
    tags: tuple[str, ...]
    talk: Conversation
    steps: tuple[SopTask, ...]


def read_task(session: Session, task: SopTask, until: datetime) -> TaskView:
    """The view of a task with nothing about the customer that is newer than `until`."""
    customer = task.customer
    placements = (
        select(Placement)
        .where(Placement.customer_id == customer.id, Placement.entered_at <= until)
        .order_by(Placement.id)
    )
    carried = (
        select(Tagging.tag)
        .where(Tagging.customer_id == customer.id, Tagging.removed_at.is_(None), Tagging.tagged_at <= until)
        .order_by(Tagging.tagged_at.desc(), Tagging.id.desc())
    )
    steps = select(SopTask).where(SopTask.enrolment_id == task.enrolment_id).order_by(SopTask.step)
    stages = tuple(session.scalars(placements))
    here = {placement.stage for placement in stages}
    return TaskView(
        task=task,
        stages=stages,
        tags=tuple(tag for tag in session.scalars(carried) if tag not in here),
        talk=read_conversation_until(session, customer.id, customer.name, _MESSAGES, until),
        steps=tuple(session.scalars(steps)),
    )
