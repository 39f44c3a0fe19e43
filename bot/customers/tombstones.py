"""Tombstones: keyed hashes of erased people, so that no re-pull, import or old backup brings them back."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.platform.database.store import insert_new
from bot.platform.encryption import keys_of
from bot.platform.models import Tombstone

if TYPE_CHECKING:
    from bot.wecom.messages import ArchivedMessage

FILE = "tombstones.jsonl"
GONE = "erased"


def hash_of(session: Session, external_userid: str) -> str:
    """The keyed hash that stands for an erased person and does not reveal who they were."""
    keys = keys_of(session.get_bind().dialect)
    return keys.digest("tombstone", external_userid).hex()


def erased_among(session: Session, people: Iterable[str]) -> dict[str, Tombstone]:
    """Those of these people who were erased, whether or not they were added again since."""
    if session.scalar(select(Tombstone.hash).limit(1)) is None:
        return {}
    hashes = {hash_of(session, person): person for person in people if person}
    found: dict[str, Tombstone] = {}
    wanted = list(hashes)
    for start in range(0, len(wanted), 500):
        rows = session.scalars(select(Tombstone).where(Tombstone.hash.in_(wanted[start : start + 500])))
        found.update({hashes[row.hash]: row for row in rows})
    return found


def still_erased(session: Session, people: Iterable[str]) -> set[str]:
    """Those of these people who were erased and not added again: no row may be made for them."""
    return {person for person, stone in erased_among(session, people).items() if stone.lifted_at is None}


def without_erased(session: Session, messages: Sequence[ArchivedMessage]) -> list[ArchivedMessage | None]:
    """The messages in their order; None in place of one that an erased person said, or that was said to them alone.

    In a group chat the others' messages stay and no longer name the erased person.
    """
    stones = erased_among(session, {p for m in messages for p in (m.sender, *m.recipients)})
    if not stones:
        return list(messages)
    return [_allowed(message, stones) for message in messages]


def lift_tombstone(session: Session, external_userid: str, now: datetime) -> bool:
    """Let somebody whom an agent added again be a customer like any other; True where they had been erased."""
    stone = erased_among(session, [external_userid]).get(external_userid)
    if stone is None:
        return False
    stone.lifted_at = stone.lifted_at or now
    return True


def record_tombstone(session: Session, stone_hash: str, now: datetime) -> None:
    """Record an erasure in the database; it holds again for a person who had been added since."""
    insert_new(session, Tombstone, [{"hash": stone_hash, "erased_at": now, "lifted_at": None}], ["hash"])
    session.get_one(Tombstone, stone_hash, populate_existing=True).lifted_at = None


def append_tombstone_file(var: Path, stone_hash: str, now: datetime) -> None:
    """Record an erasure beside the database as well, so that restoring an old backup does not undo it."""
    var.mkdir(parents=True, exist_ok=True)
    line = json.dumps({"hash": stone_hash, "erased_at": now.isoformat()}) + "\n"
    file = os.open(var / FILE, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(file, line.encode())
        os.fsync(file)
    finally:
        os.close(file)


def read_tombstone_file(var: Path) -> dict[str, datetime]:
    """Every erasure noted beside the database: hash and moment; a line cut short by a crash is skipped."""
    path = var / FILE
    if not path.exists():
        return {}
    found: dict[str, datetime] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            noted = json.loads(line)
            found[str(noted["hash"])] = datetime.fromisoformat(noted["erased_at"])
        except (ValueError, KeyError, TypeError):
            continue
    return found


def _allowed(message: ArchivedMessage, stones: dict[str, Tombstone]) -> ArchivedMessage | None:
    def away(person: str) -> bool:
        stone = stones.get(person)
        return stone is not None and (stone.lifted_at is None or message.sent_at < stone.lifted_at)

    if away(message.sender) or (not message.roomid and any(map(away, message.recipients))):
        return None
    gone = [person for person in message.recipients if away(person)]
    raw = message.raw
    for person in gone:
        raw = raw.replace(person.encode(), GONE.encode())
    return replace(message, raw=raw, recipients=tuple(p for p in message.recipients if p not in gone))
