"""A draft of an SOP looked at while it is written: on a phone, on a calendar with all others, and whom it reaches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from bot.platform.config.settings import Settings
from bot.web.layout.languages import translate
from bot.web.rules.sop_rows import CalendarDay, calendar_days
from sop.overlaps import Overlap, may_run_beside, overlaps
from sop.playbook import Sop, Step
from sop.preview import PreviewedCustomer, PreviewedPrompt, RunningSop, preview
from sop.wording import pieces
from sop.workcalendar import calendar_of


@dataclass(frozen=True)
class PhoneMessage:
    """One prompt as the customer would read it. day counts from 1; shifts say why it comes later than wished."""

    prompt: PreviewedPrompt
    step: Step
    day: int
    on: date
    words: Sequence[tuple[str, str]]
    others: Sequence[Sequence[tuple[str, str]]]


@dataclass(frozen=True)
class DraftView:
    """The SOP on the phone, and 30 days of one customer who is on the others as well."""

    messages: Sequence[PhoneMessage]
    days: Sequence[CalendarDay]
    overlaps: Sequence[Overlap]
    beside: Sequence[Sop]
    put_off: int


def look_at(settings: Settings, sop: Sop, now: datetime, without: Sequence[str] = ()) -> DraftView:
    """The draft for somebody imagined who begins it now: alone, and beside all they can be on (save `without`)."""
    possible = [one for one in settings.tables.sops if may_run_beside(sop, one, settings.pipelines)]
    chosen = [one for one in possible if one.id not in without]
    alone, together = _prompts(settings, [sop], now), _prompts(settings, [sop, *chosen], now)
    mine = {prompt.step: prompt.at for prompt in alone}
    put_off = sum(prompt.at > mine.get(prompt.step, prompt.at) for prompt in together if prompt.sop_id == sop.id)
    values = imagined_values(settings, sop)
    first = calendar_of(settings.workspace).local(now).date()
    messages = [_message(settings, sop, prompt, first, values) for prompt in alone]
    days = calendar_days(settings, together)
    return DraftView(messages, days, overlaps(together, settings.workspace), possible, put_off)


def imagined_values(settings: Settings, sop: Sop) -> dict[str, str]:
    """What placeholders say for nobody in particular."""
    return {
        "customer.name": translate("王女士"),
        "agent.name": translate("小林"),
        "stage": sop.stage or "",
        "company": settings.workspace.name,
        "group.name": translate("示例群"),
    }


def _prompts(settings: Settings, sops: Sequence[Sop], now: datetime) -> tuple[PreviewedPrompt, ...]:
    courses = [RunningSop(sop, now) for sop in sops]
    return preview(courses, settings.workspace, settings.tables.budget, PreviewedCustomer("imagined"), now)


def _message(
    settings: Settings, sop: Sop, prompt: PreviewedPrompt, first: date, values: Mapping[str, str]
) -> PhoneMessage:
    step = sop.steps[prompt.step]
    on = calendar_of(settings.workspace).local(prompt.at).date()
    others = [pieces(text, values) for text in step.say if text != prompt.text]
    return PhoneMessage(prompt, step, (on - first).days + 1, on, pieces(prompt.text, values), others)
