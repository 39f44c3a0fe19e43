"""Tags by hand: what an agent gave and took in WeCom, taken over, and what follows from it, told once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from bot.customers.state import CustomerState
from bot.customers.tags import TagSource, give_tag, take_tag
from bot.platform.models import Follow
from bot.platform.work import Work
from bot.sops.follow_up import CustomerEvent, follow_up


@dataclass
class TagsByHand:
    """What one agent changed on their contact, as far as it was taken over."""

    follow: Follow
    given: list[str] = field(default_factory=list)
    fresh: list[str] = field(default_factory=list)

    def take(self, work: Work, state: CustomerState, tags: Iterable[str]) -> None:
        for tag in sorted(tags):
            take_tag(work, state, tag, f"{self.follow.agent.shown_name} 在企业微信里取消")

    def give(self, work: Work, state: CustomerState, tags: Iterable[str]) -> None:
        reason = f"{self.follow.agent.shown_name} 在企业微信里打的标签"
        for tag in sorted(tags):
            self.given.append(tag)
            if give_tag(work, state, tag, TagSource("wecom", reason)):
                self.fresh.append(tag)

    def settle(self, work: Work, state: CustomerState) -> None:
        """Have what was given move the customer and begin what it begins."""
        work.session.flush()
        if self.given:
            who = self.follow.agent
            cause = f"wecom:{self.follow.id}:{int(work.now.timestamp() * 1000)}"
            happened = CustomerEvent(cause, tags=self.given, fresh=self.fresh, agent=who, who=who.userid)
            follow_up(work, state, happened)
