"""A stage renamed: cards and history follow in the transaction that renames it in the config, the tag later.

Workers that have not seen the new config yet may still bring a card to the old name for a moment; those follow once
the tag in WeCom is renamed, some seconds later. That row of the outbox is there until both are done.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from bot.delivery.handler import OutboxHandler
from bot.platform.models import CorpTag, Follow, Outbox, Placement, StageMove
from bot.platform.work import Work

if TYPE_CHECKING:
    from bot.system import System

KIND = "stage_tag"
_SEEN_BY_ALL = timedelta(seconds=10)  # a config is looked at once a second; a batch may take some more


@dataclass(frozen=True)
class StageName:
    """A stage that gets another name."""

    pipeline: str
    old: str
    new: str


@dataclass(frozen=True)
class Touched:
    """Whom a rename concerns: customers who stand there now, moves of the past, agents whose phones show the tag."""

    customers: int
    moves: int
    phones: int


def touched(session: Session, pipeline: str, stage: str) -> Touched:
    """What a rename of this stage would reach."""
    here = select(Placement.customer_id).where(Placement.pipeline == pipeline, Placement.stage == stage)
    of = StageMove.pipeline == pipeline, (StageMove.from_stage == stage) | (StageMove.to_stage == stage)
    tagged = select(CorpTag.tag_id).where(CorpTag.pipeline == pipeline, CorpTag.stage == stage)
    phones = select(func.count(Follow.agent_id.distinct())).where(
        Follow.customer_id.in_(here), Follow.ended_at.is_(None)
    )
    return Touched(
        customers=session.scalar(select(func.count()).select_from(here.subquery())) or 0,
        moves=session.scalar(select(func.count(StageMove.id)).where(*of)) or 0,
        phones=(session.scalar(phones) or 0) if session.scalar(tagged) is not None else 0,
    )


def _rename_cards(session: Session, name: StageName) -> int:
    """Have every card and move follow; how many cards were renamed. A second time changes nothing."""
    cards = update(Placement).where(Placement.pipeline == name.pipeline, Placement.stage == name.old)
    renamed = session.execute(cards.values(stage=name.new)).rowcount  # type: ignore[attr-defined]
    mine = StageMove.pipeline == name.pipeline
    session.execute(update(StageMove).where(mine, StageMove.from_stage == name.old).values(from_stage=name.new))
    session.execute(update(StageMove).where(mine, StageMove.to_stage == name.old).values(to_stage=name.new))
    return int(renamed)


def rename(work: Work, name: StageName) -> int:
    """Rename the rows, and have the tag in WeCom follow; how many cards were renamed."""
    renamed = _rename_cards(work.session, name)
    tag = update(CorpTag).where(CorpTag.pipeline == name.pipeline, CorpTag.stage == name.old)
    work.session.execute(tag.values(stage=name.new))
    key = f"{KIND}:{name.pipeline}/{name.old}>{name.new}:{int(work.now.timestamp() * 1000)}"
    row = work.send(KIND, key, vars(name))
    row.not_before = work.now + _SEEN_BY_ALL
    return renamed


def under_way(session: Session) -> set[tuple[str, str]]:
    """Pipeline and stage of the renames whose tag in WeCom still bears the old name."""
    rows = session.scalars(
        select(Outbox.payload).where(Outbox.kind == KIND, Outbox.state.in_(("waiting", "sending")))
    )
    return {(payload["pipeline"], payload["new"]) for payload in rows}


class RenameStageTag(OutboxHandler):
    """Gives the stage's tag in WeCom the stage's new name; it keeps its id, so that every phone shows the new one."""

    def prepare(self, work: Work, system: System, row: Outbox) -> dict[str, Any]:
        same = CorpTag.pipeline == row.payload["pipeline"], CorpTag.stage == row.payload["new"]
        tag = work.session.scalars(select(CorpTag).where(*same).order_by(CorpTag.tag_id)).first()
        due = tag is not None and tag.name != row.payload["new"]
        return {**row.payload, "tag_id": tag.tag_id if tag is not None and due else None}

    def call(self, system: System, payload: Mapping[str, Any]) -> dict[str, Any]:
        if payload["tag_id"] is not None:
            system.wecom.rename_corp_tag(payload["tag_id"], payload["new"])
        return {"tag_id": payload["tag_id"]}

    def record(self, work: Work, row: Outbox, result: Mapping[str, Any]) -> None:
        name = StageName(row.payload["pipeline"], row.payload["old"], row.payload["new"])
        self._stragglers(work, name)
        tag = work.session.get(CorpTag, result["tag_id"]) if result["tag_id"] else None
        if tag is not None:
            tag.name = name.new

    def give_up(self, work: Work, row: Outbox, state: str, why: str) -> None:
        self._stragglers(work, StageName(row.payload["pipeline"], row.payload["old"], row.payload["new"]))

    def _stragglers(self, work: Work, name: StageName) -> None:
        """Cards that were brought to the old name meanwhile; none where the config knows a stage of it again."""
        pipeline = next((one for one in work.settings.pipelines if one.name == name.pipeline), None)
        if pipeline is not None and pipeline.stage(name.old) is None and pipeline.stage(name.new) is not None:
            _rename_cards(work.session, name)
