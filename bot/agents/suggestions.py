"""Suggestions: offers an agent what to say to a customer now: answers to what they asked, the due and next step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from rapidfuzz import fuzz
from sqlalchemy import select

from bot.agents.answer_offers import OfferedAnswer, answer_of, fitting
from bot.agents.lately_said import asked_of, read_lately
from bot.agents.own_wordings import OwnBook, own_book
from bot.agents.past_answers import PastAnswer, PastAnswers
from bot.analytics.wording_uses import uses_of
from bot.customers.state import CustomerState
from bot.platform.config.settings import Settings
from bot.platform.models import Agent, Evidence, Message, SopTask
from bot.platform.work import Work
from bot.sops.prompts import wording_values
from sop.wording import render
from sop.wording_use import NONE, is_refused
from taggers.translatable import Translatable

MOST = 3
LATELY = timedelta(days=3)
_LOOKED_AT = 20
_SAME = 92.0
_QUOTED = 40


@dataclass(frozen=True)
class Suggestion:
    """Words ready to be sent. key: "task:17", "rule:ask-price", "answer:invoice", "own:3" or "past:…"; kind: due |
    asked | next | answer | own | past; why: for the agent. Of words that are no step's, wording: as config.toml has
    them; along: what goes along."""

    key: str
    kind: str
    text: str
    why: str
    task: SopTask | None = None
    wording: str = ""
    along: Sequence[Mapping[str, Any]] = ()

    @property
    def attach(self) -> Sequence[Mapping[str, Any]]:
        """What goes along, as the step or the answer has it."""
        return self.task.attach if self.task is not None else self.along


def suggest(
    work: Work, state: CustomerState, agent: Agent, past: PastAnswers | None = None, own: OwnBook | None = None
) -> list[Suggestion]:
    """The best words first: answers to questions that nobody answered, due steps, the replies of rules hit lately,
    answers to what was said last, then the next planned step; of the knowledge base first, then of what agents
    answered before (past: where the process holds them). own: the agent's own wordings, where only they look.

    What this agent's side has said in nearly the same words since is left out. Of answers that fit as well those come
    first that agents take. Six queries besides the state's.
    """
    said = _said_lately(work, state)
    found: list[Suggestion] = []
    answers = _answers(work, state, agent, past, own)
    candidates = [
        *(one for one, waits in answers if waits),
        *_due(work.settings, state, agent, work.now),
        *_asked(work, state, agent),
        *(one for one, waits in answers if not waits),
        *_next(work.settings, state, agent, work.now),
    ]
    for one in candidates:
        known = [*said, *(other.text for other in found)]
        if len(found) < MOST and not any(fuzz.ratio(one.text, text) >= _SAME for text in known):
            found.append(one)
    return found


def find_suggestion(
    work: Work, state: CustomerState, agent: Agent, key: str, past: PastAnswers | None = None
) -> Suggestion | None:
    """The suggestion of this key as long as it may still be sent; the agent asks for it themself."""
    kind, _, rest = key.partition(":")
    if kind == "task":
        steps = _of_tasks(work.settings, state, agent, "due", _mine(state, agent))
        return next((step for step in steps if step.key == key), None)
    if kind == "rule" and rest:
        return next((one for one in _asked(work, state, agent) if one.key == key), None)
    own = own_book(work, agent) if kind == "own" else None
    if kind in ("answer", "own") and (offered := answer_of(work, state, agent, key, own)) is not None:
        return _as_suggestion(offered)
    if kind == "past" and past is not None and (known := past.of(rest)) is not None:
        return _as_said_before(work, state, agent, known)
    return None


def _answers(
    work: Work, state: CustomerState, agent: Agent, past: PastAnswers | None, own: OwnBook | None
) -> list[tuple[Suggestion, bool]]:
    """What fits, each with whether it answers a question that nobody answered."""
    looks_back = past is not None and work.settings.tables.suggestions.history
    has_own = own is not None and bool(own.entries)
    if not work.settings.tables.answers and not looks_back and not has_own:
        return []
    lately = read_lately(work, state)
    found = [(_as_suggestion(one), one.waits) for one in fitting(work, state, agent, lately, own)]
    if past is not None and looks_back and lately.last:
        known = past.find(asked_of(lately), work.settings, work.now, 2 * MOST)
        found += [(_as_said_before(work, state, agent, one), False) for one in known]
    return _approved(work, found)


def _approved(work: Work, found: list[tuple[Suggestion, bool]]) -> list[tuple[Suggestion, bool]]:
    """Without what agents said before that others were offered often and never took."""
    past = [one.key for one, _ in found if one.kind == "past"]
    uses = uses_of(work.session, past, work.now)
    return [(one, waits) for one, waits in found if not is_refused(uses.get(one.key, NONE))]


def _as_said_before(work: Work, state: CustomerState, agent: Agent, known: PastAnswer) -> Suggestion:
    text = render(known.text, wording_values(work.settings, state, agent, work.now))
    why = Translatable("对 {n} 位客户这样说过，他们都接着聊了", n=known.customers)
    return Suggestion(f"past:{known.key}", "past", text, why)


def _as_suggestion(offered: OfferedAnswer) -> Suggestion:
    along = [one.model_dump(exclude_none=True) for one in offered.entry.attach]
    why = Translatable("客户问「{words}」", words=offered.asked[:_QUOTED]) if offered.asked else ""
    kind, wording = ("own", "") if offered.own else ("answer", offered.entry.say)
    return Suggestion(offered.key, kind, offered.text, why, wording=wording, along=along)


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
        reply = replies[rule_id] or ""
        yield Suggestion(f"rule:{rule_id}", "asked", render(reply, values), row.reason, wording=reply)


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
