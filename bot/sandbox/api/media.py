"""Temporary media and permanent pictures."""

from __future__ import annotations

import secrets

from bot.sandbox.replies import Answer, Call, Download, RefusalError, endpoint
from bot.sandbox.state import Sandbox

MEGABYTE = 1024 * 1024
MEDIA_SECONDS = 3 * 86_400
TYPES = {
    "image": (10 * MEGABYTE, ("jpg", "jpeg", "png")),
    "voice": (2 * MEGABYTE, ("amr",)),
    "video": (10 * MEGABYTE, ("mp4",)),
    "file": (20 * MEGABYTE, ()),
}


@endpoint("media/upload", empty={"type": "", "media_id": "", "created_at": ""})
def upload(sandbox: Sandbox, call: Call) -> Answer:
    kind = call.query.get("type", "")
    if kind not in TYPES:
        raise RefusalError(40004)
    if call.upload is None or len(call.upload.content) <= 5:
        raise RefusalError(44001)
    most, extensions = TYPES[kind]
    if len(call.upload.content) > most:
        raise RefusalError(45001)
    extension = call.upload.filename.rpartition(".")[2].lower()
    if extensions and extension not in extensions:
        raise RefusalError(40004, f"{kind} must be {', '.join(extensions)}")
    media_id = secrets.token_urlsafe(48)
    sandbox.ledger.run(
        "INSERT INTO media VALUES (?, ?, ?, ?, ?)",
        media_id,
        kind,
        call.upload.filename,
        call.upload.content,
        call.now,
    )
    sandbox.note("media", media_id=media_id, type=kind, filename=call.upload.filename)
    return {"errmsg": "", "type": kind, "media_id": media_id, "created_at": str(int(call.now))}


@endpoint("media/uploadimg", empty={"url": ""}, limit=(1000, 86_400))
def upload_image(_sandbox: Sandbox, call: Call) -> Answer:
    if call.upload is None or len(call.upload.content) <= 5:
        raise RefusalError(44001)
    if len(call.upload.content) > 2 * MEGABYTE:
        raise RefusalError(45001)
    return {"url": f"https://wework.qpic.cn/wwpic/{secrets.token_hex(12)}/0"}


@endpoint("media/get", "GET", by=("app",))
def get(sandbox: Sandbox, call: Call) -> Answer:
    row = sandbox.ledger.one("SELECT * FROM media WHERE media_id = ?", call.query.get("media_id", ""))
    if row is None or call.now > row["created_at"] + MEDIA_SECONDS:
        raise RefusalError(40007)
    return Download(row["filename"], row["content"])
