"""Outbox handler: what one kind of outbox row asks of WeCom, and what to do with the answer."""

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


KEPT = frozenset(
    {"msgid", "msgids", "response_code", "errcode", "tag_id", "tag_ids", "media_id", "not_needed", "done", "size"}
)


class OutboxHandler(Protocol):
    """One kind of row.

    repeats_show: people would see it twice if it was sent again after WeCom's duplicate check has ended.
    one_at_a_time: WeCom takes only one such call per customer at a time. counts_as_sent: errcodes that, after
    an earlier try, mean that the earlier one got through.
    """

    repeats_show: bool = False
    one_at_a_time: bool = False
    counts_as_sent: frozenset[int] = frozenset()

    def prepare(self, work: Work, system: System, row: Outbox) -> dict[str, Any]:
        """The payload to call with, in the transaction of the claim. Raises NotNeededError or PostponedError."""
        ...

    def call(self, system: System, payload: Mapping[str, Any]) -> dict[str, Any]:
        """Call WeCom, outside any transaction; the answer to record. Raises WeComError."""
        ...

    def record(self, work: Work, row: Outbox, result: Mapping[str, Any]) -> None:
        """Write down what the success means; nothing by default."""
        return

    def keep(self, result: Mapping[str, Any]) -> dict[str, Any]:
        """What of the answer stays in the row: names of our own calls, never what WeCom tells of people."""
        return {name: value for name, value in result.items() if name in KEPT}

    def conclude(self, work: Work, system: System, row: Outbox, result: Mapping[str, Any]) -> None:
        """Do what follows from the answer, in the transaction of `record` and after it; nothing by default."""
        return

    def give_up(self, work: Work, row: Outbox, state: str, why: str) -> None:
        """Write down that it will not be tried (again): failed, expired, unknown, cancelled; nothing by default."""
        return

    def learn(self, work: Work, row: Outbox, error: WeComError) -> None:
        """Take note of what an error teaches; nothing by default."""
        return
