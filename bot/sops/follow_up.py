"""Follow-up: after a customer's event stops SOPs, moves the card and starts SOPs, in this order for every cause."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from bot.customers.stages import Cause, move_by
from bot.customers.state import CustomerState
from bot.platform.failpoints import failpoint
from bot.platform.models import Agent, SopTask
from bot.platform.work import Work
from bot.sops.dates import start_on_learned_dates
from bot.sops.enrolment import after_moves, start_sops
from bot.sops.returning import tell_of_return
from bot.sops.stopping import stop_sops
from sop.triggers import Trigger

_PREFIX = {"order": "order", "refund": "refund", "event": "told"}  # "event:" is of our own events


@dataclass(frozen=True)
class CustomerEvent:
    """What happened to one customer.

    tags: those just confirmed, whether new or not. fresh: those of them the customer did not carry before. events:
    "@added", "@spoke", ... happenings: "reply", "opted-out", ... cause: names the occurrence, so that a
    repetition enrols nobody twice. answers: the steps that were answered, or whose window closed in silence. learned:
    the fields that got another value. still: those of the tags that move no card. business: what other systems told
    (sop.business.names_of); evidence: the words shown beside a move by it.
    """

    cause: str
    tags: Sequence[str] = ()
    fresh: Sequence[str] = ()
    events: Sequence[str] = ()
    happenings: Sequence[str] = ()
    answers: Sequence[Trigger] = ()
    agent: Agent | None = None
    msgid: str | None = None
    who: str = ""
    learned: Sequence[str] = ()
    still: Collection[str] = ()
    business: Sequence[str] = ()
    evidence: str = ""


def answer_of(task: SopTask, *, replied: bool) -> Trigger:
    """The answer to a step, or its silence, as what starts an SOP."""
    return Trigger("reply" if replied else "no-reply", task.enrolment.sop_id, step=task.step)


def follow_up(work: Work, state: CustomerState, happened: CustomerEvent) -> None:
    """Stop what should stop, move the card, start what should start."""
    tags = (f"tag:{tag}" for tag in happened.tags)
    stop_sops(work, state, [*happened.happenings, *happened.business, *tags])
    triggers = [*(tag for tag in happened.tags if tag not in happened.still), *happened.events, *happened.business]
    moves = move_by(work, state, triggers, Cause(happened.who, happened.msgid, happened.evidence))
    failpoint("moved")
    tell_of_return(work, state, happened.agent, happened.msgid, happened.evidence if happened.business else "")
    after_moves(work, state, moves, happened.agent)
    starts = [("tag", tag) for tag in happened.fresh] + [("event", event) for event in happened.events]
    for kind, name in starts:
        trigger = Trigger("tag", name) if kind == "tag" else Trigger("event", name)
        start_sops(work, state, trigger, f"{kind}:{happened.cause}", happened.agent)
    for answer in happened.answers:
        start_sops(work, state, answer, f"{answer.kind}:{happened.cause}", happened.agent)
    for told in happened.business:
        start_sops(work, state, Trigger("business", told), f"{_PREFIX[told.partition(':')[0]]}:{happened.cause}")
    start_on_learned_dates(work, state, happened.learned)
    failpoint("planned")
