"""Overlaps: which SOPs one customer can be on at once, and on which days their prompts meet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sop.pipeline import Pipeline
from sop.playbook import Sop
from sop.preview import PreviewedPrompt, by_day
from sop.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Overlap:
    """A day on which several SOPs want the same customer; titles in the order of their prompts."""

    day: date
    titles: tuple[str, ...]


def may_run_beside(sop: Sop, other: Sop, pipelines: Sequence[Pipeline]) -> bool:
    """Whether one customer can be on both at the same time.

    Not where both begin with a stage of the same pipeline and end when the customer moves on, nor where one of them
    takes nobody in or is for groups.
    """
    if sop.id == other.id or not other.enabled or other.shadow or sop.for_groups or other.for_groups:
        return False
    roads = [{stage.name for stage in pipeline.stages} for pipeline in pipelines]
    same = any(sop.stage in road and other.stage in road for road in roads)
    return not (same and "moved" in sop.stop and "moved" in other.stop)


def overlaps(prompts: Sequence[PreviewedPrompt], workspace: Workspace) -> list[Overlap]:
    """The days on which prompts of more than one SOP come."""
    days = by_day(prompts, workspace)
    met = {day: tuple(dict.fromkeys(prompt.title for prompt in these)) for day, these in days.items()}
    return [Overlap(day, titles) for day, titles in met.items() if len(titles) > 1]
