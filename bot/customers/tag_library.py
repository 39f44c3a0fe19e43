"""Tag library: keeps which of WeCom's corp tags stands for which stage, even after it was renamed in WeCom."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from bot.platform.config.settings import Settings
from bot.platform.models import CorpTag
from bot.wecom.plain import clean, objects, wecom_id
from sop.tag_sync import MarkedTags, tags_of_stages

if TYPE_CHECKING:
    from bot.wecom.api import WeComClient

Groups = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class StageTags:
    """The corp tags of a pipeline's stages, or of a group: its name in WeCom, and the id of each tag that has one."""

    group_name: str
    ids: Mapping[str, str]

    @property
    def stages(self) -> dict[str, str]:
        """tag id -> stage."""
        return {tag_id: stage for stage, tag_id in self.ids.items()}


def marked_tags(settings: Settings) -> list[MarkedTags]:
    """All tags that are kept on the agents' phones: of every pipeline's stages, and of the groups that say so."""
    return [*map(tags_of_stages, settings.pipelines), *phone_groups(settings)]


def phone_groups(settings: Settings) -> list[MarkedTags]:
    """The groups of tags that are kept on the phones."""
    return [MarkedTags(group.group, group.names) for group in settings.tables.tags if group.phone]


def library_tags(session: Session, marked: MarkedTags) -> StageTags:
    """What the database knows of these tags in WeCom."""
    rows = session.scalars(select(CorpTag).where(CorpTag.pipeline == marked.name).order_by(CorpTag.tag_id)).all()
    ids = {row.stage: row.tag_id for row in rows if row.stage is not None and row.stage in marked.names}
    return StageTags(rows[0].group_name if rows else marked.name, ids)


def former_tags(session: Session, marked: MarkedTags) -> set[str]:
    """The ids of the tags that this group has had and that are no longer named in it: they have to go."""
    rows = session.execute(select(CorpTag.tag_id, CorpTag.stage).where(CorpTag.pipeline == marked.name))
    return {tag_id for tag_id, name in rows if name is not None and name not in marked.names}


def make_stage_tags(
    wecom: WeComClient, pipeline: str, stages: Sequence[str], known: StageTags
) -> tuple[list[dict[str, Any]], set[str]]:
    """Make sure every stage has a tag in WeCom, by two calls at most; returns a CorpTag row per stage, and all ids.

    A stage keeps the tag it had, even renamed; one without takes the tag of its name; what is still missing is made.
    """
    rows = {row["tag_id"]: row for row in library_rows(wecom.corp_tags())}
    ids = {stage: known.ids[stage] for stage in stages if known.ids.get(stage) in rows}
    group_name = next((rows[tag_id]["group_name"] for tag_id in ids.values()), pipeline)
    ids |= _by_name(rows.values(), group_name, stages, ids)
    missing = [stage for stage in stages if stage not in ids]
    if missing:
        fresh = {row["tag_id"]: row for row in library_rows([wecom.add_corp_tags(group_name, missing)])}
        rows |= fresh
        ids |= _by_name(fresh.values(), group_name, missing, ids)
    return [{**rows[tag_id], "pipeline": pipeline, "stage": stage} for stage, tag_id in ids.items()], set(rows)


def library_rows(groups: Groups) -> list[dict[str, Any]]:
    """get_corp_tag_list's groups as CorpTag rows that stand for nothing yet."""
    return [
        {
            "tag_id": tag_id,
            "group_id": clean(group.get("group_id"))[:64],
            "group_name": clean(group.get("group_name"))[:64],
            "name": clean(tag.get("name"))[:64],
        }
        for group in groups
        for tag in objects(group.get("tag"))
        if (tag_id := wecom_id(tag.get("id"))) and not tag.get("deleted") and not group.get("deleted")
    ]


def save_tags(session: Session, rows: Iterable[Mapping[str, Any]]) -> None:
    """Record these tags as they are now in WeCom; one that stands for a stage replaces the one that did before."""
    for row in rows:
        if row.get("stage"):
            same = (CorpTag.pipeline == row["pipeline"], CorpTag.stage == row["stage"])
            for other in session.scalars(select(CorpTag).where(*same, CorpTag.tag_id != row["tag_id"])):
                other.pipeline = other.stage = None
        found = session.get(CorpTag, row["tag_id"])
        if found is None:
            session.add(CorpTag(**row))
        else:
            for name, value in row.items():
                setattr(found, name, value)
    session.flush()


def take_library(session: Session, groups: Groups, kept: Sequence[MarkedTags]) -> list[str]:
    """Make our copy equal to WeCom's whole library; returns, for people, what differs from the config."""
    rows = library_rows(groups)
    gone = {tag.tag_id: tag for tag in session.scalars(select(CorpTag))}
    for row in rows:
        gone.pop(row["tag_id"], None)
    drift = [f"标签「{tag.stage}」（{tag.pipeline}）在企业微信里被删除了" for tag in gone.values() if tag.stage]
    session.execute(delete(CorpTag).where(CorpTag.tag_id.in_(list(gone))))
    session.expire_all()
    save_tags(session, rows)
    for marked in kept:
        known = library_tags(session, marked)
        found = _by_name(rows, known.group_name, marked.names, known.ids)
        by_id = {row["tag_id"]: row for row in rows}
        save_tags(session, [{**by_id[i], "pipeline": marked.name, "stage": stage} for stage, i in found.items()])
        drift += _renamed(by_id, marked, known)
    return drift


def _by_name(
    rows: Iterable[Mapping[str, Any]], group_name: str, stages: Sequence[str], taken: Mapping[str, str]
) -> dict[str, str]:
    """Stages without a tag -> the tag of their name in the group, unless it stands for another stage already."""
    named = {row["name"]: row["tag_id"] for row in rows if row["group_name"] == group_name}
    return {
        stage: named[stage]
        for stage in stages
        if stage not in taken and stage in named and named[stage] not in taken.values()
    }


def _renamed(rows: Mapping[str, Mapping[str, Any]], marked: MarkedTags, known: StageTags) -> list[str]:
    drift = []
    if known.ids and known.group_name != marked.name:
        drift.append(f"标签组「{marked.name}」在企业微信里叫「{known.group_name}」")
    what = "阶段" if marked.of_stages else f"「{marked.name}」里"
    for stage, tag_id in known.ids.items():
        name = rows[tag_id]["name"] if tag_id in rows else stage
        if name != stage:
            drift.append(f"{what}「{stage}」的标签在企业微信里改名为「{name}」，仍按同一个标签跟随")
    return drift
