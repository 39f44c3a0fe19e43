"""Answer offers: entries of the knowledge base that fit what a customer asks, and those that a searcher means."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from bot.agents.lately_said import LatelySaid
from bot.analytics.wording_uses import uses_of
from bot.customers.state import CustomerState
from bot.platform.config.settings import Settings
from bot.platform.models import Agent
from bot.platform.work import Work
from bot.sops.prompts import wording_values
from sop.answers import AnswerEntry, Listener, in_force, is_for
from sop.wording import render
from sop.wording_use import WordingUse, by_use, most_used
from taggers.answer_book import Fit

MOST_FOUND = 8


@dataclass(frozen=True)
class OfferedAnswer:
    """An entry with its words for this customer. asked: the question it fits, empty where it was searched for."""

    entry: AnswerEntry
    text: str
    asked: str = ""
    waits: bool = False  # the question is one that nobody answered
    score: float = 0.0


def fitting(work: Work, state: CustomerState, agent: Agent, lately: LatelySaid) -> list[OfferedAnswer]:
    """What fits the questions that nobody answered, then what was said last; the best first."""
    allowed = {entry.id: entry for entry in _meant_for(work, state, lately.all)}
    if not allowed:
        return []
    book = work.settings.answer_book
    waiting = [fit for asked in lately.open for fit in book.find(asked, allowed)]
    last = sorted(_fits(work.settings, lately.last.split("\n"), allowed), key=lambda fit: -fit.score)
    values = wording_values(work.settings, state, agent, work.now)
    found: dict[str, OfferedAnswer] = {}
    for fit, waits in (*((fit, True) for fit in waiting), *((fit, False) for fit in last)):
        entry = allowed[fit.key]
        found.setdefault(fit.key, OfferedAnswer(entry, render(entry.say, values), fit.asked, waits, fit.score))
    return _by_use(work, found)


def _by_use(work: Work, found: Mapping[str, OfferedAnswer]) -> list[OfferedAnswer]:
    """What answers an open question first; of those that fit as well what agents take."""
    uses = _uses(work, found)
    liked = [found[key] for key in by_use([(key, one.score) for key, one in found.items()], uses)]
    return sorted(liked, key=lambda one: not one.waits)


def _uses(work: Work, ids: Iterable[str]) -> dict[str, WordingUse]:
    """What became of these entries, by their ids."""
    uses = uses_of(work.session, [f"answer:{one}" for one in ids], work.now)
    return {key.partition(":")[2]: use for key, use in uses.items()}


def answer_of(work: Work, state: CustomerState, agent: Agent, key: str) -> OfferedAnswer | None:
    """The entry of this id as long as it is in force, with its words for this customer."""
    entry = work.settings.answers.get(key)
    if entry is None or not in_force(entry, _today(work)):
        return None
    return OfferedAnswer(entry, render(entry.say, wording_values(work.settings, state, agent, work.now)))


def search_answers(work: Work, words: str, state: CustomerState | None = None) -> list[AnswerEntry]:
    """The entries in force that the words mean, the best first; for no words those that are sent most.

    state: of a customer, for whom those meant for them come first.
    """
    answers, today = work.settings.answers, _today(work)
    found = [key for key in work.settings.answer_search.find(words) if in_force(answers[key], today)]
    if not words.strip():
        found = most_used(found, _uses(work, found))
    if state is not None:
        listener = Listener(state.tags, state.stages, words)
        found.sort(key=lambda key: not is_for(answers[key], listener))
    return [answers[key] for key in found][:MOST_FOUND]


def _fits(settings: Settings, asked: Iterable[str], allowed: Mapping[str, AnswerEntry]) -> Iterator[Fit]:
    for text in asked:
        yield from settings.answer_book.find(text, allowed)


def _meant_for(work: Work, state: CustomerState, said: str) -> Iterator[AnswerEntry]:
    listener, today = Listener(state.tags, state.stages, said), _today(work)
    for entry in work.settings.tables.answers:
        if in_force(entry, today) and is_for(entry, listener):
            yield entry


def _today(work: Work) -> date:
    return work.settings.calendar.local(work.now).date()
