"""Digest: prompts for one agent that are due together become one list, the most urgent first."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sop.workcalendar import Workcalendar


@dataclass(frozen=True, slots=True)
class DuePrompt:
    """One prompt for an agent. `key` is the caller's; priority 1..9, nine first."""

    key: Hashable
    customer: str
    title: str
    due_at: datetime
    priority: int = 5


@dataclass(frozen=True, slots=True)
class PromptBatch:
    """What an agent gets at one time: one card, or several as a list."""

    at: datetime
    cards: tuple[DuePrompt, ...]

    @property
    def is_digest(self) -> bool:
        """Whether it is a list."""
        return len(self.cards) > 1


def in_order(cards: Iterable[DuePrompt]) -> tuple[DuePrompt, ...]:
    """The most important first, then the longest due."""
    return tuple(sorted(cards, key=lambda card: (-card.priority, card.due_at, str(card.key))))


def send_apart(cards: Iterable[DuePrompt], last_card_at: datetime | None, gap: timedelta) -> tuple[PromptBatch, ...]:
    """Spread one agent's prompts so that they get at most one card per `gap`; those due meanwhile make a list."""
    waiting = sorted(cards, key=lambda card: card.due_at)
    sendings: list[PromptBatch] = []
    last = last_card_at
    while waiting:
        at = waiting[0].due_at if last is None else max(waiting[0].due_at, last + gap)
        ready = [card for card in waiting if card.due_at <= at]
        sendings.append(PromptBatch(at, in_order(ready)))
        waiting = waiting[len(ready) :]
        last = at
    return tuple(sendings)


def digest_lines(cards: Sequence[DuePrompt], now: datetime, calendar: Workcalendar, most: int = 8) -> tuple[str, ...]:
    """Put a day's list into lines for a card: what is overdue says so, what does not fit is counted."""
    ordered = in_order(cards)
    lines = [_line(number, card, now, calendar) for number, card in enumerate(ordered[:most], 1)]
    rest = len(ordered) - most
    return (*lines, f"还有 {rest} 件，回复「今日」看全部") if rest > 0 else tuple(lines)


def _line(number: int, card: DuePrompt, now: datetime, calendar: Workcalendar) -> str:
    due, today = calendar.local(card.due_at), calendar.local(now).date()
    when = f"{due:%H:%M}" if due.date() == today else f"{due.month}月{due.day}日 {due:%H:%M}"
    late = "（已到时间）" if card.due_at < now else ""
    return f"{number}. {when} {card.customer}：{card.title}{late}"
