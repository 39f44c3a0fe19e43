"""The gate of a batch of messages: reads once, for all its customers, what the gate of one due task would read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select

from bot.customers.state import CustomerState
from bot.platform.batch import Batch
from bot.platform.database.among import among
from bot.platform.models import Message, Outbox, SopTask
from bot.platform.work import Work
from bot.sops.customer_steps import CustomerSteps
from bot.sops.gate import WEEK, Known, SendGate, asks_for_minds
from sop.budget import talks
from taggers.models.mindset import mindset_of
from taggers.models.records import Sign

_CARDS = ("card", "digest", "day_list")
_OUT = ("waiting", "sending", "sent", "unknown")


def gate_of_batch(work: Work, state: CustomerState, tasks: Sequence[SopTask]) -> SendGate:
    """A gate for due tasks of a customer who has just been enrolled, as things stand at this point of the batch."""
    assert work.batch is not None
    own: dict[int, dict[int, datetime]] = defaultdict(dict)  # of an enrolment just made nothing was prompted
    contacts = defaultdict(list, {state.customer.id: _contacts(work, work.batch, state)})
    agents = {task.agent_id for task in tasks}
    steps = CustomerSteps(tasks, state.open_tasks)
    carried = (
        [Sign(row.tag, row.tagged_at) for row in state.carried.values()] if asks_for_minds(work.settings) else []
    )
    minds = {state.customer.id: mindset_of(carried, work.settings.tables.models.mindset).name}
    known = Known(contacts, own, _last_cards(work, work.batch, agents), steps, minds)
    return SendGate.knowing(work.settings, work.now, known)


def _contacts(work: Work, batch: Batch, state: CustomerState) -> list[datetime]:
    since, key = work.now - WEEK, state.customer.id
    spoke = [at for at in batch.spoke[key] if at > since]
    words = sorted(_words(work, batch, state).get(key, []) + spoke)
    pending = [task for task in _pending(work, state).get(key, ()) if task.state == "delivered"]
    delivered = [task.delivered_at for task in pending if task.delivered_at]
    return [*talks(words, work.settings.tables.budget.talk_hold), *delivered]


def _words(work: Work, batch: Batch, state: CustomerState) -> dict[int, list[datetime]]:
    """When agents wrote to each customer before this batch."""

    def read(ids: list[int]) -> Iterable[Any]:
        said = select(Message.customer_id, Message.sent_at).where(
            among(Message.customer_id, ids), Message.role == "agent", Message.sent_at > work.now - WEEK,
            Message.id < batch.before_id,
        )  # fmt: skip
        return work.session.execute(said)

    return state.fellows.once("words by customer", lambda: _grouped(state.fellows.ask("words", read)))


def _pending(work: Work, state: CustomerState) -> dict[int, list[SopTask]]:
    """Each customer's prompts that were delivered and not yet followed."""

    def read(ids: list[int]) -> Iterable[tuple[int, SopTask]]:
        open_tasks = select(SopTask).where(
            among(SopTask.customer_id, ids), SopTask.state == "delivered", SopTask.delivered_at > work.now - WEEK
        )
        return ((task.customer_id, task) for task in work.session.scalars(open_tasks))

    return state.fellows.once("prompts by customer", lambda: _grouped(state.fellows.ask("prompts", read)))


def _last_cards(work: Work, batch: Batch, agents: set[int]) -> dict[int, datetime]:
    """When each of these agents last got a card, those of this batch among them."""
    stored = batch.once("cards", lambda: _stored_cards(work))
    standing = [(row.agent_id, row.created_at) for row in stored if not _is_withdrawn(row, batch)]
    mine = [(r.agent_id, r.created_at) for r in work.leaving if r.kind in _CARDS and r.state in _OUT]
    found: dict[int, datetime] = {}
    for agent_id, at in (*standing, *mine):
        if agent_id in agents:
            found[agent_id] = max(found.get(agent_id, at), at)
    return found


def _stored_cards(work: Work) -> Sequence[Any]:
    since = work.now - work.settings.tables.budget.agent_gap
    recent = select(Outbox.agent_id, Outbox.created_at, Outbox.task_id, Outbox.state).where(
        Outbox.agent_id.is_not(None), Outbox.kind.in_(_CARDS), Outbox.state.in_(_OUT), Outbox.created_at > since
    )
    return work.session.execute(recent).all()


def _is_withdrawn(row: Any, batch: Batch) -> bool:
    return row.state == "waiting" and row.task_id in batch.withdrawn


def _grouped(pairs: Iterable[tuple[int, Any]]) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = {}
    for key, value in pairs:
        found.setdefault(key, []).append(value)
    return found
