"""What an agent needs to do one task: who, why now, what to say, what was said, what else is planned."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from bot.platform.models import Placement, SopTask
from bot.platform.signed_links import TaskLink
from bot.web.customers.conversation_rows import Conversation, read_conversation
from bot.web.layout.people import carried_tags

_MESSAGES = 8


@dataclass(frozen=True)
class TaskView:
    """A task with its surroundings. `steps` are all tasks of the enrolment, this one among them."""

    task: SopTask
    stages: tuple[Placement, ...]
    tags: tuple[str, ...]
    talk: Conversation
    steps: tuple[SopTask, ...]


def read_task(session: Session, link: TaskLink) -> TaskView | None:
    """The view of a task, or None where it is gone or has been given to another agent."""
    query = (
        select(SopTask)
        .options(joinedload(SopTask.customer), joinedload(SopTask.agent))
        .where(SopTask.id == link.task_id, SopTask.agent_id == link.agent_id)
    )
    task = session.scalar(query)
    if task is None:
        return None
    customer = task.customer
    placements = select(Placement).where(Placement.customer_id == customer.id).order_by(Placement.id)
    steps = select(SopTask).where(SopTask.enrolment_id == task.enrolment_id).order_by(SopTask.step)
    stages = tuple(session.scalars(placements))
    here = {placement.stage for placement in stages}
    return TaskView(
        task=task,
        stages=stages,
        tags=tuple(tag for tag in carried_tags(session, [customer.id]).get(customer.id, ()) if tag not in here),
        talk=read_conversation(session, customer.id, customer.name, _MESSAGES),
        steps=tuple(session.scalars(steps)),
    )
