"""Archive lag: how far reading is behind the archive, which WeCom keeps for days only, and what was lost of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from bot.platform.database.alarms import clear_alarm, raise_alarm
from bot.platform.database.store import get_status, insert_new, set_status
from bot.platform.models import ArchiveCursor, ArchiveGap, Message, Status

ARCHIVE_RETENTION = timedelta(days=3)  # WeCom says five days now, three in older documents: take the shorter
LAG_ALARMS = {"archive.lag.1h": timedelta(hours=1), "archive.lag.24h": timedelta(hours=24)}
GAP_ALARM = "archive.gap"
LAG_STATUS = "archive_lag"
_CONFIRM_AFTER = timedelta(minutes=1)  # after the machine's clock was set, one pull makes the lag right again


@dataclass(frozen=True)
class CursorPosition:
    """Where reading stands. seq: the last row stored; attempts: unfinished tries of what follows; pulled_at: the last
    pull, None before the first."""

    corp_id: str
    seq: int
    attempts: int = 0
    pulled_at: datetime | None = None


def archive_lag(session: Session, now: datetime) -> timedelta | None:
    """How old the oldest unread message may be; None where nothing was ever read.

    Where the archive was read to its end: the time since the last pull. Otherwise the time since the newest message
    stored or since the end was last reached, whichever is later.
    """
    cursor = session.scalars(select(ArchiveCursor)).first()
    if cursor is None or cursor.pulled_at is None:
        return None
    end = get_status(session, "caught_up")
    if end is not None and end.value["seq"] == cursor.seq:
        return max(now - cursor.pulled_at, timedelta(0))
    newest = session.scalar(select(Message.sent_at).order_by(Message.id.desc()).limit(1))
    known = [at for at in (newest, end.at if end is not None else None) if at is not None]
    return max(now - max(known), timedelta(0)) if known else timedelta(0)


def watch_lag(session: Session, now: datetime) -> None:
    """Raise and clear the alarms for a lag of 1 hour and of 24 hours."""
    lag = archive_lag(session, now)
    if lag is None or lag < min(LAG_ALARMS.values()):
        session.execute(delete(Status).where(Status.name == LAG_STATUS))
        for name in LAG_ALARMS:
            clear_alarm(session, name, now)
        return
    known = get_status(session, LAG_STATUS)
    if known is None:
        set_status(session, LAG_STATUS, {"since": now.isoformat()}, now)
        return
    if now - datetime.fromisoformat(known.value["since"]) < _CONFIRM_AFTER:
        return
    for name, step in LAG_ALARMS.items():
        if lag >= step:
            raise_alarm(session, name, _lag_text(lag), now)
        else:
            clear_alarm(session, name, now)


def note_gap(session: Session, cursor: CursorPosition, first: int | None, now: datetime) -> None:
    """Before the cursor moves on: record what WeCom may have deleted since the last pull.

    first: the seq that comes next, None while nothing has come. Seqs may jump for reasons of WeCom's own, so a jump
    counts only after a silence as long as WeCom keeps the archive.
    """
    corp_id, seq, pulled_at = cursor.corp_id, cursor.seq, cursor.pulled_at
    this = (ArchiveGap.corp_id == corp_id) & (ArchiveGap.after_seq == seq)
    silent = seq > 0 and pulled_at is not None and now - pulled_at > ARCHIVE_RETENTION
    if silent and first != seq + 1:
        row = {"corp_id": corp_id, "after_seq": seq, "before_seq": 0, "silent_since": pulled_at, "noticed_at": now}
        if insert_new(session, ArchiveGap, [row], ["corp_id", "after_seq"]):
            raise_alarm(session, GAP_ALARM, _gap_text(pulled_at, now), now)
    if first is None:
        return
    if first == seq + 1:  # nothing was lost after all
        forgotten = session.execute(delete(ArchiveGap).where(this, ArchiveGap.before_seq == 0))
        if forgotten.rowcount and not gaps(session):  # type: ignore[attr-defined]
            clear_alarm(session, GAP_ALARM, now)
        return
    session.execute(update(ArchiveGap).where(this, ArchiveGap.before_seq == 0).values(before_seq=first))


def gaps(session: Session) -> list[ArchiveGap]:
    """The ranges of seqs that were lost, newest first; before_seq 0: nothing has come since."""
    return list(session.scalars(select(ArchiveGap).order_by(ArchiveGap.id.desc()).limit(100)))


def _lag_text(lag: timedelta) -> str:
    hours = lag.total_seconds() / 3600
    return (
        f"会话存档落后了 {hours:.0f} 小时，企业微信只保存几天，过期就永远没有了："
        "运行 flask status 看原因（worker 与 scheduler 是否在运行、网络、WECOM_ARCHIVE_SECRET、可信 IP）"
    )


def _gap_text(since: datetime | None, now: datetime) -> str:
    days = (now - since).days if since is not None else 0
    return f"有 {days} 天没有读过会话存档，超过了企业微信的保存期，这期间较早的消息可能已经没有了：见 flask status"
