"""Pauses: stops calls to WeCom, all of the app's or one kind's, after an error that trying again would make worse."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from bot.platform.database.store import get_status, set_status
from bot.platform.log import get_logger
from bot.wecom.errors import WeComError

PAUSE = "wecom_pause"
PAUSE_SECONDS = 300  # an admin has to mend it; WeCom bans an address that goes on with a wrong secret
# These concern every call of the app (secret, corp, app, IP); other errors stop only calls of their own kind.
APP_WIDE_ERRCODES = frozenset({40001, 40013, 40056, 41001, 41004, 50003, 60020, 301002})
_log = get_logger(__name__)


def pause(session: Session, name: str, error: WeComError, now: datetime, seconds: float) -> None:
    """Begin or lengthen a pause. name: PAUSE for all calls, "PAUSE:kind" for one kind of row."""
    until = now + timedelta(seconds=seconds)
    set_status(session, name, {"until": until.isoformat(), "errcode": error.errcode, "why": str(error)}, now)
    _log.error("WeCom calls paused", pause=name, errcode=error.errcode, seconds=seconds)


def paused_until(session: Session, kind: str, now: datetime) -> datetime | None:
    """When calls of this kind may be made again; None for now."""
    for name in (PAUSE, f"{PAUSE}:{kind}"):
        status = get_status(session, name)
        until = datetime.fromisoformat(status.value["until"]) if status else now
        if until > now:
            return until
    return None
