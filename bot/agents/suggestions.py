"""Suggestions: offers an agent what to say to a customer now: the due step, answers to questions, the next step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from rapidfuzz import fuzz
from sqlalchemy import select

from bot.customers.state import CustomerState
from bot.platform.config.settings import Settings
from bot.platform.models import Agent, Evidence, Message, SopTask
from bot.platform.work import Work
from bot.sops.prompts import wording_values
from sop.wording import render

MOST = 3
LATELY = timedelta(days=3)
_LOOKED_AT = 20
_SAME = 92.0


@dataclass(frozen=True)
class Suggestion:
    """Words ready to be sent. key: "task:17" or "rule:ask-price"; kind: due | asked | next; why: for the agent."""

    key: str
    kind: str
    text: str
    why: str
    task: SopTask | None = None

    @property
    def attach(self) -> Sequence[dict[str, object]]:
        """What goes along, as the step has it."""
        return self.task.attach if self.task is not None else ()


def suggest(work: Work, state: CustomerState, agent: Agent, most: int = MOST) -> list[Suggestion]:
    """The best words first: due steps, then the replies of rules hit lately, then the next planned step.

    What this agent's side has said in nearly the same words since is left out. Two queries besides the state's.
    """
    said = _said_lately(work, state)
    found: list[Suggestion] = []
    candidates = [
        *_due(work.settings, state, agent, work.now),
        *_asked(work, state, agent),
        *_next(work.settings, state, agent, work.now),
    ]
    for one in candidates:
        known = [*said, *(other.text for other in found)]
        if len(found) < most and not any(fuzz.ratio(one.text, text) >= _SAME for text in known):
            found.append(one)
    return found


def find_suggestion(work: Work, state: CustomerState, agent: Agent, key: str) -> Suggestion | None:
    """The suggestion of this key as long as it may still be sent."""
    kind, _, rest = key.partition(":")
    if kind == "task":
        steps = _of_tasks(work.settings, state, agent, "due", _mine(state, agent))
        return next((step for step in steps if step.key == key), None)
    if kind == "rule" and rest:
        return next((one for one in _asked(work, state, agent) if one.key == key), None)
    return None


def _mine(state: CustomerState, agent: Agent) -> list[SopTask]:
    return [task for task in state.open_tasks if task.agent_id == agent.id and task.channel == "card"]


def _due(settings: Settings, state: CustomerState, agent: Agent, now: datetime) -> Iterator[Suggestion]:
    due = [task for task in _mine(state, agent) if task.due_at <= now]
    return _of_tasks(settings, state, agent, "due", due)


def _next(settings: Settings, state: CustomerState, agent: Agent, now: datetime) -> Iterator[Suggestion]:
    """A step sent ahead of its time counts only so long before it is due."""
    soon = now + settings.tables.completion.look_back
    ahead = [task for task in _mine(state, agent) if now < task.due_at <= soon]
    return _of_tasks(settings, state, agent, "next", ahead)


def _of_tasks(
    settings: Settings, state: CustomerState, agent: Agent, kind: str, tasks: Sequence[SopTask]
) -> Iterator[Suggestion]:
    values = wording_values(settings, state, agent) if tasks else {}
    for task in tasks:
        yield Suggestion(f"task:{task.id}", kind, render(task.wording, values), task.why, task)


def _asked(work: Work, state: CustomerState, agent: Agent) -> Iterator[Suggestion]:
    """The replies of rules that hit lately, the newest hit first."""
    replies = {rule.id: rule.reply for rule in work.settings.tables.rules if rule.reply}
    if not replies:
        return
    query = (
        select(Evidence)
        .where(
            Evidence.customer_id == state.customer.id,
            Evidence.rule_id.in_(replies),
            Evidence.counted >= Evidence.needed,  # a rule that has yet to hear it more often has nothing to say
            Evidence.hit_at > work.now - LATELY,
        )
        .order_by(Evidence.hit_at.desc(), Evidence.id.desc())
        .limit(_LOOKED_AT)
    )
    values = wording_values(work.settings, state, agent, work.now)
    newest: dict[str, Evidence] = {}
    for row in work.session.scalars(query):
        newest.setdefault(row.rule_id, row)
    for rule_id, row in newest.items():
        yield Suggestion(f"rule:{rule_id}", "asked", render(replies[rule_id] or "", values), row.reason)


def _said_lately(work: Work, state: CustomerState) -> list[str]:
    query = (
        select(Message.text)
        .where(
            Message.customer_id == state.customer.id,
            Message.role == "agent",
            Message.sent_at > work.now - LATELY,
            Message.revoked_at.is_(None),
        )
        .order_by(Message.sent_at.desc())
        .limit(_LOOKED_AT)
    )
    return [text for text in work.session.scalars(query) if text]
