"""Digest of the audit log: one line that says, under a keyed hash, where the log ended at some moment.

Kept elsewhere it shows later whether anything before that moment was altered, even by who holds database and keys.
"""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.platform.database.audit_heads import Head
from bot.platform.database.audit_log import newest_head
from bot.platform.encryption import DataKeys, keys_of
from bot.platform.models import AuditEntry
from bot.wecom.errors import BotError
from taggers.translatable import Translatable

_LINE = re.compile(r"tici-log (\S{16,40}) (\d{1,18}) ([0-9a-f]{64}) ([0-9a-f]{64})")


class NoDigestError(BotError):
    """A text that is no digest of ours."""


@dataclass(frozen=True)
class Digest:
    """A moment, and where the log ended then."""

    at: str
    head: Head


def digest_line(session: Session, now: datetime) -> str:
    """The digest of the log as it is."""
    head, at = newest_head(session), f"{now.astimezone(UTC):%Y-%m-%dT%H:%MZ}"
    mac = _mac(keys_of(session.get_bind().dialect), at, head)
    return f"tici-log {at} {head.id} {head.hash} {mac}"


def digest_fault(session: Session, text: str) -> Translatable | None:
    """What is wrong between a digest that was kept and the log; None where the log still holds what it tells of.

    Raises NoDigestError for what we did not write. Rows before it are covered by the chain.
    """
    digest = _read(keys_of(session.get_bind().dialect), text)
    if digest.head.id == 0:
        return None
    kept = session.scalar(select(AuditEntry.hash).where(AuditEntry.id == digest.head.id))
    if kept == digest.head.hash:
        return None
    return Translatable(
        "操作日志与 {at} 的摘要对不上：那时末行是 {n} 号，现在没有这一行或换了内容，请立刻与备份核对",
        at=digest.at,
        n=digest.head.id,
    )


def _read(keys: DataKeys, text: str) -> Digest:
    found = _LINE.search(" ".join(text.split()))
    if found is None:
        raise NoDigestError("这不是摘要：应是 tici-log 开头的一行，请整行粘贴")
    head = Head(int(found[2]), found[3])
    if not hmac.compare_digest(_mac(keys, found[1], head), found[4]):
        raise NoDigestError("这行摘要不是本系统签的，或被改动过")
    return Digest(found[1], head)


def _mac(keys: DataKeys, at: str, head: Head) -> str:
    return keys.digest("audit digest", f"{at} {head.id} {head.hash}").hex()
