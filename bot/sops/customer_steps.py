"""Customer steps: keeps to one open step per customer among those that go by card."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.platform.models import SopTask
from bot.platform.work import Work
from sop.cards import ANSWER_FIRST, CustomerStep, Deed, beside
from sop.gate import BESIDE_ANOTHER

_OUT = ("queued", "delivered")


def bring_forward(work: Work, customer_id: int) -> None:
    """Once a customer's open step is done, have those that waited for it looked at again now."""
    later = select(SopTask).where(
        SopTask.customer_id == customer_id, SopTask.state == "planned", SopTask.due_at > work.now
    )
    for task in work.session.scalars(later):
        if task.shifts and task.shifts[-1][0] in (BESIDE_ANOTHER, ANSWER_FIRST):
            task.due_at = work.now


class CustomerSteps:
    """The steps that are out for the customers of a batch of due tasks, read by one query."""

    def __init__(self, session: Session, tasks: Sequence[SopTask]) -> None:
        mine, customers = {task.id for task in tasks}, {task.customer_id for task in tasks}
        out = select(SopTask).where(
            SopTask.customer_id.in_(customers), SopTask.state.in_(_OUT), SopTask.channel == "card"
        )
        self._open: dict[int, list[SopTask]] = defaultdict(list)
        for task in session.scalars(out.order_by(SopTask.id)):
            if task.id not in mine:
                self._open[task.customer_id].append(task)

    def must_wait(self, task: SopTask) -> bool:
        """Whether a due task waits for another one of its customer."""
        return "wait" in (deed for _, deed in self._deeds(task))

    def make_room(self, task: SopTask) -> tuple[list[SopTask], list[SopTask]]:
        """Those that a task which goes out now takes the place of, and those that come again later.

        What it waited for until it could wait no longer is overtaken as well.
        """
        deeds = list(self._deeds(task))
        overtaken = [other for other, deed in deeds if deed != "put-off" and other.state == "delivered"]
        later = [other for other, deed in deeds if deed == "put-off"]
        self._open[task.customer_id] = [
            other for other in self._open[task.customer_id] if other not in (*overtaken, *later)
        ]
        return overtaken, later

    def take(self, task: SopTask) -> None:
        """Count a task that is let go among those that are out."""
        if task.channel == "card":
            self._open[task.customer_id].append(task)

    def _deeds(self, task: SopTask) -> Iterable[tuple[SopTask, Deed]]:
        if task.channel != "card" or task.agent.left_at is not None:  # whoever takes over gets all that is open
            return
        for other in self._open[task.customer_id]:
            if other is not task:
                yield other, beside(_step(task), _step(other))


def _step(task: SopTask) -> CustomerStep:
    urgent = task.anytime and not task.prompts
    return CustomerStep(task.enrolment_id, task.step, task.priority, urgent, sent=task.state == "delivered")
