"""Steps of the story: each waits until it observes what should happen, or says what it saw instead."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from rich.console import Console

from bot.sandbox.control import SandboxControl
from bot.system import System
from bot.wecom.errors import BotError

AGENT = "LinXiaoyu"


SOP, PIPELINE_TAG = "price-nurture", "考虑价格"


QUESTION = "你们的课多少钱?"


PATIENCE = 20.0  # seconds within which a step must be seen


Seen = TypeVar("Seen")


_SETTLED_SECONDS = 4.0


def has_settled(config: Path) -> bool:
    """Whether an edit is old enough to be in force in every process; on a busy machine some look later."""
    return time.time() - config.stat().st_mtime >= _SETTLED_SECONDS


class NotSeenError(BotError):
    """A step was not observed in time; the text says what was seen instead."""


@dataclass(frozen=True)
class StepResult:
    """One step of the story: what should happen, what was seen, after how many seconds."""

    step: str
    expected: str
    seen: str
    seconds: float
    good: bool


@dataclass
class Story:
    """One run of the story: the system, the sandbox, and the results so far."""

    system: System
    control: SandboxControl
    console: Console
    results: list[StepResult] = field(default_factory=list)

    def step(
        self, name: str, expected: str, look: Callable[[], tuple[Seen, str] | str], within: float = PATIENCE
    ) -> Any:
        """Look until it is there; `look` gives (what was found, its words), or words for what is there instead."""
        started = time.monotonic()
        while True:
            found = look()
            seconds = time.monotonic() - started
            if isinstance(found, tuple):
                self._tell(StepResult(name, expected, " ".join(found[1].split()), seconds, good=True))
                return found[0]
            if seconds > within:
                self._tell(StepResult(name, expected, found, seconds, good=False))
                raise NotSeenError(f"{name}：应为「{expected}」，看到的是「{found}」")
            time.sleep(0.05)

    def _tell(self, told: StepResult) -> None:
        self.results.append(told)
        mark = "[green]✓[/]" if told.good else "[red]✗[/]"
        self.console.print(f"{mark} {told.step}：{told.seen}  [dim]{told.seconds:.1f} 秒[/]", highlight=False)

    def effect(self, kind: str, since: int, accept: Callable[[dict[str, Any]], bool]) -> dict[str, Any] | None:
        return next((e for e in self.control.effects(since, kind) if accept(e)), None)
