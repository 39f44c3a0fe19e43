"""Outlook: which SOPs a move by hand would start and stop, told before it is made; nothing is changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bot.customers.state import CustomerState
from bot.platform.models import StageMove
from bot.platform.work import Work
from bot.sops.enrolment import Start, ends_of, may_enrol
from bot.sops.stopping import of_left_stage, stopped_by
from bot.sops.undoing import leads_back, revivable, started_by
from sop.enrolment import by_priority
from sop.pipeline import Pipeline
from sop.triggers import Trigger, starts


@dataclass(frozen=True)
class Outlook:
    """The titles of the SOPs that a move would start, stop and take up again."""

    starts: tuple[str, ...] = ()
    stops: tuple[str, ...] = ()
    resumes: tuple[str, ...] = ()


def outlook(
    work: Work, state: CustomerState, pipeline: Pipeline, before: StageMove | None = None
) -> Mapping[str, Outlook]:
    """What a move of the customer to each other stage of a pipeline would do, by stage. before: their last move."""
    here = state.stages.get(pipeline.name)
    others = [stage.name for stage in pipeline.stages if stage.name != here]
    return {
        to: _of_move(work, state, pipeline, to, before if leads_back(before, to, work) else None) for to in others
    }


def _of_move(work: Work, state: CustomerState, pipeline: Pipeline, to: str, back: StageMove | None) -> Outlook:
    """back: the move that this one would take back."""
    stage, settings = pipeline.stage(to), work.settings
    ended = started_by(state, back) if back is not None else []
    ended += [enrolment for enrolment, _ in stopped_by(state, ends_of(stage))]
    ended += of_left_stage(work, state, state.stages.get(pipeline.name))
    stops = dict.fromkeys(enrolment.sop_id for enrolment in ended)
    resumes = dict.fromkeys(one.sop_id for one in revivable(work, state, back)) if back is not None else {}
    then = {**state.stages, pipeline.name: to}
    begun = [
        sop.title or sop.id
        for sop in by_priority(starts(settings.tables.sops, Trigger("stage", to)))
        if sop.id not in resumes
        and not sop.shadow
        and may_enrol(work, state, sop, Start("", ended=frozenset(stops)), then) is not None
    ]
    titles = {sop.id: sop.title or sop.id for sop in settings.sops.values()}
    called = [tuple(titles.get(sop_id, sop_id) for sop_id in some) for some in (stops, resumes)]
    return Outlook(tuple(begun), *called)
