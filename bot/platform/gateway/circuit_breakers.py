"""Circuit breakers: after repeated failures calls are held for a while, then one process tries again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from bot.platform.database.alarms import clear_alarm, raise_alarm
from bot.platform.database.store import insert_new
from bot.platform.models import Breaker
from bot.wecom.errors import WeComError

FAILURES = 5  # in a row, without a readable answer
FIRST_REST = timedelta(seconds=15)
LONGEST_REST = timedelta(minutes=5)
REPAIR_REST = timedelta(seconds=300)  # for what only a person can mend: how long until it is tried again
PROBE_LIFE = timedelta(seconds=15)  # within which the probing process has its answer
ALARM_AFTER = timedelta(minutes=10)
# Wrong secret or corp id, app disabled, untrusted IP: every call with this secret fails. Others concern one API only.
SECRET_ERRCODES = frozenset({40001, 40013, 40056, 41001, 41004, 50003, 60020, 301002, 301042})
RATE_LIMIT_ERRCODES = frozenset({45009})
CONTENT_ERRCODES = frozenset({43012})  # a card with buttons for an app without a callback URL; other cards pass


def breaker_names(purpose: str, group: str, api: str) -> tuple[str, str, str]:
    """The breakers that hold a call: of its secret, of its group of APIs, of its own API."""
    return f"secret:{purpose}", f"group:{group}", f"api:{api}"[:64]


def open_breakers(session: Session) -> dict[str, Breaker]:
    """All breakers with a failure since their last success, by name."""
    return {row.name: row for row in session.scalars(select(Breaker))}


def claim_probe(session: Session, name: str, now: datetime) -> bool:
    """Whether this caller is the one to try again; for all others the breaker stays open for PROBE_LIFE."""
    over = (Breaker.name == name) & (Breaker.until <= now)
    won = session.execute(update(Breaker).where(over).values(until=now + PROBE_LIFE))
    return bool(won.rowcount)  # type: ignore[attr-defined]


def concerns_the_call_alone(error: WeComError) -> bool:
    """Whether WeCom answered, and refused nothing but this call: then the API as such works."""
    passes = error.errcode is None or error.refresh or error.errcode in RATE_LIMIT_ERRCODES
    return not passes and (not error.pause or error.errcode in CONTENT_ERRCODES)


def note_failure(session: Session, names: tuple[str, str, str], error: WeComError, now: datetime) -> None:
    """Open the breaker this failure calls for; raise an alarm where a person must mend it."""
    of_secret, of_group, of_api = names
    if error.pause and error.errcode not in CONTENT_ERRCODES:
        name = of_secret if error.errcode in SECRET_ERRCODES else of_api
        _open(session, name, error, now, REPAIR_REST)
        raise_alarm(session, alarm_name(name), str(error), now)
    elif error.errcode in RATE_LIMIT_ERRCODES:
        _open(session, of_api, error, now, timedelta(seconds=error.retry_after or 60.0))
    elif error.errcode is None and not error.permanent:
        row = _failed(session, of_group, error, now)
        if row.failures >= FAILURES:
            row.until = now + min(FIRST_REST * 2 ** min(row.failures - FAILURES, 10), LONGEST_REST)
        if now - row.failed_at >= ALARM_AFTER and row.failures >= FAILURES:
            raise_alarm(session, alarm_name(of_group), str(error), now)


def note_success(session: Session, names: Sequence[str], now: datetime) -> None:
    """Close the breakers of a call that succeeded."""
    session.execute(delete(Breaker).where(Breaker.name.in_(names)))
    for name in names:
        clear_alarm(session, alarm_name(name), now)


def alarm_name(breaker: str) -> str:
    """The name of a breaker's alarm."""
    return f"wecom.{breaker}"[:64]


def _failed(session: Session, name: str, error: WeComError, now: datetime) -> Breaker:
    insert_new(session, Breaker, [{"name": name, "failures": 0, "failed_at": now, "why": ""}], ["name"])
    row = session.scalars(select(Breaker).where(Breaker.name == name).with_for_update()).one()
    row.failures, row.errcode, row.why = row.failures + 1, error.errcode, str(error)[:500]
    return row


def _open(session: Session, name: str, error: WeComError, now: datetime, rest: timedelta) -> None:
    _failed(session, name, error, now).until = now + rest
