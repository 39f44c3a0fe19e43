"""SendGate: gathers what sop.gate needs to let due prompts leave, wait or be dropped."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.platform.config.settings import Settings
from bot.platform.models import Customer, Message, Outbox, SopTask, Tagging
from bot.platform.work import Work
from bot.sops.customer_steps import CustomerSteps
from sop.budget import talks
from sop.cards import HELD_BACK, LOOK_AGAIN
from sop.gate import BESIDE_ANOTHER, UNFIT, Drop, Go, Situation, Wait, decide_card
from sop.playbook import Sop
from sop.workcalendar import Postponement
from sop.workspace import Budget
from taggers.models.matrix import cell_of
from taggers.models.mindset import mindset_of
from taggers.models.records import Sign

MOST_SHIFTS = 20
WEEK = timedelta(days=8)  # the longest period of a budget, and a day for local days that overlap its edges


@dataclass(frozen=True)
class Known:
    """When our side opened talks with each customer, when each step of an enrolment was prompted, each agent's last
    card, which steps are out, and customers' mindsets."""

    contacts: dict[int, list[datetime]]
    own: dict[int, dict[int, datetime]]
    last_card: dict[int, datetime]
    steps: CustomerSteps
    minds: dict[int, str]


class SendGate:
    """Situations of a batch of due tasks, read by five queries however many there are."""

    def __init__(self, session: Session, settings: Settings, tasks: Sequence[SopTask], now: datetime) -> None:
        self.settings, self.now = settings, now
        customers, agents = {task.customer_id for task in tasks}, {task.agent_id for task in tasks}
        self._contacts = _contacts(session, customers, now - WEEK, settings.tables.budget.talk_hold)
        self._own = _own_prompts(session, {task.enrolment_id for task in tasks})
        self._last_card = last_told(session, agents, now - settings.tables.budget.agent_gap)
        self.steps = CustomerSteps.read(session, tasks)
        self._minds = read_minds(session, settings, customers)

    @classmethod
    def knowing(cls, settings: Settings, now: datetime, known: Known) -> SendGate:
        """A gate to which everything is known already."""
        gate = cls.__new__(cls)
        gate.settings, gate.now = settings, now
        gate._contacts, gate._own, gate._last_card = known.contacts, known.own, known.last_card
        gate.steps, gate._minds = known.steps, known.minds
        return gate

    def decide(self, task: SopTask) -> Go | Wait | Drop:
        """Now, later, or not at all. What is let go counts against the budget of what is asked about next."""
        customer = task.customer
        sop = self.settings.sops.get(task.enrolment.sop_id)
        waits = task.anytime and _waits_for_answer(customer.last_word_at, customer.said_to_at)
        situation = Situation(
            contacts=() if waits else tuple(self._contacts[task.customer_id]),
            last_agent_word_at=None if waits else customer.said_to_at,
            last_card_at=None if task.anytime else self._last_card.get(task.agent_id),
            anytime=task.anytime,
            expires_at=task.expires_at,
            own=() if waits else tuple(at for step, at in self._own[task.enrolment_id].items() if step != task.step),
            cap=sop.cap if sop is not None else None,
            busy_until=self._busy_until(task),
            unfit=self._is_unfit(task, sop),
        )
        decision = decide_card(self.now, situation, self._budget(customer), self.settings.calendar)
        if isinstance(decision, Go):
            self._contacts[task.customer_id].append(self.now)
            self._own[task.enrolment_id][task.step] = self.now
            self.steps.take(task)
            if task.anytime:  # goes out alone; whatever else the agent gets keeps its distance
                self._last_card[task.agent_id] = self.now
        return decision

    def _budget(self, customer: Customer) -> Budget:
        """What may reach this customer: as the matrix says of their cell, or as of everybody."""
        budget, matrix = self.settings.tables.budget, self.settings.tables.models.matrix
        if not matrix.cells:
            return budget
        cell = cell_of(customer.activity, customer.conversion, matrix).cell
        return budget.model_copy(update={"customer": cell.budget}) if cell and cell.budget else budget

    def _is_unfit(self, task: SopTask, sop: Sop | None) -> bool:
        step = sop.steps[task.step] if sop is not None and task.step < len(sop.steps) else None
        return step is not None and self._minds.get(task.customer_id, "") in step.not_for

    def _busy_until(self, task: SopTask) -> datetime | None:
        """Until when a task waits for another step of its customer; not at all where it would be too late then."""
        again = self.now + LOOK_AGAIN
        return again if again < task.expires_at and self.steps.must_wait(task) else None


def asks_for_minds(settings: Settings) -> bool:
    """Whether any step is not for some mindset, and tags show mindsets."""
    steps = (step for sop in settings.tables.sops for step in sop.steps)
    return bool(settings.tables.models.mindset) and any(step.not_for for step in steps)


def read_minds(session: Session, settings: Settings, customers: Collection[int]) -> dict[int, str]:
    """By customer: their mindset; not asked for where no step cares. One statement."""
    if not asks_for_minds(settings):
        return {}
    carried: dict[int, list[Sign]] = defaultdict(list)
    mine = Tagging.customer_id.in_(customers), Tagging.removed_at.is_(None)
    for customer_id, tag, at in session.execute(
        select(Tagging.customer_id, Tagging.tag, Tagging.tagged_at).where(*mine)
    ):
        carried[customer_id].append(Sign(tag, at))
    return {one: mindset_of(signs, settings.tables.models.mindset).name for one, signs in carried.items()}


def shift_row(shift: Postponement) -> list[str]:
    """A shift as a task keeps it."""
    return [shift.reason, shift.from_.isoformat(), shift.to.isoformat()]


def add_shifts(task: SopTask, *shifts: Postponement) -> None:
    """Note why a task was put off, once for each reason in a row; only the latest are kept, so that one put off for
    ever does not grow."""
    kept = list(task.shifts)
    for reason, from_, to in map(shift_row, shifts):
        if reason in (BESIDE_ANOTHER, UNFIT, HELD_BACK) and kept and kept[-1][0] == reason:
            from_ = kept.pop()[1]
        kept.append([reason, from_, to])
    task.shifts = kept[-MOST_SHIFTS:]


def _waits_for_answer(spoke_at: datetime | None, said_to_at: datetime | None) -> bool:
    """Whether the last word is the customer's: an answer to it does not disturb them."""
    return spoke_at is not None and (said_to_at is None or spoke_at >= said_to_at)


def contacts_of(work: Work, customer_id: int, gap: timedelta) -> list[datetime]:
    """When our side reached one customer lately."""
    return _contacts(work.session, {customer_id}, work.now - WEEK, gap)[customer_id]


def _contacts(session: Session, customers: set[int], since: datetime, gap: timedelta) -> dict[int, list[datetime]]:
    """When our side opened talks with each customer: agents' words in the archive, and prompts not yet followed."""
    words: dict[int, list[datetime]] = defaultdict(list)
    said = select(Message.customer_id, Message.sent_at).where(
        Message.customer_id.in_(customers), Message.role == "agent", Message.sent_at > since
    )
    for customer_id, sent_at in session.execute(said):
        if customer_id is not None:
            words[customer_id].append(sent_at)
    opened: dict[int, list[datetime]] = defaultdict(list)
    opened.update({customer_id: list(talks(times, gap)) for customer_id, times in words.items()})
    pending = select(SopTask.customer_id, SopTask.delivered_at).where(
        SopTask.customer_id.in_(customers), SopTask.state == "delivered", SopTask.delivered_at > since
    )
    for customer_id, delivered_at in session.execute(pending):
        if delivered_at is not None:
            opened[customer_id].append(delivered_at)
    return opened


def _own_prompts(session: Session, enrolments: set[int]) -> dict[int, dict[int, datetime]]:
    """When each step of these enrolments was prompted, or done before its prompt; both count for the SOP's cap."""
    found: dict[int, dict[int, datetime]] = defaultdict(dict)
    when = func.coalesce(SopTask.delivered_at, SopTask.completed_at, SopTask.due_at)
    out = SopTask.state.in_(("queued", "delivered", "completed", "replied", "unknown"))
    prompted = select(SopTask.enrolment_id, SopTask.step, when).where(
        SopTask.enrolment_id.in_(enrolments), out | SopTask.delivered_at.is_not(None)
    )
    for enrolment_id, step, at in session.execute(prompted):
        found[enrolment_id][step] = at
    return found


def last_told(
    session: Session, agents: Collection[int], since: datetime, kinds: Sequence[str] = ("card", "digest", "day_list")
) -> dict[int, datetime]:
    """When each of the agents was last sent something of these kinds, if that was after `since`."""
    recent = (
        select(Outbox.agent_id, func.max(Outbox.created_at))
        .where(
            Outbox.agent_id.in_(agents),
            Outbox.kind.in_(kinds),
            Outbox.state.in_(("waiting", "sending", "sent", "unknown")),
            Outbox.created_at > since,
        )
        .group_by(Outbox.agent_id)
    )
    return {agent_id: at for agent_id, at in session.execute(recent) if agent_id is not None}
