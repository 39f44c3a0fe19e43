"""Manual enrolment: a person puts a customer on an SOP, takes them off it, or previews what they would get."""

from __future__ import annotations

from datetime import datetime

from bot.customers.state import CustomerState
from bot.platform.config.settings import Settings
from bot.platform.models import Agent, SopEnrolment
from bot.platform.work import Work
from bot.sops.dates import day_of
from bot.sops.enrolment import Start, enrol, last_enrolled_at, owner_for
from bot.sops.gate import contacts_of
from bot.sops.held import held_sops
from bot.sops.prompts import wording_values
from bot.sops.stopping import end_enrolment
from bot.wecom.errors import BotError
from sop.enrolment import why_not_again
from sop.playbook import Sop
from sop.preview import PreviewedCustomer, PreviewedPrompt, RunningSop, preview
from taggers.translatable import Translatable

BY_HAND = "人工停止"
IMAGINED = "imagined"
_BEHIND = ("completed", "replied", "expired", "cancelled", "failed")


class EnrolRefusedError(BotError):
    """An enrolment that cannot be; the text says why."""


def find_sop(settings: Settings, sop_id: str) -> Sop:
    """The SOP of that id; raises EnrolRefusedError naming those there are."""
    sop = settings.sops.get(sop_id)
    if sop is None:
        raise EnrolRefusedError(
            Translatable(
                "没有跟进「{sop_id}」，可用的有：{names}",
                sop_id=sop_id,
                names=list(settings.sops) or Translatable("（一个也没有）"),
            )
        )
    return sop


def enrol_by_hand(work: Work, state: CustomerState, sop_id: str, who: str) -> SopEnrolment:
    """Start an SOP for a customer whatever its trigger and audience; raises EnrolRefusedError saying why not.

    who: a userid or an admin's name, kept as the cause. A customer who opted out, or is on it already, is refused.
    """
    sop = find_sop(work.settings, sop_id)
    why = _why_not(work, state, sop)
    if why is not None:
        raise EnrolRefusedError(why)
    cause = f"hand:{who[:40]}:{int(work.now.timestamp() * 1000)}"
    made = enrol(work, state, sop, Start(cause, by_hand=True))
    if made is None:
        raise EnrolRefusedError("这份跟进的日子都已经过去了，没有可提醒的步骤")
    return made


def stop_by_hand(work: Work, state: CustomerState, sop_id: str, who: str) -> int:
    """Stop a customer's running enrolments in an SOP (of an older config, too); returns how many there were."""
    running = [e for e in state.enrolments if e.sop_id == sop_id and e.ended_at is None]
    if not running and sop_id not in work.settings.sops:
        find_sop(work.settings, sop_id)
    for enrolment in running:
        end_enrolment(work, enrolment, f"{BY_HAND}（{who[:40]}）")
    return len(running)


def preview_for(work: Work, state: CustomerState, sop: Sop, days: int = 30) -> tuple[PreviewedPrompt, ...]:
    """What the customer would get if the SOP started now, among the SOPs they are on; raises EnrolRefusedError."""
    agent = owner_for(state, sop)
    if agent is None:
        raise EnrolRefusedError("这位客户没有跟进的员工")
    running = [e for e in state.enrolments if e.ended_at is None]
    courses = [course for e in running if e.sop_id != sop.id and (course := _course(work.settings, e)) is not None]
    contacts = contacts_of(work, state.customer.id, work.settings.tables.budget.talk_hold)
    return preview(
        [RunningSop(sop, work.now), *courses],
        work.settings.workspace,
        work.settings.tables.budget,
        PreviewedCustomer(state.customer.external_userid, contacts, wording_values(work.settings, state, agent)),
        work.now,
        days=days,
    )


def preview_imagined(settings: Settings, sop: Sop, now: datetime, days: int = 30) -> tuple[PreviewedPrompt, ...]:
    """What an imagined customer would get, who is on no other SOP and has no name."""
    values = {"agent.name": "员工", "stage": sop.stage or "", "company": settings.workspace.name}
    nobody = PreviewedCustomer(IMAGINED, values=values)
    return preview([RunningSop(sop, now)], settings.workspace, settings.tables.budget, nobody, now, days=days)


def _why_not(work: Work, state: CustomerState, sop: Sop) -> str | None:
    agent: Agent | None = owner_for(state, sop)
    if not sop.enabled or sop.id in held_sops(work.session):
        return "这份跟进已暂停"
    if sop.shadow:
        return "这份跟进还在试听，先开始提醒"
    if state.customer.opted_out_at is not None:
        return "客户说过不想再收到消息"
    if any(e.sop_id == sop.id and e.ended_at is None for e in state.enrolments):
        return "客户已经在这份跟进里了"
    if agent is None:
        return "这位客户没有跟进的员工"
    return why_not_again(sop, last_enrolled_at(work.session, state, sop), work.now)


def _course(settings: Settings, enrolment: SopEnrolment) -> RunningSop | None:
    sop = settings.sops.get(enrolment.sop_id)
    done = [task.step + 1 for task in enrolment.tasks if task.state in (*_BEHIND, "queued", "delivered", "unknown")]
    return (
        None if sop is None else RunningSop(sop, enrolment.enrolled_at, max(done, default=0), day_of(enrolment.cause))
    )
