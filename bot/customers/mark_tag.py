"""MarkTag: exchanges the stage's tag, or a group's tags, on one agent's customer in one call: old off, new on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.customers.stages import owner_of
from bot.customers.tag_library import StageTags, library_tags, make_stage_tags, marked_tags, save_tags
from bot.delivery.handler import NotNeededError, OutboxHandler
from bot.platform.models import CorpTag, Follow, Outbox, Placement, Tagging
from bot.platform.work import Work
from bot.wecom.errors import WeComError
from bot.wecom.plain import clean, objects
from sop.scope import is_for_agent
from sop.tag_sync import MarkedTags

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
        marked = next((one for one in marked_tags(work.settings) if one.name == name), None)
        wanted = _wanted(work, follow, marked)
        if marked is None or not set(wanted) <= set(marked.names):
            raise NotNeededError("配置里已没有这条流程或这个阶段")
        if not _is_for(work, follow, marked):
            raise NotNeededError("这条流程不归这位员工")
        tags = library_tags(work.session, marked)
        ids = {tags.ids[one] for one in wanted if one in tags.ids}
        there = known_marks(follow, name)
        ours_off = () if marked.of_stages else there - ids
        if there == ids and len(ids) == len(wanted) and name not in follow.marking:
            raise NotNeededError("标签已经是这个")
        if ids:
            _is_marking(follow, name, sorted(ids))
        return {
            "follow_id": follow.id,
            "pipeline": name,
            "userid": follow.agent.userid,
            "external_userid": follow.customer.external_userid,
            "wanted": wanted,
            "stages": list(marked.names),
            "group_name": tags.group_name,
            "tags": dict(tags.ids),
            "kept": sorted(set(follow.marked.get(name, [])) & ids) if not marked.of_stages else [],
            "remove": sorted(_alive(work.session, there - ids)),
            "taken": sorted(tags.stages[one] for one in ours_off if one in tags.stages),
            "reread": row.payload.get("reread", False),
        }

    def call(self, system: System, payload: Mapping[str, Any]) -> dict[str, Any]:
        wanted, known, remove = payload["wanted"], dict(payload["tags"]), list(payload["remove"])
        made: list[dict[str, Any]] = []
        if payload["reread"] or any(name not in known for name in wanted):
            before = StageTags(payload["group_name"], payload["tags"])
            made, alive = make_stage_tags(system.wecom, payload["pipeline"], payload["stages"], before)
            known = {row["stage"]: row["tag_id"] for row in made}
            remove = [old for old in remove if old in alive and old not in (known.get(name) for name in wanted)]
            lacking = next((name for name in wanted if name not in known), None)
            if lacking is not None:
                raise WeComError(NO_SUCH_TAG, f"「{payload['group_name']}」里建不出「{lacking}」", api="mark_tag")
        ids = [known[name] for name in wanted]
        add = [one for one in ids if payload["reread"] or one not in payload["kept"]]
        pair = payload["userid"], payload["external_userid"]
        if add or remove:
            system.wecom.mark_tag(*pair, add=add, remove=remove)
        left = _finish(system, *pair, add, remove) if add and remove else []
        return {"tag_ids": ids, "tags": made, "left": left, "taken": payload["taken"]}

    def record(self, work: Work, row: Outbox, result: Mapping[str, Any]) -> None:
        follow, name = work.session.get_one(Follow, row.payload["follow_id"]), row.payload["pipeline"]
        follow.marked = {**follow.marked, name: list(result["tag_ids"])}
        follow.marking = {key: ids for key, ids in follow.marking.items() if key != name}
        # What we took off ourselves is no longer seen there: else its absence would pass for a person's doing.
        follow.tags = [tag for tag in follow.tags if tag not in result["taken"]]
        if result["left"]:
            _is_marking(follow, name, result["left"])
        follow.marks += 1
        save_tags(work.session, result["tags"])

    def conclude(self, work: Work, system: System, row: Outbox, result: Mapping[str, Any]) -> None:
        """Release the rows that had to wait for this customer now, not at the next sweep."""
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


UNSURE = "?"
"""Among what is being marked: a restore may have forgotten calls; the phone may show what we do not know of."""


def known_marks(follow: Follow, pipeline: str) -> set[str]:
    """The ids of the pipeline's tags that this phone shows as far as we know, or may show by a call in flight."""
    return {*follow.marked.get(pipeline, []), *follow.marking.get(pipeline, [])}


def _is_marking(follow: Follow, pipeline: str, ids: Sequence[str]) -> None:
    under_way = {*follow.marking.get(pipeline, []), *ids}
    follow.marking = {**follow.marking, pipeline: sorted(under_way)}
    follow.marks += 1


def _wanted(work: Work, follow: Follow, marked: MarkedTags | None) -> list[str]:
    """What the customer has of these tags: the stage they are in, or what they carry of a group."""
    if marked is None:
        return []
    if not marked.of_stages:
        carried = select(Tagging.tag).where(
            Tagging.customer_id == follow.customer_id, Tagging.removed_at.is_(None), Tagging.tag.in_(marked.names)
        )
        return sorted(work.session.scalars(carried))
    here = select(Placement.stage).where(
        Placement.customer_id == follow.customer_id, Placement.pipeline == marked.name
    )
    return list(work.session.scalars(here))


def _is_for(work: Work, follow: Follow, marked: MarkedTags) -> bool:
    """Whether the tags concern this agent: a pipeline may be of some alone."""
    pipeline = next((one for one in work.settings.pipelines if one.name == marked.name), None)
    return not marked.of_stages or pipeline is None or is_for_agent(pipeline, owner_of(follow.agent))


def _alive(session: Session, ids: set[str]) -> set[str]:
    """Those that the tag library still has: WeCom refuses a whole call for one id that it does not know."""
    return set(session.scalars(select(CorpTag.tag_id).where(CorpTag.tag_id.in_(ids))))


def _finish(
    system: System, userid: str, external_userid: str, add: Sequence[str], remove: Sequence[str]
) -> list[str]:
    """Check that the whole exchange was made (WeCom may answer ok to half of it), and ask once more for the rest.

    Returns the ids whose removal was asked for a second time: they may still be there.
    """
    there = shown_tags(system.wecom.customer(external_userid), userid)
    lacking, left = [i for i in add if i not in there], [i for i in remove if i in there]
    if lacking or left:
        system.wecom.mark_tag(userid, external_userid, add=lacking, remove=left)
    return left


def shown_tags(found: Mapping[str, Any], userid: str) -> set[str]:
    """The corp tag ids that one agent sees on a customer, from externalcontact/get's answer."""
    mine = (f for f in objects(found.get("follow_user")) if clean(f.get("userid")).casefold() == userid.casefold())
    return {clean(tag.get("tag_id")) for follow in mine for tag in objects(follow.get("tags"))} - {""}
