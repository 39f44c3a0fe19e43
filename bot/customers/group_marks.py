"""Group marks: has one agent's contact show what the customer carries of a group that is kept on the phones.

What a call may change is noted before it is made, since its answer may be lost: a tag that we were to take off is no
longer surely there, so that its absence never passes for a person's doing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from bot.customers.made_tags import is_to_make, prepare_making
from bot.customers.marks import alive_tags, exchange, is_marking, known_marks
from bot.customers.phone_tags import surely_shown
from bot.customers.refused_tags import is_refused
from bot.customers.tag_library import StageTags, library_tags
from bot.delivery.handler import NotNeededError
from bot.platform.models import Follow, Outbox, Tagging
from bot.platform.work import Work
from sop.tag_sync import MarkedTags

if TYPE_CHECKING:
    from bot.system import System


@dataclass(frozen=True)
class GroupMark:
    """One group of one contact, as it is to be set."""

    follow: Follow
    marked: MarkedTags
    library: StageTags
    carried: list[str]

    @property
    def lacking(self) -> list[str]:
        """What is carried and has no tag in WeCom."""
        return [name for name in self.carried if name not in self.library.ids]

    @property
    def ids(self) -> set[str]:
        """The tags that the phone is to show."""
        return {self.library.ids[name] for name in self.carried if name in self.library.ids}


def prepare_group(work: Work, row: Outbox, follow: Follow, marked: MarkedTags) -> dict[str, Any]:
    """What to call with, read now, so that a row that waited never marks what is over."""
    mark = GroupMark(follow, marked, library_tags(work.session, marked), _carried(work, follow, marked))
    lacking = bool(mark.lacking) and not is_refused(work.session, marked.name, work.now)
    if is_to_make(row, lacking):
        return prepare_making(row, follow, marked, mark.library)
    asked = {"follow_id": follow.id, "pipeline": marked.name, "group": True, "made": row.payload.get("made", 0)}
    return {**asked, "reread": bool(row.payload.get("reread")), **_exchanged(work, mark)}


def _exchanged(work: Work, mark: GroupMark) -> dict[str, Any]:
    """What to set and remove; noted first, since its answer may be lost."""
    follow, name, ids = mark.follow, mark.marked.name, mark.ids
    shown = surely_shown(work.settings, follow, mark.marked, mark.library.ids)
    there = known_marks(follow, name) | shown
    if there == ids and name not in follow.marking:
        raise NotNeededError("企业微信里建不出这个标签" if mark.lacking else "标签已经是这个")
    kept = set(follow.marked.get(name, [])) & ids
    follow.marked = {**follow.marked, name: sorted(kept)}
    follow.shown = {**follow.shown, name: sorted(shown & ids)}
    is_marking(follow, name, sorted(there | ids))
    return {
        "userid": follow.agent.userid,
        "external_userid": follow.customer.external_userid,
        "ids": sorted(ids),
        "add": sorted(ids - kept),
        "remove": sorted(alive_tags(work.session, there - ids)),
    }


def call_group(system: System, payload: Mapping[str, Any]) -> dict[str, Any]:
    """Set and remove the group's tags of one contact."""
    pair = payload["userid"], payload["external_userid"]
    return {"tag_ids": payload["ids"], "unsure": exchange(system, pair, payload["add"], payload["remove"])}


def record_group(work: Work, row: Outbox, result: Mapping[str, Any]) -> None:
    """Write down what the phone shows now."""
    follow, name = work.session.get_one(Follow, row.payload["follow_id"]), row.payload["pipeline"]
    follow.marked = {**follow.marked, name: [one for one in result["tag_ids"] if one not in result["unsure"]]}
    follow.marking = {key: ids for key, ids in follow.marking.items() if key != name}
    if result["unsure"]:
        is_marking(follow, name, result["unsure"])
    follow.marks += 1


def _carried(work: Work, follow: Follow, marked: MarkedTags) -> list[str]:
    mine = (Tagging.customer_id == follow.customer_id, Tagging.removed_at.is_(None))
    return sorted(work.session.scalars(select(Tagging.tag).where(*mine, Tagging.tag.in_(marked.names))))
