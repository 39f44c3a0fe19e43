"""Breakers: what of WeCom fails again and again is left alone for a while, then tried by one of all processes."""

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
MENDING = timedelta(seconds=300)  # how long to leave a person before trying again
PROBE = timedelta(seconds=15)  # within which the one who tries has his answer
WORTH_AN_ALARM = timedelta(minutes=10)
# These concern every call made with this secret; other refusals concern one API only.
WHOLE_SECRET = frozenset({40001, 40013, 40056, 41001, 41004, 50003, 60020, 301002, 301042})
TOO_MANY = frozenset({45009})
OF_THE_CONTENT = frozenset({43012})  # a card that calls back; the same API takes others


def names_of(purpose: str, group: str, api: str) -> tuple[str, str, str]:
    """The breakers that a call hangs on: of its secret, of the APIs that fail with it, of itself."""
    return f"secret:{purpose}", f"group:{group}", f"api:{api}"[:64]


def open_breakers(session: Session) -> dict[str, Breaker]:
    """All breakers that ever failed and did not succeed since, by name."""
    return {row.name: row for row in session.scalars(select(Breaker))}


def may_probe(session: Session, name: str, now: datetime) -> bool:
    """Whether this caller is the one who tries again; for all others it stays open a little longer."""
    over = (Breaker.name == name) & (Breaker.until <= now)
    won = session.execute(update(Breaker).where(over).values(until=now + PROBE))
    return bool(won.rowcount)  # type: ignore[attr-defined]


def concerns_the_call_alone(error: WeComError) -> bool:
    """Whether WeCom answered, and what it refused is this very call."""
    passes = error.errcode is None or error.refresh or error.errcode in TOO_MANY
    return not passes and (not error.pause or error.errcode in OF_THE_CONTENT)


def note_failure(session: Session, names: tuple[str, str, str], error: WeComError, now: datetime) -> None:
    """Open what this failure says must be left alone; raise an alarm where a person must mend it."""
    of_secret, of_group, of_api = names
    if error.pause and error.errcode not in OF_THE_CONTENT:
        name = of_secret if error.errcode in WHOLE_SECRET else of_api
        _open(session, name, error, now, MENDING)
        raise_alarm(session, alarm_name(name), str(error), now)
    elif error.errcode in TOO_MANY:
        _open(session, of_api, error, now, timedelta(seconds=error.retry_after or 60.0))
    elif error.errcode is None and not error.permanent:
        row = _failed(session, of_group, error, now)
        if row.failures >= FAILURES:
            row.until = now + min(FIRST_REST * 2 ** min(row.failures - FAILURES, 10), LONGEST_REST)
        if now - row.failed_at >= WORTH_AN_ALARM and row.failures >= FAILURES:
            raise_alarm(session, alarm_name(of_group), str(error), now)


def note_success(session: Session, names: Sequence[str], now: datetime) -> None:
    """A call came through: all it hangs on is well again."""
    session.execute(delete(Breaker).where(Breaker.name.in_(names)))
    for name in names:
        clear_alarm(session, alarm_name(name), now)


def alarm_name(breaker: str) -> str:
    """The alarm of a breaker."""
    return f"wecom.{breaker}"[:64]


def _failed(session: Session, name: str, error: WeComError, now: datetime) -> Breaker:
    insert_new(session, Breaker, [{"name": name, "failures": 0, "failed_at": now, "why": ""}], ["name"])
    row = session.scalars(select(Breaker).where(Breaker.name == name).with_for_update()).one()
    row.failures, row.errcode, row.why = row.failures + 1, error.errcode, str(error)[:500]
    return row


def _open(session: Session, name: str, error: WeComError, now: datetime, rest: timedelta) -> None:
    _failed(session, name, error, now).until = now + rest
