"""Everything the customer page shows beside the conversation, by a fixed number of queries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from bot.agents.manual_moves import last_moves
from bot.agents.own_wordings import own_book
from bot.agents.past_answers import PastAnswers
from bot.agents.promises import promises_about
from bot.agents.questions import questions_of
from bot.agents.suggestions import Suggestion, suggest
from bot.customers.consent import ConsentStatus, consent_statuses
from bot.customers.state import CustomerState, load_customer
from bot.platform.models import (
    Agent,
    Customer,
    Evidence,
    Feedback,
    Follow,
    Note,
    OpenQuestion,
    Promise,
    SopEnrolment,
    SopTask,
    Tagging,
)
from bot.platform.work import Work
from bot.sops.outlook import Outlook, outlook
from bot.web.customers.field_rows import (
    AskedReason,
    FieldView,
    ProfileView,
    asked_reasons,
    read_fields,
    read_profiles,
)
from bot.web.customers.impression_rows import ImpressionsView, read_view
from bot.web.customers.order_rows import OrdersView, read_orders
from bot.web.customers.portrait_rows import ModelView, read_models
from bot.web.customers.score_rows import LedgerView, read_ledgers
from bot.web.customers.timeline_rows import Timeline, read_timeline
from sop.playbook import Sop

_TASKS = 60
_NOTES = 50


@dataclass(frozen=True)
class CarriedTag:
    """A tag the customer carries; the evidence it was earned by, and what the reader said of that before."""

    row: Tagging
    evidence_id: int | None = None
    message_id: int | None = None
    said: bool | None = None


@dataclass(frozen=True)
class EnrolmentView:
    """An SOP the customer is or was on, with its steps."""

    enrolment: SopEnrolment
    title: str
    tasks: Sequence[SopTask]


@dataclass(frozen=True)
class CustomerView:
    """A customer and all that their page shows; lists are newest first, steps in their order."""

    customer: Customer
    state: CustomerState
    follows: tuple[Follow, ...]
    carried: tuple[CarriedTag, ...]
    courses: tuple[EnrolmentView, ...]
    timeline: Timeline
    notes: tuple[Note, ...]
    promises: Sequence[Promise]
    questions: Sequence[OpenQuestion]
    fields: tuple[FieldView, ...]
    profiles: tuple[ProfileView, ...]
    reasons: tuple[AskedReason, ...]
    suggestions: tuple[Suggestion, ...]
    consents: tuple[ConsentStatus, ...]
    can_start: tuple[Sop, ...]
    can_tag: tuple[str, ...]
    outlooks: Mapping[str, Mapping[str, Outlook]]
    ledgers: tuple[LedgerView, ...]
    models: tuple[ModelView, ...]
    impressions: ImpressionsView
    orders: OrdersView

    @property
    def agent(self) -> Agent | None:
        """The agent who talked with the customer last."""
        return self.follows[0].agent if self.follows else None


def read_customer(
    work: Work, customer: Customer, reader: str, agent_id: int | None, past: PastAnswers | None = None
) -> CustomerView:
    """The view of one customer. reader: the visitor; agent_id: theirs, if they are an agent."""
    state = load_customer(work.session, customer)
    follows = sorted(state.active_follows, key=lambda f: f.last_talk_at or f.added_at, reverse=True)
    agent = next((f.agent for f in follows if f.agent_id == agent_id), follows[0].agent if follows else None)
    titles = {sop.id: sop.title or sop.id for sop in work.settings.sops.values()}
    running = {e.sop_id for e in state.enrolments if e.ended_at is None}
    notes = select(Note).where(Note.customer_id == customer.id, Note.removed_at.is_(None))
    moves = last_moves(work.session, state)
    return CustomerView(
        customer=customer,
        state=state,
        follows=tuple(follows),
        carried=_carried(work.session, state, reader),
        courses=_courses(work.session, customer.id, titles),
        timeline=read_timeline(work.session, customer.id, titles),
        notes=tuple(work.session.scalars(notes.order_by(Note.id.desc()).limit(_NOTES))),
        promises=promises_about(work.session, customer.id, work.now),
        questions=questions_of(work.session, customer.id, work.now),
        fields=read_fields(work, state),
        profiles=read_profiles(work, state),
        reasons=asked_reasons(work, state),
        suggestions=_suggestions(work, state, agent, agent_id, past) if agent else (),
        consents=tuple(consent_statuses(work, customer.id)),
        can_start=tuple(sop for sop in work.settings.sops.values() if sop.id not in running and not sop.for_groups),
        can_tag=tuple(sorted(work.settings.known_tags - state.tags)),
        outlooks={one.name: outlook(work, state, one, moves.get(one.name)) for one in work.settings.pipelines},
        ledgers=read_ledgers(work, state, reader),
        models=read_models(work, customer),
        impressions=read_view(work.session, customer.id, reader),
        orders=read_orders(work.session, customer.id),
    )


def _suggestions(
    work: Work, state: CustomerState, agent: Agent, reader: int | None, past: PastAnswers | None
) -> tuple[Suggestion, ...]:
    """What the agent may say; their own wordings are shown to themself only. reader: the visitor's agent."""
    return tuple(suggest(work, state, agent, past, own_book(work, agent) if agent.id == reader else None))


def read_evidence(
    session: Session, customer_id: int, message_id: int, reader: str
) -> list[tuple[Evidence, bool | None]]:
    """What rules found in one message of the customer, and what the reader said of it. One query."""
    mine = (Feedback.evidence_id == Evidence.id) & (Feedback.author == reader)
    query = (
        select(Evidence, Feedback.right)
        .outerjoin(Feedback, mine)
        .where(Evidence.message_id == message_id, Evidence.customer_id == customer_id, Evidence.counted > 0)
        .order_by(Evidence.id)
    )
    return [(row, said) for row, said in session.execute(query)]


def _carried(session: Session, state: CustomerState, reader: str) -> tuple[CarriedTag, ...]:
    rows = sorted(state.carried.values(), key=lambda row: (row.tagged_at, row.id), reverse=True)
    keys = {(row.rule_id, row.msgid) for row in rows if row.rule_id and row.msgid}
    mine = (Feedback.evidence_id == Evidence.id) & (Feedback.author == reader)
    query = (
        select(Evidence, Feedback.right)
        .outerjoin(Feedback, mine)
        .where(
            Evidence.customer_id == state.customer.id,
            Evidence.rule_id.in_({rule for rule, _ in keys}),
            Evidence.occasion.in_({msgid for _, msgid in keys}),
        )
    )
    found = (
        {(e.rule_id, e.occasion): (e.id, e.message_id, said) for e, said in session.execute(query)} if keys else {}
    )
    return tuple(CarriedTag(row, *found.get((row.rule_id or "", row.msgid or ""), ())) for row in rows)


def _courses(session: Session, customer_id: int, titles: dict[str, str]) -> tuple[EnrolmentView, ...]:
    query = (
        select(SopTask)
        .options(joinedload(SopTask.agent), joinedload(SopTask.enrolment))
        .join(SopEnrolment, SopEnrolment.id == SopTask.enrolment_id)
        .where(SopTask.customer_id == customer_id)
        .order_by(SopEnrolment.id.desc(), SopTask.step)
        .limit(_TASKS)
    )
    found: dict[int, list[SopTask]] = {}
    for task in session.scalars(query):
        found.setdefault(task.enrolment_id, []).append(task)
    courses = [
        EnrolmentView(tasks[0].enrolment, titles.get(tasks[0].enrolment.sop_id, ""), tasks)
        for tasks in found.values()
    ]
    return tuple(sorted(courses, key=lambda course: course.enrolment.ended_at is not None))
