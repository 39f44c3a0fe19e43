"""CustomerState: all that deciding about a batch's customers needs, read at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Select, func, select, true
from sqlalchemy.orm import Session, lazyload, selectinload
from sqlalchemy.orm.attributes import set_committed_value

from bot.customers.scores import Ledgers
from bot.platform.database.among import among
from bot.platform.models import (
    Agent,
    Consent,
    Customer,
    CustomerField,
    Follow,
    OpenQuestion,
    OwnFollowUp,
    Placement,
    Promise,
    SopEnrolment,
    SopTask,
    StageMove,
    Tagging,
    ToldFact,
    WordingOffer,
)

T = TypeVar("T")
OPEN_STATES = ("planned", "queued", "delivered", "unknown")


@dataclass
class Fellows:
    """Customers whose states were read together: what is asked about one of them is asked about all at once."""

    states: dict[int, CustomerState]
    _known: dict[str, Any] = field(default_factory=dict)

    def ask(self, name: str, read: Callable[[list[int]], Iterable[T]]) -> list[T]:
        """What `read` finds for the ids of all, 2,000 at a time; asked once under a name."""
        if name not in self._known:
            self._known[name] = [found for ids in _chunks(list(self.states)) for found in read(ids)]
        known: list[T] = self._known[name]
        return known

    def once(self, name: str, read: Callable[[], T]) -> T:
        """What was found under this name before, or is now."""
        if name not in self._known:
            self._known[name] = read()
        known: T = self._known[name]
        return known

    def part(self) -> None:
        """Nothing more will be asked about them."""
        self.states.clear()
        self._known.clear()


@dataclass
class CustomerState:
    """One customer with everything open about them. Lists hold rows of the session and follow what is decided."""

    customer: Customer
    follows: list[Follow] = field(default_factory=list)
    placements: dict[str, Placement] = field(default_factory=dict)
    carried: dict[str, Tagging] = field(default_factory=dict)
    enrolments: list[SopEnrolment] = field(default_factory=list)
    answerable: list[SopTask] = field(default_factory=list)
    answered: list[SopTask] = field(default_factory=list)  # by the message being looked at
    fields: dict[str, str] = field(default_factory=dict)
    field_rows: dict[str, CustomerField] = field(default_factory=dict)
    own_follow_ups: list[OwnFollowUp] = field(default_factory=list)  # the open ones
    told: dict[str, list[ToldFact]] | None = None  # by field, once asked: all that was told of it
    promises: list[Promise] | None = None  # once asked: those that are open
    questions: list[OpenQuestion] | None = None  # once asked: those that are open
    offers: list[WordingOffer] | None = None  # once asked: words offered lately that nobody answered yet
    ledgers: Ledgers | None = None  # entries of the two ledgers, once asked
    refused: set[int] = field(default_factory=set)  # ids of agents towards whom they refuse archiving
    recent_hits: dict[str, dict[str, datetime]] = field(default_factory=dict)  # just now: by rule, what hit when
    previous_stage: dict[str, str | None] = field(default_factory=dict)  # by pipeline, once asked: the stage before
    moved: dict[str, StageMove] = field(default_factory=dict)  # by pipeline: the last move made just now
    returning: list[str] = field(default_factory=list)  # stages that tags of a customer counted as lost lead to
    shadow_starts: list[tuple[str, str, datetime]] = field(default_factory=list)  # just noted: SOP, cause, end
    happened_at: datetime | None = None  # when what is being looked at happened, however late it is read
    fellows: Fellows = field(default_factory=lambda: Fellows({}))  # those whose states were read together with it

    @property
    def tags(self) -> frozenset[str]:
        return frozenset(self.carried)

    @property
    def stages(self) -> dict[str, str]:
        return {name: placement.stage for name, placement in self.placements.items()}

    @property
    def active_follows(self) -> list[Follow]:
        return [follow for follow in self.follows if follow.ended_at is None]

    @property
    def open_tasks(self) -> list[SopTask]:
        """Tasks of running enrolments that nobody has fulfilled yet, by due time."""
        tasks = [t for e in self.enrolments if e.ended_at is None for t in e.tasks if t.state in OPEN_STATES]
        return sorted(tasks, key=lambda task: (task.due_at, task.step))

    @property
    def running(self) -> list[SopEnrolment]:
        """Enrolments that have not ended."""
        return [enrolment for enrolment in self.enrolments if enrolment.ended_at is None]

    def follow_of(self, agent: Agent) -> Follow | None:
        return next((follow for follow in self.follows if follow.agent is agent), None)


def load_customers(session: Session, customers: Sequence[Customer]) -> dict[int, CustomerState]:
    """Read the states of these customers: ten queries for every 2,000 of them."""
    fellows = Fellows({})
    states = {customer.id: CustomerState(customer, fellows=fellows) for customer in customers}
    fellows.states.update(states)
    for ids in _chunks(list(states)):
        _fill(session, states, ids)
    return states


def load_customer(session: Session, customer: Customer) -> CustomerState:
    """The state of one customer."""
    return load_customers(session, [customer])[customer.id]


def _fill(session: Session, states: dict[int, CustomerState], ids: list[int]) -> None:
    for follow in _follows(session, ids):
        states[follow.customer_id].follows.append(follow)
    for placement in session.scalars(select(Placement).where(among(Placement.customer_id, ids))):
        states[placement.customer_id].placements[placement.pipeline] = placement
    for fact in session.scalars(select(CustomerField).where(among(CustomerField.customer_id, ids))):
        states[fact.customer_id].fields[fact.name] = fact.value
        states[fact.customer_id].field_rows[fact.name] = fact
    for customer_id, agent_id in _refusals(session, ids):
        states[customer_id].refused.add(agent_id)
    carried = select(Tagging).where(among(Tagging.customer_id, ids), Tagging.removed_at.is_(None))
    for tagging in session.scalars(carried):
        states[tagging.customer_id].carried[tagging.tag] = tagging
    running = (
        select(SopEnrolment)
        .where(among(SopEnrolment.customer_id, ids), SopEnrolment.ended_at.is_(None))
        .options(selectinload(SopEnrolment.tasks))
        .order_by(SopEnrolment.id)
    )
    for enrolment in session.scalars(running):
        states[enrolment.customer_id].enrolments.append(enrolment)
    answerable = select(SopTask).where(
        among(SopTask.customer_id, ids), SopTask.window_until.is_not(None), SopTask.window_closed_at.is_(None)
    )
    for task in session.scalars(answerable.options(selectinload(SopTask.enrolment)).order_by(SopTask.id)):
        states[task.customer_id].answerable.append(task)
    wanted = select(OwnFollowUp).where(among(OwnFollowUp.customer_id, ids), OwnFollowUp.state == "open")
    for own in session.scalars(wanted.order_by(OwnFollowUp.due_at, OwnFollowUp.id)):
        states[own.customer_id].own_follow_ups.append(own)


def _follows(session: Session, ids: list[int]) -> Sequence[Follow]:
    """Their contacts with the agents; joined, a few agents would be read once for every customer."""
    mine = select(Follow).where(among(Follow.customer_id, ids)).order_by(Follow.id).options(lazyload(Follow.agent))
    found = session.scalars(mine).all()
    wanted = {follow.agent_id for follow in found}
    agents = {agent.id: agent for agent in session.scalars(select(Agent).where(among(Agent.id, wanted)))}
    for follow in found:
        set_committed_value(follow, "agent", agents[follow.agent_id])
    return found


def _refusals(session: Session, ids: list[int]) -> Iterable[tuple[int, int]]:
    """(customer, agent) where the customer refused last, or a person decided so (bot.customers.consent)."""
    refused = Consent.refused_at.is_not(None) & func.coalesce(Consent.agreed_at <= Consent.refused_at, true())
    standing = (Consent.decided == "refused") | (Consent.decided.is_(None) & refused)
    query = (
        select(Consent.customer_id, Agent.id)
        .join(Agent, Agent.key == Consent.whom)
        .where(among(Consent.customer_id, ids), Consent.kind == "agent", standing)
    )
    return ((customer_id, agent_id) for customer_id, agent_id in session.execute(query))


def _chunks(ids: list[int], size: int = 2_000) -> Iterable[list[int]]:
    return (ids[start : start + size] for start in range(0, len(ids), size))


def stage_before(session: Session, state: CustomerState, pipeline: str) -> str | None:
    """The stage a card stood in before the one it is in now."""
    if pipeline not in state.previous_stage:
        with session.no_autoflush:  # make_move notes the moves of this transaction itself
            moves = state.fellows.ask("stages before", lambda ids: session.execute(_stages_left(ids)))
        for customer_id, name, stage in moves:
            state.fellows.states[customer_id].previous_stage.setdefault(name, stage)
    return state.previous_stage.setdefault(pipeline, None)


def last_move(session: Session, state: CustomerState, pipeline: str) -> StageMove | None:
    """The customer's latest move in a pipeline, which is the one that may be undone."""
    if pipeline in state.moved:
        return state.moved[pipeline]

    def by_card() -> dict[tuple[int, str], StageMove]:
        with session.no_autoflush:  # those of this transaction are in the states
            moves = state.fellows.ask("last moves", lambda ids: session.scalars(_last_moves(ids, StageMove)))
        return {(move.customer_id, move.pipeline): move for move in moves}

    return state.fellows.once("last moves by card", by_card).get((state.customer.id, pipeline))


def _stages_left(ids: list[int]) -> Select[int, str, str | None]:
    """Customer, pipeline and the stage that was left, of the last move of each of these customers' cards."""
    return _last_moves(ids, StageMove.customer_id, StageMove.pipeline, StageMove.from_stage)


def _last_moves(ids: list[int], *columns: Any) -> Select[Any]:
    """These columns of the last move of each of these customers' cards."""
    last = (
        select(StageMove.customer_id, StageMove.pipeline, func.max(StageMove.serial).label("serial"))
        .where(among(StageMove.customer_id, ids))
        .group_by(StageMove.customer_id, StageMove.pipeline)
        .subquery()
    )
    same = (
        (StageMove.customer_id == last.c.customer_id)
        & (StageMove.pipeline == last.c.pipeline)
        & (StageMove.serial == last.c.serial)
    )
    return select(*columns).join(last, same)


def latest(first: datetime | None, second: datetime | None) -> datetime | None:
    """The later of two instants that may be missing."""
    return max(first, second) if first and second else first or second
