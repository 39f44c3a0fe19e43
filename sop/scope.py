"""Pipeline scope: pipelines may be limited to agents, departments and channels."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from sop.pipeline import Pipeline


@dataclass(frozen=True, slots=True)
class Owner:
    """An agent who has the customer. Userids are compared without regard to case, as WeCom does."""

    userid: str
    departments: Collection[int] = ()


def is_for_agent(pipeline: Pipeline, owner: Owner) -> bool:
    """Whether the pipeline is for this agent: it names them or their department, or has no such limit."""
    if not pipeline.agents and not pipeline.departments:
        return True
    named = owner.userid.casefold() in {userid.casefold() for userid in pipeline.agents}
    return named or not set(pipeline.departments).isdisjoint(owner.departments)


def is_for(pipeline: Pipeline, owners: Iterable[Owner], channels: Iterable[str | None]) -> bool:
    """Whether rules may bring a customer of these agents in, who came by these channels."""
    return any(is_for_agent(pipeline, owner) for owner in owners) and _is_for_channel(pipeline, channels)


def _is_for_channel(pipeline: Pipeline, channels: Iterable[str | None]) -> bool:
    if not pipeline.channels:
        return True
    return any(_matches(pattern, channel) for channel in channels if channel for pattern in pipeline.channels)


def _matches(pattern: str, channel: str) -> bool:
    return channel.startswith(pattern[:-1]) if pattern.endswith("*") else channel == pattern
