"""Prompts to readers: right before a card or a list leaves, whether its agent may still read about the customer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from bot.agents.reading import readable, reader_of_agent
from bot.delivery.handler import PostponedError
from bot.platform.models import Agent, Outbox, SopTask
from bot.platform.work import Work
from bot.sops.prompt_cards import SUCCESSOR_WAIT, SendDigest, SendPromptCard

if TYPE_CHECKING:
    from bot.system import System


class SendPromptCardToReader(SendPromptCard):
    """A card waits while its agent may not read about the customer: until they may, or it ends."""

    def prepare(self, work: Work, system: System, row: Outbox) -> dict[str, Any]:
        task = work.session.get_one(SopTask, row.task_id)
        if task.state == "queued" and not readable_among(work, task.agent, [task.id]):
            raise PostponedError(SUCCESSOR_WAIT)
        return super().prepare(work, system, row)


class SendDigestToReader(SendDigest):
    """A list names only those about whom its agent may read."""

    def prepare(self, work: Work, system: System, row: Outbox) -> dict[str, Any]:
        listed = row.payload["task_ids"]
        allowed = readable_among(work, work.session.get_one(Agent, row.agent_id), listed)
        if not allowed:
            raise PostponedError(SUCCESSOR_WAIT)
        if set(allowed) != set(listed):  # the list as it was made before names others
            row.payload = {"task_ids": allowed}
        return super().prepare(work, system, row)


def readable_among(work: Work, agent: Agent, task_ids: list[int]) -> list[int]:
    """Those of these tasks about whose customers the agent may read now."""
    reader = reader_of_agent(work.session, agent.id, work.now)
    allowed = select(SopTask.id).where(SopTask.id.in_(task_ids), readable(reader, SopTask.customer_id))
    return list(work.session.scalars(allowed.order_by(SopTask.id)))
