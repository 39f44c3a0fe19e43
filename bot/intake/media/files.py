"""Media files: which files conversations have, who wants them, and the outbox handler that fetches them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.customers.new_message import AnyMessage
from bot.delivery.handler import NotNeededError, OutboxHandler, PostponedError
from bot.intake.media.store import DownloadBusyError, Fetched, FileRequest, open_media_store
from bot.platform.disk import must_wait
from bot.platform.models import MediaFile, Outbox
from bot.platform.work import Work
from bot.wecom.errors import UnreadableMessageError, WeComError
from bot.wecom.kinds import MediaRef

if TYPE_CHECKING:
    from bot.system import System

KIND = "media"
WAIT_SECONDS = 60.0  # until the room on the disk is looked at again
NOT_HERE = ("noted", "failed")
RETENTION = timedelta(days=5)  # WeCom keeps files so long; asking for older ones only costs calls
LOST_ERRCODES = frozenset({301048, 10010})  # the JSON interface, and the SDK: past its retention
_FILES_PER_MESSAGE = 50  # a forwarded chat record may name any number
MEGABYTE = 1024 * 1024


def note_media(work: Work, found: Sequence[tuple[AnyMessage, Sequence[MediaRef]]]) -> None:
    """Record the files of stored messages; those of the kinds in [media] keep are asked for at once."""
    rows = [
        MediaFile(
            message_id=message.id,
            position=position,
            kind=ref.kind[:64],
            name=ref.name[:255],
            sdkfileid=ref.sdkfileid,
            fileid_hash=hashlib.sha256(ref.sdkfileid.encode()).hexdigest(),
            md5=ref.md5[:32].lower(),
            announced_size=ref.size,
            seconds=ref.seconds,
            sent_at=message.sent_at,
            state="noted",
            attempts=0,
            fetched=0,
        )
        for message, refs in found
        if not message.unagreed
        for position, ref in enumerate(refs[:_FILES_PER_MESSAGE])
    ]
    if not rows:
        return
    work.session.add_all(rows)
    work.session.flush()
    keep = work.settings.tables.media.keep
    for row in rows:
        if "all" in keep or row.kind in keep:
            _request(work, row)


def keep_media(work: Work, limit: int = 5000) -> int:
    """Once a night: ask (again) for files of the kinds to keep that are not here and that WeCom still has."""
    keep = work.settings.tables.media.keep
    if not keep:
        return 0
    missing = select(MediaFile).where(
        MediaFile.state.in_(NOT_HERE),
        MediaFile.sent_at > work.now - RETENTION,
        *(() if "all" in keep else (MediaFile.kind.in_(keep),)),
    )
    rows = work.session.scalars(missing.order_by(MediaFile.sent_at).limit(limit)).all()
    for row in rows:
        _request(work, row)
    return len(rows)


def request_media(work: Work, message_id: int) -> list[MediaFile]:
    """Ask for the files of a message that are not here yet, for somebody who wants to see them.

    The page then looks at their states until none is `asked`.
    """
    rows = files_of(work.session, [message_id]).get(message_id, [])
    for row in rows:
        if row.state in NOT_HERE:
            _request(work, row)
    return rows


def request_file(work: Work, file: MediaFile) -> None:
    """Ask for one file, if it is not here yet, for somebody who wants to see it."""
    if file.state in NOT_HERE:
        _request(work, file)


def files_of(session: Session, message_ids: Sequence[int]) -> dict[int, list[MediaFile]]:
    """The files of messages, in their order."""
    found: dict[int, list[MediaFile]] = {}
    query = select(MediaFile).where(MediaFile.message_id.in_(message_ids))
    for row in session.scalars(query.order_by(MediaFile.message_id, MediaFile.position)):
        found.setdefault(row.message_id, []).append(row)
    return found


def forget_media(session: Session, message_ids: Sequence[int]) -> list[str]:
    """Delete the files of messages.

    Returns the contents that no row refers to any more, for MediaStore.remove once the transaction is committed.
    """
    mine = MediaFile.message_id.in_(message_ids)
    contents = {c for c in session.scalars(select(MediaFile.content_hash).where(mine)) if c}
    for row in session.scalars(select(MediaFile).where(mine)).all():
        session.delete(row)
    session.flush()
    shared = set(session.scalars(select(MediaFile.content_hash).where(MediaFile.content_hash.in_(contents))))
    return sorted(contents - shared)


class FetchMedia(OutboxHandler):
    """Fetches a file from WeCom into the media store; a large one takes several rows, each going on from the last."""

    def prepare(self, work: Work, system: System, row: Outbox) -> dict[str, Any]:
        file = work.session.get(MediaFile, row.payload["file"])
        if file is None or file.state != "asked":
            raise NotNeededError("文件已不需要，或已经取到")
        most = work.settings.tables.media.max_mb * MEGABYTE
        if file.announced_size is not None and file.announced_size > most:
            _end(file, "refused", f"文件 {file.announced_size // MEGABYTE} MB，超过 [media] max_mb")
            raise NotNeededError(file.why)
        if (copy := _find_kept_copy(work.session, file)) is not None:
            _apply_copy(file, copy, work.now)
            raise NotNeededError("同一个文件已经在库里")
        if must_wait(system.environment):
            raise PostponedError(WAIT_SECONDS)
        file.attempts += 1
        return {**row.payload, "most": most}

    def call(self, system: System, payload: Mapping[str, Any]) -> dict[str, Any]:
        with system.store.read() as session:
            file = session.get(MediaFile, payload["file"])
        if file is None:
            return {}
        store = open_media_store(system)
        wanted = FileRequest(file.sdkfileid, file.fileid_hash, file.md5, payload["most"])
        try:
            fetched = store.fetch(system.archive.media, wanted)
        except DownloadBusyError:
            raise WeComError(None, "the file is being fetched by another worker", api=KIND) from None
        except UnreadableMessageError as error:
            return {"refused": error.reason}
        return {"done": fetched.done, "size": fetched.size, "content": fetched.content, "sniffed": fetched.sniffed}

    def record(self, work: Work, row: Outbox, result: Mapping[str, Any]) -> None:
        file = work.session.get(MediaFile, row.payload["file"])
        if file is None:
            return
        if "refused" in result:
            _end(file, "refused", str(result["refused"]))
        elif result:
            fetched = Fetched(result["done"], result["size"], result["content"], result["sniffed"])
            _apply_fetched(file, fetched, work.now)

    def conclude(self, work: Work, system: System, row: Outbox, result: Mapping[str, Any]) -> None:
        file = work.session.get(MediaFile, row.payload["file"])
        if file is not None and file.state == "asked":
            _send_fetch(work, file)

    def learn(self, work: Work, row: Outbox, error: WeComError) -> None:
        file = work.session.get(MediaFile, row.payload["file"])
        if file is not None and error.errcode in LOST_ERRCODES:
            _end(file, "lost", "企业微信已不再保存这个文件（超过保存期）")

    def give_up(self, work: Work, row: Outbox, state: str, why: str) -> None:
        file = work.session.get(MediaFile, row.payload["file"])
        if file is not None and file.state == "asked":
            _end(file, "failed", why)


def _request(work: Work, file: MediaFile) -> None:
    copy = _find_kept_copy(work.session, file)
    if copy is not None:
        _apply_copy(file, copy, work.now)
        return
    file.state, file.why = "asked", ""
    _send_fetch(work, file)


def _send_fetch(work: Work, file: MediaFile) -> None:
    """Put out one row per file at a time: each counts an attempt as it begins, so that the next has another key."""
    work.send_once(KIND, f"{KIND}:{file.id}:{file.attempts}", {"file": file.id})


def _find_kept_copy(session: Session, file: MediaFile) -> MediaFile | None:
    """A file with the same fileid (forwarded, or sent before) whose content is here already."""
    same = select(MediaFile).where(
        MediaFile.fileid_hash == file.fileid_hash, MediaFile.state == "kept", MediaFile.id != file.id
    )
    return session.scalars(same.limit(1)).first()


def _apply_fetched(file: MediaFile, fetched: Fetched, now: datetime) -> None:
    file.fetched = fetched.size
    if fetched.done:
        file.state, file.why, file.kept_at = "kept", "", now
        file.content_hash, file.size, file.sniffed = fetched.content, fetched.size, fetched.sniffed


def _apply_copy(file: MediaFile, copy: MediaFile, now: datetime) -> None:
    file.state, file.why, file.kept_at = "kept", "", now
    file.content_hash, file.size, file.sniffed = copy.content_hash, copy.size, copy.sniffed
    file.fetched = copy.fetched


def _end(file: MediaFile, state: str, why: str) -> None:
    file.state, file.why = state, why[:300]
