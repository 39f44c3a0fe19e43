"""Tag snapshot: the tags that one agent sees on a customer in WeCom, and which of them are ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from bot.customers.tag_library import StageTags, library_tags, save_tags
from bot.platform.models import Follow
from sop.tag_sync import MarkedTags, Policy

Tags = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class TagSnapshot:
    """WeCom's tags of one agent's customer, as {tag_id, tag_name, group_name}.

    changed_at: when an agent changed them, where an event told so. stale: we wrote while they were being read, so
    that nothing can be concluded from a difference.
    """

    follow: Follow
    tags: Tags
    policy: Policy
    changed_at: datetime | None = None
    stale: bool = False


def learn_tag_ids(session: Session, marked: MarkedTags, tags: Tags) -> StageTags:
    """Our tags in WeCom, with the ids of those that a person created there: right group, right name, no id yet."""
    known = library_tags(session, marked)
    fresh = {
        tag["tag_name"]: str(tag["tag_id"])
        for tag in tags
        if tag.get("tag_id")
        and tag.get("group_name") == known.group_name
        and tag.get("tag_name") in marked.names
        and tag["tag_name"] not in known.ids
        and str(tag["tag_id"]) not in known.stages
    }
    save_tags(
        session,
        [
            {
                "tag_id": tag_id,
                "group_id": "",
                "group_name": known.group_name,
                "name": stage,
                "pipeline": marked.name,
                "stage": stage,
            }
            for stage, tag_id in fresh.items()
        ],
    )
    return StageTags(known.group_name, {**known.ids, **fresh})
