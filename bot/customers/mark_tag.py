"""MarkTag: exchanges the stage's tag, or a group's tags, on one agent's customer in one call: old off, new on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.customers.group_marks import call_group, prepare_group, record_group
from bot.customers.made_tags import MOST_MADE, go_on, is_to_make, make_tags, prepare_making, record_made
from bot.customers.marks import alive_tags, exchange, is_marking, known_marks
from bot.customers.refused_tags import note_refused
from bot.customers.stages import owner_of
from bot.customers.tag_library import library_tags, phone_groups
from bot.delivery.handler import NotNeededError, OutboxHandler
from bot.platform.models import Follow, Outbox, Placement
from bot.platform.work import Work
from bot.wecom.errors import WeComError
from sop.pipeline import Pipeline
from sop.scope import is_for_agent
from sop.tag_sync import tags_of_stages

if TYPE_CHECKING:
    from bot.system import System

NO_SUCH_TAG = 40068  # errcode of mark_tag: the tag was deleted in WeCom


class MarkTag(OutboxHandler):
    """Puts what a customer has of one set of tags on an agent's contact: the stage's tag, or those of a group that is
    kept on the phones. The row names follow and pipeline (or group); what to set is read when the row is delivered,
    so that a row that waited never marks what is over."""

    one_at_a_time = True

    def prepare(self, work: Work, system: System, row: Outbox) -> dict[str, Any]:
        follow = work.session.get(Follow, row.payload["follow_id"])
        if follow is None or follow.ended_at is not None:
            raise NotNeededError("已不是好友关系")
        name = row.payload["pipeline"]
        group = next((one for one in phone_groups(work.settings) if one.name == name), None)
        if group is not None:
            return prepare_group(work, row, follow, group)
        pipeline = next((p for p in work.settings.pipelines if p.name == name), None)
        stage = _stage(work.session, follow, pipeline)
        if pipeline is None or (stage is not None and pipeline.stage(stage) is None):
            raise NotNeededError("配置里已没有这条流程或这个阶段")
        if not is_for_agent(pipeline, owner_of(follow.agent)):
            raise NotNeededError("这条流程不归这位员工")
        marked = tags_of_stages(pipeline)
        tags = library_tags(work.session, marked)
        tag_id = tags.ids.get(stage) if stage else None
        there = known_marks(follow, name)
        if there == ({tag_id} if tag_id else set()) and (stage is None or tag_id) and name not in follow.marking:
            raise NotNeededError("标签已经是这个")
        if is_to_make(row, lacking=stage is not None and tag_id is None):
            return prepare_making(row, follow, marked, tags)
        if tag_id:
            is_marking(follow, name, [tag_id])
        return {
            "follow_id": follow.id,
            "pipeline": name,
            "userid": follow.agent.userid,
            "external_userid": follow.customer.external_userid,
            "stage": stage,
            "group_name": tags.group_name,
            "tag_id": tag_id,
            "remove": sorted(alive_tags(work.session, there - {tag_id})),
            "made": row.payload.get("made", 0),
            "reread": row.payload.get("reread", False),
        }

    def call(self, system: System, payload: Mapping[str, Any]) -> dict[str, Any]:
        if payload.get("make"):
            return make_tags(system, payload)
        if payload.get("group"):
            return call_group(system, payload)
        tag_id, remove = payload["tag_id"], payload["remove"]
        if payload["stage"] and tag_id is None:
            what = f"「{payload['group_name']}」里建不出「{payload['stage']}」"
            raise WeComError(NO_SUCH_TAG, what, api="mark_tag")
        pair = payload["userid"], payload["external_userid"]
        unsure = exchange(system, pair, [tag_id] if tag_id else [], remove)
        return {"tag_id": tag_id, "left": [old for old in unsure if old in remove]}  # they may still be there

    def record(self, work: Work, row: Outbox, result: Mapping[str, Any]) -> None:
        if row.payload.get("make"):
            record_made(work, result)
        elif row.payload.get("group"):
            record_group(work, row, result)
        else:
            _record_stage(work, row, result)

    def conclude(self, work: Work, system: System, row: Outbox, result: Mapping[str, Any]) -> None:
        """Release the rows that had to wait for this customer now, not at the next sweep."""
        go_on(work, row)
        waiting = select(Outbox).where(
            Outbox.kind.in_((row.kind, "profile")), Outbox.customer_id == row.customer_id, Outbox.state == "waiting"
        )
        for other in work.session.scalars(waiting):
            if other.error is None and not other.payload.get("until_then"):  # it waits for nothing but its turn
                other.not_before = min(other.not_before, work.now)
                work.leaving.append(other)

    def learn(self, work: Work, row: Outbox, error: WeComError) -> None:
        if error.errcode == NO_SUCH_TAG and not row.payload.get("reread"):
            row.payload = {**row.payload, "reread": True}  # what we know of the tag group is stale: read it again
            error.permanent, error.retry_after = False, 0.0
        elif error.permanent and row.payload.get("make") and row.payload.get("group") and not error.pause:
            # What exists is set all the same; a stage's one tag is all that there is to set.
            note_refused(work.session, row.payload["pipeline"], error, work.now)
            row.payload = {**row.payload, "made": MOST_MADE}
            error.permanent, error.retry_after = False, 0.0


def _record_stage(work: Work, row: Outbox, result: Mapping[str, Any]) -> None:
    follow, name = work.session.get_one(Follow, row.payload["follow_id"]), row.payload["pipeline"]
    follow.marked = {**follow.marked, name: [result["tag_id"]] if result["tag_id"] else []}
    follow.marking = {key: ids for key, ids in follow.marking.items() if key != name}
    if result["left"]:
        is_marking(follow, name, result["left"])
    follow.marks += 1


def _stage(session: Session, follow: Follow, pipeline: Pipeline | None) -> str | None:
    """The stage the customer is in."""
    if pipeline is None:
        return None
    here = select(Placement.stage).where(
        Placement.customer_id == follow.customer_id, Placement.pipeline == pipeline.name
    )
    return session.scalar(here)
