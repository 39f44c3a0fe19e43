"""Refused tags: groups of which WeCom does not let a tag be made, such as where the company has all it may have."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from bot.platform.database.alarms import clear_alarm, raise_alarm
from bot.platform.database.store import get_status, set_status
from bot.wecom.errors import WeComError
from taggers.translatable import Translatable

REFUSED = "refused_tags"
ALARM = "tags.refused"
UNTIL_TRIED_AGAIN = timedelta(days=1)  # the nightly comparison tries as well, and forgets this where it succeeds


def is_refused(session: Session, name: str, now: datetime) -> bool:
    """Whether WeCom refused lately to make a tag of this group: asking again for each customer helps nobody."""
    refused = get_status(session, REFUSED)
    at = refused.value.get(name) if refused is not None else None
    return at is not None and now - datetime.fromisoformat(at) < UNTIL_TRIED_AGAIN


def note_refused(session: Session, name: str, error: WeComError, now: datetime) -> None:
    """Remember it, and tell people."""
    known = get_status(session, REFUSED)
    set_status(session, REFUSED, {**(known.value if known else {}), name: now.isoformat()}, now)
    said = Translatable(
        "标签组「{name}」里有标签建不出来：{why}。已有的照常放到手机上；在企业微信后台删掉不用的标签后会自动补上",
        name=name,
        why=str(error),
    )
    raise_alarm(session, ALARM, said, now)


def note_made(session: Session, name: str, now: datetime) -> None:
    """Forget that a group was refused: it is complete now."""
    known = get_status(session, REFUSED)
    if known is None or name not in known.value:
        return
    left = {key: at for key, at in known.value.items() if key != name}
    set_status(session, REFUSED, left, now)
    if not left:
        clear_alarm(session, ALARM, now)
