"""The message archive: messages are sealed, numbered and served by seq."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass

from bot.sandbox.callbacks import request_archive_notify
from bot.sandbox.replies import Answer, Call, RefusalError, endpoint
from bot.sandbox.sealing import pack_sdkfileid, seal_media, seal_message
from bot.sandbox.state import Json, Sandbox

SLICE = 512 * 1024
RANGE = re.compile(r"bytes=(\d+)-(\d+)", re.IGNORECASE)
RETENTION = 5 * 86_400


@dataclass(frozen=True)
class NewMessage:
    """A message to append to the conversation and, if both sides may be archived, to the archive."""

    message: Json
    archived: bool = True


def make_msgid(now: float, external: bool) -> str:
    return f"{secrets.token_hex(10)[:19]}_{now:.0f}{'_external' if external else ''}"


def append(sandbox: Sandbox, said: Iterable[NewMessage]) -> list[int | None]:
    """Store these messages, in order, in one transaction; returns their seqs, None where one is not archived."""
    version, public_key = sandbox.public_key()
    ledger, now = sandbox.ledger, sandbox.now()
    sealed = [(item, seal_message(item.message, public_key) if item.archived else None) for item in said]
    seqs: list[int | None] = []
    with ledger.transaction():
        following = next_seq(sandbox)
        rows, lines = [], []
        for item, seals in sealed:
            seq = None
            if seals:
                seq, following = following, following + 1
                rows.append((seq, item.message["msgid"], version, *seals, now))
            lines.append((*line_of(item.message), seq))
            seqs.append(seq)
        ledger.run_many("INSERT INTO archive VALUES (?, ?, ?, ?, ?, ?)", rows)
        ledger.run_many(
            "INSERT INTO talk (msgid, sender, receiver, roomid, msgtime, msgtype, message, seq)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            lines,
        )
    if rows:
        request_archive_notify(sandbox)
    return seqs


def next_seq(sandbox: Sandbox) -> int:
    last = sandbox.ledger.scalar("SELECT seq FROM sqlite_sequence WHERE name = 'archive'")
    return (last or 0) + 1


def skip_seqs(sandbox: Sandbox, count: int) -> None:
    """Leave a gap in the seqs, as the real archive does."""
    ledger = sandbox.ledger
    with ledger.transaction():
        last = next_seq(sandbox) - 1 + count
        if not ledger.run("UPDATE sqlite_sequence SET seq = ? WHERE name = 'archive'", last):
            ledger.run("INSERT INTO sqlite_sequence (name, seq) VALUES ('archive', ?)", last)


def append_raw(sandbox: Sandbox, row: Json) -> int:
    """Append a row to the archive unchecked: for unreadable records and unknown key versions."""
    version, _ = sandbox.public_key()
    with sandbox.ledger.transaction():
        seq = sandbox.ledger.add(
            "INSERT INTO archive (msgid, publickey_ver, encrypt_random_key, encrypt_chat_msg, stored_at)"
            " VALUES (?, ?, ?, ?, ?)",
            str(row.get("msgid") or make_msgid(sandbox.now(), external=True)),
            int(row.get("publickey_ver", version)),
            str(row.get("encrypt_random_key", "")),
            str(row.get("encrypt_chat_msg", "")),
            sandbox.now(),
        )
    request_archive_notify(sandbox)
    return seq


def line_of(message: Json) -> tuple[str, str, str, str, int, str, str]:
    """msgid, sender, first receiver, roomid, msgtime (ms), msgtype, JSON; a switch log has only some of them."""
    receivers = message.get("tolist") or [""]
    return (
        str(message.get("msgid", "")),
        str(message.get("from") or message.get("user", "")),
        str(receivers[0]),
        str(message.get("roomid", "")),
        int(message.get("msgtime") or message.get("time") or 0),
        str(message.get("msgtype") or message.get("action", "")),
        json.dumps(message, ensure_ascii=True),
    )


def keep_file(sandbox: Sandbox, content: bytes) -> Json:
    """Store a file for GetMediaData; the fields every media body carries."""
    file_id = secrets.token_hex(60)
    auth_key = base64.b64encode(secrets.token_bytes(24)).decode()
    key_hex = secrets.token_hex(16)
    sandbox.ledger.run(
        "INSERT INTO archive_files VALUES (?, ?, ?, ?, ?)", file_id, auth_key, key_hex, content, sandbox.now()
    )
    md5 = hashlib.md5(content).hexdigest()  # noqa: S324 - the field's own name
    return {"md5sum": md5, "sdkfileid": pack_sdkfileid(file_id, auth_key, key_hex)}


@endpoint("message/getchatdata", by=("archive",), empty={"chatdata": []}, limit=(600, 60))
def get_chat_data(sandbox: Sandbox, call: Call) -> Answer:
    seq = call.number("seq", 0, 0, 2**63 - 1)
    limit = call.number("limit", 1000, 1, 1000)
    largest = sandbox.switch("response_too_large")
    if largest and limit > largest:
        raise RefusalError(301058)
    rows = sandbox.ledger.rows(
        "SELECT seq, msgid, publickey_ver, encrypt_random_key, encrypt_chat_msg FROM archive"
        " WHERE seq > ? AND stored_at > ? ORDER BY seq LIMIT ?",
        seq,
        call.now - RETENTION,
        limit,
    )
    return {"chatdata": [dict(row) for row in rows]}


@endpoint("message/getchatmediadata", by=("archive",), empty={"content": ""})
def get_chat_media_data(sandbox: Sandbox, call: Call) -> Answer:
    """One slice by the Range header, base64 of the encrypted file; `_headers` carries CONTENT-RANGE."""
    row = sandbox.ledger.one("SELECT * FROM archive_files WHERE file_id = ?", call.text("fileid"))
    if row is None or row["auth_key"] != call.body.get("authkey"):
        raise RefusalError(40007, "fileid")
    if row["stored_at"] <= call.now - RETENTION:
        raise RefusalError(301048)
    sealed = seal_media(row["content"], bytes.fromhex(row["key_hex"]))
    asked = RANGE.fullmatch(call.headers.get("Range", f"bytes=0-{SLICE - 1}").strip())
    if asked is None:
        raise RefusalError(40058, "Range")
    start, end = int(asked[1]), min(int(asked[2]), int(asked[1]) + SLICE - 1, len(sealed) - 1)
    return {
        "content": base64.b64encode(sealed[start : end + 1]).decode(),
        "_headers": {"CONTENT-RANGE": f"BYTES {start}-{end}/{len(sealed)}"},
    }
