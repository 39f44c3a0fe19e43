"""Measures what the reply clock costs for each message, beside what the rule book costs for it in the same run."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bot.commands.input_files import read_lines
from bot.platform.config.settings import Settings
from sop.reply_clock import IDLE, Word, advance
from taggers.spoken import agent_spoke, customer_spoke
from taggers.utterance import Utterance

ROUNDS = 5
MOST_US = 20.0
"""The bound for the clock, in millionths of a second for each message."""

_BEGAN = datetime(2026, 1, 5, 2, 0, tzinfo=UTC)


@dataclass(frozen=True)
class ClockCost:
    """Microseconds for each message, medians of the rounds. asked: how many of the messages want an answer."""

    messages: int
    asked: int
    clock: float
    rules: float

    @property
    def holds(self) -> bool:
        return self.clock <= MOST_US


def read_talk(path: Path) -> list[tuple[str, str]]:
    """Read who said what of a dialogue file; raises ValueError where there is none, or a line is no dialogue."""
    talk: list[tuple[str, str]] = []
    for number, dialogue in read_lines(path):
        turns: Any = dialogue.get("turns", [])
        try:
            talk.extend((str(turn["role"]), str(turn["text"])) for turn in turns)
        except (KeyError, TypeError):
            message = f'{path.name}:{number}: 每行应是 {{"turns": [{{"role": "customer", "text": "…"}}]}}'
            raise ValueError(message) from None
    if not talk:
        raise ValueError(f"{path.name} 里没有对话")
    return talk


def measure(settings: Settings, talk: Sequence[tuple[str, str]]) -> ClockCost:
    """Run the clock and the rule book over a talk, (role, text) in its order, in turns."""
    clock: list[float] = []
    rules: list[float] = []
    asked = 0
    for _ in range(ROUNDS):
        began = time.process_time()
        asked = _clock(settings, talk)
        between = time.process_time()
        _rules(settings, talk)
        clock.append(between - began)
        rules.append(time.process_time() - between)
    each = 1_000_000 / max(len(talk), 1)
    medians = (round(statistics.median(column) * each, 2) for column in (clock, rules))
    return ClockCost(len(talk), asked, *medians)


def _clock(settings: Settings, talk: Sequence[tuple[str, str]]) -> int:
    wait, asked = IDLE, 0
    welcome = settings.tables.welcome.say if settings.tables.welcome is not None else None
    for number, (role, text) in enumerate(talk):
        said = (
            agent_spoke("text", text, welcome) if role == "agent" else customer_spoke("text", text, settings.closings)
        )
        asked += said == "asked"
        wait = advance(wait, Word(_BEGAN + timedelta(seconds=number), f"m{number}", said)) or IDLE
    return asked


def _rules(settings: Settings, talk: Sequence[tuple[str, str]]) -> None:
    """The rule book as the intake asks it: all messages are screened, those that may hit are judged."""
    heard = [
        Utterance(msgid=f"m{number}", text=text, sender=role, kind="text", at=_BEGAN)  # type: ignore[arg-type]
        for number, (role, text) in enumerate(talk)
    ]
    for utterance, may_hit in zip(heard, settings.book.screen(heard), strict=True):
        if may_hit:
            settings.book.judge(utterance)
