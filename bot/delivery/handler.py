"""What an errand is: one kind of outbox row, asked of WeCom between two transactions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from bot.platform.models import Outbox
from bot.platform.work import Work
from bot.wecom.errors import BotError, WeComError

if TYPE_CHECKING:
    from bot.system import System


class NotNeededError(BotError):
    """The row need not leave any more; the text says why."""


class PostponedError(BotError):
    """The row must leave later."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds


class OutboxHandler(Protocol):
    """One kind of row.

    repeats_show: sending it again after a crash would be seen by people once WeCom's duplicate check ended.
    one_at_a_time: WeCom takes only one such call per customer at a time. counts_as_sent: errcodes that, after
    an earlier try, mean that one got through.
    """

    repeats_show: bool = False
    one_at_a_time: bool = False
    counts_as_sent: frozenset[int] = frozenset()

    def prepare(self, work: Work, system: System, row: Outbox) -> dict[str, Any]: ...

    def call(self, system: System, payload: Mapping[str, Any]) -> dict[str, Any]: ...

    def record(self, work: Work, row: Outbox, result: Mapping[str, Any]) -> None:
        """Write down what the success means; nothing by default."""
        return

    def conclude(self, work: Work, system: System, row: Outbox, result: Mapping[str, Any]) -> None:
        """Decide, in the transaction of `record`, what follows from the answer; nothing by default."""
        return

    def give_up(self, work: Work, row: Outbox, state: str, why: str) -> None:
        """Write down that it will not be tried again (state: failed | expired | unknown); nothing by default."""
        return

    def learn(self, work: Work, row: Outbox, error: WeComError) -> None:
        """Take note of what an error teaches; nothing by default."""
        return
