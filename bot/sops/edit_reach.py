"""Edit reach: whom an edit of an SOP reaches among those who are on it, step by step, said before it is saved."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import and_, case, func, select
from sqlalchemy.orm import Session

from bot.platform.models import SopEnrolment, SopTask
from sop.playbook import Sop
from sop.step_identity import match_steps, timing_changed

OPEN_STATES = ("planned", "queued", "delivered", "unknown")


@dataclass(frozen=True)
class StepReach:
    """One step that the edit changes. number: counts from 1, in the SOP before it. waiting: not yet prompted of it.

    what: words | time | both | gone | other (an attachment, a tag, how long it is valid).
    """

    number: int
    what: str
    waiting: int


@dataclass(frozen=True)
class Reach:
    """running: how many are on the SOP. prompted: open prompts of theirs that stay as they are. added: new steps."""

    running: int = 0
    prompted: int = 0
    steps: tuple[StepReach, ...] = ()
    added: int = 0

    @property
    def touched(self) -> int:
        """How many prompts to come are changed."""
        return sum(step.waiting for step in self.steps)


def reach_of(session: Session, old: Sop, new: Sop) -> Reach:
    """Whom saving `new` in place of `old` reaches. Two statements."""
    mine = and_(SopEnrolment.sop_id == old.id, SopEnrolment.ended_at.is_(None))
    running = session.scalar(select(func.count()).select_from(SopEnrolment).where(mine)) or 0
    waits = case((and_(SopTask.state == "planned", SopTask.prompts == 0), 1), else_=0)
    counts = session.execute(
        select(SopTask.step, func.sum(waits), func.count() - func.sum(waits))
        .join(SopEnrolment, SopEnrolment.id == SopTask.enrolment_id)
        .where(mine, SopTask.state.in_(OPEN_STATES))
        .group_by(SopTask.step)
    ).all()
    waiting = {step: int(count) for step, count, _ in counts}
    became = match_steps(old.steps, new.steps)
    changed = [
        StepReach(i + 1, what, waiting.get(i, 0))
        for i in range(len(old.steps))
        if (what := _changed(old, new, i, became.get(i)))
    ]
    added = len(new.steps) - len(became)
    return Reach(running, sum(int(told) for *_, told in counts), tuple(changed), added)


def _changed(old: Sop, new: Sop, i: int, j: int | None) -> str:
    if j is None:
        return "gone"
    before, after = old.steps[i], new.steps[j]
    words, time = before.say != after.say, timing_changed(before, after)
    if words or time:
        return "both" if words and time else "words" if words else "time"
    return "other" if before != after or (old.channel, old.priority) != (new.channel, new.priority) else ""
