"""Material uploads: uploads library files to WeCom before they are needed, and again before their 3 days are over."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.delivery.handler import OutboxHandler
from bot.platform.config.materials import BadMaterialError, MaterialFile, all_attachments, find_material
from bot.platform.config.settings import Settings
from bot.platform.database.store import insert_new
from bot.platform.log import get_logger
from bot.platform.models import Material, Outbox, OwnWording
from bot.platform.work import Work
from bot.wecom.errors import Remedy, WeComError

if TYPE_CHECKING:
    from bot.system import System

MEDIA_LIFE = timedelta(days=3)  # for which WeCom keeps a temporary media_id
FRESH_FOR = timedelta(days=2)  # uploaded again after this, so that a day's outage does no harm
MARGIN = timedelta(minutes=10)  # a media_id about to expire may be refused by the time it arrives
KIND = "material"
_PATIENCE = timedelta(days=1)
_log = get_logger(__name__)


def folder_of(system: System) -> Path:
    """The folder of the library."""
    return system.environment.config.parent / system.settings.workspace.materials


def named_by_agents(session: Session) -> set[tuple[str, str]]:
    """The files, with the type under which WeCom is to have them, that agents' own wordings take along."""
    rows: Iterable[list[dict[str, str]]] = session.scalars(select(OwnWording.attach))
    files = (item for attach in rows for item in attach or () if item.get("file"))
    return {(item["file"], "image" if item["kind"] == "image" else "file") for item in files}


def read_materials(settings: Settings, folder: Path, further: Iterable[tuple[str, str]] = ()) -> list[MaterialFile]:
    """The files that the config names, and further ones, as they are on disk; one that cannot be used is logged. No
    transaction waits for a disk: this comes before `refresh_uploads`."""
    wanted = {
        a.material
        for _, a in all_attachments(settings.tables.sops, settings.tables.welcome, settings.tables.answers)
        if a.material
    }
    found = []
    for name, kind in sorted({*wanted, *further}):
        try:
            found.append(find_material(folder, name, kind))
        except BadMaterialError as problem:
            _log.warning("material not usable", material=name, reason=str(problem))
    return found


def refresh_uploads(work: Work, files: Iterable[MaterialFile]) -> int:
    """Record these files and put out uploads for those WeCom will soon drop; returns how many."""
    stale = 0
    for found in files:
        row = _note(work, found)
        if row.uploaded_at is None or row.uploaded_at <= work.now - FRESH_FOR:
            stale += _put_upload(work, row)
    return stale


def attachment_bodies(
    session: Session, attach: Sequence[Mapping[str, Any]], now: datetime
) -> tuple[list[dict[str, Any]], list[str]]:
    """Attachments as welcome and mass messages take them, and the names of files that WeCom does not have now."""
    bodies, missing = [], []
    for item in attach:
        kind, name = item["kind"], str(item.get("file") or item.get("pic") or "")
        media_id = _media_id(session, name, "file" if kind == "file" else "image", now) if name else None
        if name and media_id is None:
            missing.append(name)
        else:
            bodies.append({"msgtype": kind, kind: _BODIES[kind](item, media_id)})
    return bodies, missing


def md5s_of(session: Session, names: Iterable[str]) -> dict[str, frozenset[str]]:
    """Every md5 that a library file of this name has ever had: what an agent downloaded last week counts as well."""
    wanted = sorted(set(names))
    found: dict[str, set[str]] = {name: set() for name in wanted}
    rows = session.execute(select(Material.name, Material.md5).where(Material.name.in_(wanted))) if wanted else ()
    for name, md5 in rows:
        found[name].add(md5)
    return {name: frozenset(md5s) for name, md5s in found.items()}


class UploadMaterial(OutboxHandler):
    """Upload one file of the library to WeCom. A second upload gives a second media_id; the later one is used."""

    def prepare(self, work: Work, system: System, row: Outbox) -> dict[str, Any]:
        material = work.session.get_one(Material, row.payload["material_id"])
        return {**row.payload, "name": material.name, "kind": material.kind, "sha256": material.sha256}

    def call(self, system: System, payload: Mapping[str, Any]) -> dict[str, Any]:
        try:
            found = find_material(folder_of(system), payload["name"], payload["kind"])
            content = found.path.read_bytes()
        except BadMaterialError as problem:
            return {"not_needed": str(problem)}
        except OSError as error:
            raise WeComError(None, f"{payload['name']}: {error.strerror}", _GONE, "media/upload") from None
        if found.sha256 != payload["sha256"]:
            return {"not_needed": "文件已经换过，按新的上传"}
        name = payload["name"].rpartition("/")[2]
        return {"media_id": system.wecom.upload(payload["kind"], name, content)}

    def record(self, work: Work, row: Outbox, result: Mapping[str, Any]) -> None:
        if "not_needed" in result:
            return
        material = work.session.get_one(Material, row.payload["material_id"])
        material.media_id, material.uploads = result["media_id"], material.uploads + 1
        material.uploaded_at = (
            row.first_tried_at or work.now
        )  # the first try: WeCom may count its three days from there


_GONE = Remedy("素材文件在上传前不见了", permanent=True)
_BODIES: dict[str, Any] = {
    "link": lambda item, _: {key: item[key] for key in ("title", "url", "desc", "picurl") if item.get(key)},
    "miniprogram": lambda item, media: {
        "title": item["title"], "appid": item["appid"], "page": item["page"], "pic_media_id": media,
    },
    "image": lambda _, media: {"media_id": media},
    "file": lambda _, media: {"media_id": media},
}  # fmt: skip


def _note(work: Work, found: MaterialFile) -> Material:
    facts = {"name": found.name, "kind": found.kind, "sha256": found.sha256, "md5": found.md5, "size": found.size}
    same = (Material.name == found.name, Material.kind == found.kind, Material.sha256 == found.sha256)
    row = work.session.scalar(select(Material).where(*same))
    if row is None:
        fresh = {**facts, "found_at": work.now, "used_at": work.now, "uploads": 0}
        insert_new(work.session, Material, [fresh], ["name", "kind", "sha256"])
        row = work.session.scalars(select(Material).where(*same)).one()
    if row.used_at < work.now - timedelta(hours=1):
        row.used_at = work.now
    return row


def _put_upload(work: Work, row: Material) -> int:
    """Put out an upload, none within a day of the last while WeCom refuses it: sooner it would be refused as well."""
    key, before = (f"{KIND}:{row.id}:{row.uploads}:{at:%Y%m%d}" for at in (work.now, work.now - _PATIENCE))
    lately = select(Outbox.id).where(Outbox.key.in_((key, before)), Outbox.created_at > work.now - _PATIENCE)
    if work.session.scalar(lately.limit(1)) is not None:
        return 0
    work.send(KIND, key, {"material_id": row.id})
    return 1


def _media_id(session: Session, name: str, kind: str, now: datetime) -> str | None:
    """The media_id of the newest upload of this name that WeCom still has."""
    alive = select(Material.media_id).where(
        Material.name == name,
        Material.kind == kind,
        Material.media_id.is_not(None),
        Material.uploaded_at > now - MEDIA_LIFE + MARGIN,
    )
    return session.scalar(alive.order_by(Material.used_at.desc(), Material.uploaded_at.desc()).limit(1))
