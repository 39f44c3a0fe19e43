"""Marks: which of our tags an agent's phone shows as far as we know, and whether WeCom made a whole exchange."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.platform.models import CorpTag, Follow
from bot.wecom.plain import clean, objects

if TYPE_CHECKING:
    from bot.system import System

UNSURE = "?"
"""Among what is being marked: a restore may have forgotten calls; the phone may show what we do not know of."""


def known_marks(follow: Follow, name: str) -> set[str]:
    """The ids of a pipeline's or group's tags that this phone shows as far as we know, or may by a call in flight."""
    return {*follow.marked.get(name, []), *follow.marking.get(name, []), *follow.shown.get(name, [])}


def is_marking(follow: Follow, name: str, ids: Sequence[str]) -> None:
    """Note that a call may set these."""
    under_way = {*follow.marking.get(name, []), *ids}
    follow.marking = {**follow.marking, name: sorted(under_way)}
    follow.marks += 1


def alive_tags(session: Session, ids: set[str]) -> set[str]:
    """Those that the tag library still has: WeCom refuses a whole call for one id that it does not know."""
    return set(session.scalars(select(CorpTag.tag_id).where(CorpTag.tag_id.in_(ids))))


def exchange(system: System, pair: tuple[str, str], add: Sequence[str], remove: Sequence[str]) -> list[str]:
    """Set and remove tags on one agent's contact; returns the ids that had to be asked for twice.

    WeCom may answer ok to a part of it: what was more than one tag is looked at, and asked for once more. Whether
    that did it is not known.
    """
    if not add and not remove:
        return []
    system.wecom.mark_tag(*pair, add=add, remove=remove)
    if len(add) + len(remove) < 2:
        return []
    userid, external_userid = pair
    there = shown_tags(system.wecom.customer(external_userid), userid)
    lacking, left = [i for i in add if i not in there], [i for i in remove if i in there]
    if lacking or left:
        system.wecom.mark_tag(*pair, add=lacking, remove=left)
    return [*lacking, *left]


def shown_tags(found: Mapping[str, Any], userid: str) -> set[str]:
    """The corp tag ids that one agent sees on a customer, from externalcontact/get's answer."""
    mine = (f for f in objects(found.get("follow_user")) if clean(f.get("userid")).casefold() == userid.casefold())
    return {clean(tag.get("tag_id")) for follow in mine for tag in objects(follow.get("tags"))} - {""}
