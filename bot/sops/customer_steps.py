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


def bring_forward(work: Work, steps: Iterable[SopTask]) -> None:
    """Once a customer's open step is done, have those of their steps that waited for it looked at again now."""
    for task in steps:
        waits = bool(task.shifts) and task.shifts[-1][0] in (BESIDE_ANOTHER, ANSWER_FIRST)
        if waits and task.state == "planned" and task.due_at > work.now:
            task.due_at = work.now


def steps_that_wait(work: Work, customer_id: int) -> Sequence[SopTask]:
    """The planned steps of a customer, for who has not loaded all that is open about them."""
    planned = select(SopTask).where(SopTask.customer_id == customer_id, SopTask.state == "planned")
    return work.session.scalars(planned.order_by(SopTask.id)).all()


class CustomerSteps:
    """The steps that are out for the customers of due tasks."""

    def __init__(self, due: Sequence[SopTask], steps: Iterable[SopTask]) -> None:
        """due: the tasks to decide about; steps: those of their customers, of which some are out."""
        mine = {task.id for task in due}
        self._open: dict[int, list[SopTask]] = defaultdict(list)
        for task in sorted(steps, key=lambda task: task.id):
            if task.id not in mine and task.state in _OUT and task.channel == "card":
                self._open[task.customer_id].append(task)

    @classmethod
    def read(cls, session: Session, due: Sequence[SopTask]) -> CustomerSteps:
        """Read what is out by one query."""
        customers = {task.customer_id for task in due}
        out = select(SopTask).where(SopTask.customer_id.in_(customers), SopTask.state.in_(_OUT))
        return cls(due, session.scalars(out))

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
