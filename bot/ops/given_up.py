"""Given up: events and calls that were tried often enough to stop, how many there are, and taking them up again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, literal_column, select, update
from sqlalchemy.orm import Session

from bot.platform.database.alarms import clear_alarm, raise_alarm
from bot.platform.models import CallbackEvent, Outbox, Quarantine
from bot.platform.work import Work
from taggers.translatable import Translatable

FAILED = "failed: "  # how the outcome of an event that was given up begins
ALARM = "events.given-up"
_TOLD = (
    "有 {n} 个企业微信事件没有处理成，其中的客户可能没有接进来："
    "看日志里的原因，改好后运行 flask given-up retry，或在「设置 → 没处理成」里点「再处理一遍」"
)
ADVICE = "看日志里的原因，改好后运行 flask given-up retry，或在「设置 → 没处理成」里点「再处理一遍」"
# Calls that only read, or that set what is looked up anew before each try: to repeat one can do no harm.
HARMLESS = ("profile", "library", "member", "departments", "group_chat", "consent", "mark_tag")


@dataclass(frozen=True)
class GivenUp:
    """How much is left undone. sends: what is not repeated, since it would come too late or twice."""

    events: int
    calls: int
    sends: int
    quarantined: int
    why: str = ""

    @property
    def can_retry(self) -> int:
        """How much can be taken up again."""
        return self.events + self.calls


def event_given_up() -> ColumnElement[bool]:
    """The condition on events that were given up, in the words of its index."""
    return literal_column("substr(callback_event.outcome, 1, 7)") == literal_column("'failed:'")


def call_given_up() -> ColumnElement[bool]:
    """The condition on outbox rows that were given up and can be taken up again."""
    return Outbox.state.in_(("failed", "unknown")) & Outbox.kind.in_(HARMLESS)


def read_given_up(session: Session) -> GivenUp:
    """Count what was given up; the newest event's reason stands for the others."""
    lost = select(func.count()).select_from(Outbox).where(Outbox.state.in_(("failed", "unknown")))
    held = select(func.count()).select_from(Quarantine).where(Quarantine.released_at.is_(None))
    calls = session.scalar(lost.where(Outbox.kind.in_(HARMLESS))) or 0
    newest = given_up_events(session, 1)
    return GivenUp(
        events=session.scalar(select(func.count()).select_from(CallbackEvent).where(event_given_up())) or 0,
        calls=calls,
        sends=(session.scalar(lost) or 0) - calls,
        quarantined=session.scalar(held) or 0,
        why=(newest[0].outcome or "").removeprefix(FAILED) if newest else "",
    )


def given_up_events(session: Session, limit: int) -> Sequence[CallbackEvent]:
    """The events that were given up, newest first."""
    query = select(CallbackEvent).where(event_given_up()).order_by(CallbackEvent.id.desc())
    return session.scalars(query.limit(limit)).all()


def given_up_calls(session: Session, limit: int) -> Sequence[Outbox]:
    """The calls that were given up and can be taken up again, newest first."""
    return session.scalars(select(Outbox).where(call_given_up()).order_by(Outbox.id.desc()).limit(limit)).all()


def take_up_again(work: Work) -> tuple[int, int]:
    """Have everything that can be taken up again tried anew; returns how many events and how many calls."""
    session, now = work.session, work.now
    open_again = {"handled_at": None, "outcome": None, "attempts": 0}
    events = session.execute(update(CallbackEvent).where(event_given_up()).values(**open_again))
    rows = session.scalars(select(Outbox).where(call_given_up()).with_for_update()).all()
    for row in rows:
        row.state, row.not_before, row.deadline, row.attempts = "waiting", now, None, 0
        row.first_tried_at = row.done_at = row.lease_until = row.lease_owner = None
    work.leaving.extend(rows)
    clear_alarm(session, ALARM, now)
    work.wake("handle_events")
    return events.rowcount, len(rows)  # type: ignore[attr-defined]


def watch_given_up(session: Session, now: datetime) -> None:
    """Raise the alarm while there are events that were given up, and clear it when there are none."""
    count = session.scalar(select(func.count()).select_from(CallbackEvent).where(event_given_up())) or 0
    if count:
        raise_alarm(session, ALARM, str(Translatable(_TOLD, n=count)), now)
    else:
        clear_alarm(session, ALARM, now)
