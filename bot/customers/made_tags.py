"""Made tags: has WeCom make the tags that a phone is to show and WeCom lacks, by a call of their own.

So the ids of all that a later call sets are noted before it. Were they learned from its answer, which may be lost, a
tag of ours would pass for something that a person did on the phone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete

from bot.customers.marks import known_marks
from bot.customers.stages import put_mark
from bot.customers.tag_library import StageTags, make_stage_tags, save_tags
from bot.platform.models import CorpTag, Follow, Outbox
from bot.platform.work import Work
from sop.tag_sync import MarkedTags

if TYPE_CHECKING:
    from bot.system import System

MOST_MADE = 2  # times that the tags of a group are made before one call; then what exists is set


def is_to_make(row: Outbox, lacking: bool) -> bool:
    """Whether tags have to be made, or the library read again, before this row can set any."""
    return (lacking or bool(row.payload.get("reread"))) and int(row.payload.get("made", 0)) < MOST_MADE


def prepare_making(row: Outbox, follow: Follow, marked: MarkedTags, library: StageTags) -> dict[str, Any]:
    """What the call needs that makes the tags of one set."""
    return {
        "follow_id": follow.id,
        "pipeline": marked.name,
        "make": True,
        "group": not marked.of_stages,
        "made": int(row.payload.get("made", 0)),
        "reread": bool(row.payload.get("reread")),
        "names": list(marked.names),
        "called": library.group_name,
        "tags": dict(library.ids),
        "there": sorted(known_marks(follow, marked.name)),
    }


def make_tags(system: System, payload: Mapping[str, Any]) -> dict[str, Any]:
    """Make what is missing; tells what there is now, and which of the tags that we knew are gone."""
    known = StageTags(payload["called"], payload["tags"])
    rows, alive = make_stage_tags(system.wecom, payload["pipeline"], payload["names"], known)
    gone = {*payload["tags"].values(), *payload["there"]} - alive
    return {"tags": rows, "gone": sorted(gone)}


def record_made(work: Work, result: Mapping[str, Any]) -> None:
    """Write down which tags there are."""
    work.session.execute(delete(CorpTag).where(CorpTag.tag_id.in_(result["gone"])))
    save_tags(work.session, result["tags"])


def go_on(work: Work, row: Outbox) -> None:
    """After tags were made: have them set, by a row of their own."""
    if row.payload.get("make"):
        follow = work.session.get_one(Follow, row.payload["follow_id"])
        follow.marks += 1
        put_mark(work, follow, row.payload["pipeline"], f"again:{follow.marks}", made=row.payload["made"] + 1)
