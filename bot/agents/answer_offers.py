"""Answer offers: entries of the knowledge base that fit what a customer asks, and those that a searcher means."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import partial

from bot.agents.lately_said import LatelySaid
from bot.agents.own_wordings import OwnBook
from bot.analytics.wording_uses import uses_of
from bot.customers.state import CustomerState
from bot.platform.config.settings import Settings
from bot.platform.models import Agent
from bot.platform.work import Work
from bot.sops.prompts import wording_values
from sop.answers import AnswerEntry, Listener, in_force, is_for
from sop.wording import render
from sop.wording_use import by_use, most_used
from taggers.answer_book import Fit

MOST_FOUND = 8


@dataclass(frozen=True)
class OfferedAnswer:
    """An entry with its words for this customer. key: "answer:invoice" or, of the agent's own wordings, "own:17".
    asked: the question it fits, empty where it was searched for."""

    key: str
    entry: AnswerEntry
    text: str
    asked: str = ""
    waits: bool = False  # the question is one that nobody answered
    score: float = 0.0

    @property
    def own(self) -> bool:
        """Whether it is the agent's own."""
        return self.key.startswith("own:")


def fitting(
    work: Work, state: CustomerState, agent: Agent, lately: LatelySaid, own: OwnBook | None = None
) -> list[OfferedAnswer]:
    """What fits the questions that nobody answered, then what was said last; the best first."""
    allowed = {f"answer:{entry.id}": entry for entry in _meant_for(work, state, lately.all)}
    entries = {**allowed, **(own.entries if own is not None else {})}
    if not entries:
        return []
    look = partial(_fits, work.settings, {entry.id for entry in allowed.values()}, own)
    waiting = [fit for asked in lately.open for fit in look([asked])]
    last = look(lately.last.split("\n"))
    values = wording_values(work.settings, state, agent, work.now)
    found: dict[str, OfferedAnswer] = {}
    for fit, waits in (*((fit, True) for fit in waiting), *((fit, False) for fit in last)):
        entry = entries[fit.key]
        said = OfferedAnswer(fit.key, entry, render(entry.say, values), fit.asked, waits, fit.score)
        found.setdefault(fit.key, said)
    return _by_use(work, found)


def _by_use(work: Work, found: Mapping[str, OfferedAnswer]) -> list[OfferedAnswer]:
    """What answers an open question first; of those that fit as well what agents take."""
    uses = uses_of(work.session, list(found), work.now)
    liked = [found[key] for key in by_use([(key, one.score) for key, one in found.items()], uses)]
    return sorted(liked, key=lambda one: not one.waits)


def answer_of(
    work: Work, state: CustomerState, agent: Agent, key: str, own: OwnBook | None = None
) -> OfferedAnswer | None:
    """The entry of this key as long as it is in force, with its words for this customer."""
    kind, _, rest = key.partition(":")
    if kind == "own":
        entry = own.entries.get(key) if own is not None else None
    else:
        entry = work.settings.answers.get(rest)
    if entry is None or not in_force(entry, _today(work)):
        return None
    return OfferedAnswer(key, entry, render(entry.say, wording_values(work.settings, state, agent, work.now)))


def search_answers(
    work: Work, words: str, state: CustomerState | None = None, own: OwnBook | None = None
) -> dict[str, AnswerEntry]:
    """The entries in force that the words mean, by key, the best first, the agent's own before the company's; for no
    words those that are sent most. state: of a customer, for whom those meant for them come first."""
    answers, today = work.settings.answers, _today(work)
    found: dict[str, AnswerEntry] = {}
    if own is not None:
        found |= {key: own.entries[key] for key in own.search(words)}
    for name in work.settings.answer_search.find(words):
        if in_force(answers[name], today):
            found[f"answer:{name}"] = answers[name]
    keys = list(found)
    if not words.strip():
        keys = most_used(keys, uses_of(work.session, keys, work.now))
    if state is not None:
        listener = Listener(state.tags, state.stages, words)
        keys.sort(key=lambda key: not is_for(found[key], listener))
    return {key: found[key] for key in keys[:MOST_FOUND]}


def _fits(settings: Settings, allowed: Collection[str], own: OwnBook | None, asked: Iterable[str]) -> list[Fit]:
    """What fits any of these, of the company's and of the agent's own, the best first."""
    found: list[Fit] = []
    for text in asked:
        if allowed:
            company = settings.answer_book.find(text, allowed)
            found += [replace(fit, key=f"answer:{fit.key}") for fit in company]
        found += own.find(text) if own is not None else []
    return sorted(found, key=lambda fit: -fit.score)


def _meant_for(work: Work, state: CustomerState, said: str) -> Iterator[AnswerEntry]:
    listener, today = Listener(state.tags, state.stages, said), _today(work)
    for entry in work.settings.tables.answers:
        if in_force(entry, today) and is_for(entry, listener):
            yield entry


def _today(work: Work) -> date:
    return work.settings.calendar.local(work.now).date()
