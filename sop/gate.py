"""Send decision for a due card: now, later, or not at all, by what has happened since it was planned."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sop.budget import within_budget
from sop.workcalendar import Postponement, Workcalendar
from sop.workspace import Budget

BESIDE_ANOTHER = "客户还有一步没有做完"
UNFIT = "客户现在的心态不适合这一步"
_AGAIN = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Situation:
    """What is known when a card is due.

    contacts: the instants at which our side reached the customer. own: those of this very SOP, `cap` its rate.
    busy_until: when to look again, while another step of the customer is still to be done. unfit: the step is not for
    the customer's mindset.
    """

    contacts: tuple[datetime, ...] = ()
    last_agent_word_at: datetime | None = None
    last_card_at: datetime | None = None
    anytime: bool = False
    already_said: bool = False
    expires_at: datetime | None = None
    own: tuple[datetime, ...] = ()
    cap: str | None = None
    busy_until: datetime | None = None
    unfit: bool = False


@dataclass(frozen=True, slots=True)
class Go:
    """Send it now."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Look again at `until`; `shifts` tell why, hop by hop."""

    until: datetime
    shifts: tuple[Postponement, ...]


@dataclass(frozen=True, slots=True)
class Drop:
    """Nobody needs it any more; `why` is for people."""

    why: str


def decide_card(now: datetime, situation: Situation, budget: Budget, calendar: Workcalendar) -> Go | Wait | Drop:
    """Decide about a card that is due at `now`.

    What the agent has said already is dropped. A step that is not for the customer's mindset is looked at again in an
    hour. A card waits for work hours (an `anytime` one for the end of quiet
    hours only), for another step of the customer to be done, while the agent talks with the customer, until the
    customer's budget and the SOP's own cap have room, and until the agent's last card is `agent_gap` old. One that
    would wait beyond its `expires_at` is dropped.
    """
    if situation.already_said:
        return Drop("员工已经说过同样的话")
    if situation.unfit:
        return _not_yet(now, situation.expires_at)
    shifts: list[Postponement] = []
    at = now
    while True:
        hops = _hops(at, situation, budget, calendar)
        if not hops:
            break
        shifts += hops
        at = hops[-1].to
    if situation.expires_at is not None and at >= situation.expires_at:
        return Drop(f"等到可以提醒时已过有效期（{shifts[-1].reason}）" if shifts else "错过了提醒时间")
    return Wait(at, tuple(shifts)) if shifts else Go()


def _not_yet(now: datetime, expires_at: datetime | None) -> Wait | Drop:
    until = now + _AGAIN
    if expires_at is not None and until >= expires_at:
        return Drop(UNFIT)
    return Wait(until, (Postponement(UNFIT, now, until),))


def _hops(at: datetime, situation: Situation, budget: Budget, calendar: Workcalendar) -> tuple[Postponement, ...]:
    return (
        (calendar.quiet_shifts(at) if situation.anytime else calendar.shifts(at))
        or _one_by_one(at, situation.busy_until)
        or _while_talking(at, situation.last_agent_word_at, budget.talk_hold)
        or within_budget(at, situation.contacts, budget.customer, calendar)
        or (within_budget(at, situation.own, situation.cap, calendar) if situation.cap else ())
        or _apart(at, situation.last_card_at, budget.agent_gap)
    )


def _one_by_one(at: datetime, busy_until: datetime | None) -> tuple[Postponement, ...]:
    if busy_until is None or at >= busy_until:
        return ()
    return (Postponement(BESIDE_ANOTHER, at, busy_until),)


def _while_talking(at: datetime, last_word_at: datetime | None, hold: timedelta) -> tuple[Postponement, ...]:
    if last_word_at is None or at >= last_word_at + hold:
        return ()
    return (Postponement("员工正在和客户聊", at, last_word_at + hold),)


def _apart(at: datetime, last_card_at: datetime | None, gap: timedelta) -> tuple[Postponement, ...]:
    if last_card_at is None or at >= last_card_at + gap:
        return ()
    return (Postponement("刚提醒过这位员工", at, last_card_at + gap),)
