"""Trial run of an SOP: what would come when, from any moment on and with any answer; a step sent to one's own phone.

Nothing reaches a customer: it is decided as in earnest and only shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from flask import Response, abort, render_template, request
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.agents.manual_enrolment import EnrolRefusedError, preview_for, preview_imagined
from bot.customers.state import load_customer
from bot.platform import clock
from bot.platform.database import audit_log
from bot.platform.database.search_index import named
from bot.platform.models import Customer
from bot.platform.work import About, Work
from bot.web.auth.access import customer_or_404, refuse_unless, visible_customers
from bot.web.auth.visitor import ADMIN, AGENT, LEADER, visitor
from bot.web.layout.answers import done, refused
from bot.web.layout.languages import translate
from bot.web.layout.requests import current_system, row_id
from bot.web.rules.sop_rows import trial_days
from bot.web.rules.sops import pages, sop_or_404
from sop.playbook import Sop
from sop.preview import PreviewedPrompt
from sop.trial import play

FARTHEST = timedelta(days=366)
_FOUND = 8  # customers offered for a name
_TEXT_LIVES = timedelta(hours=1)


@dataclass(frozen=True)
class Asked:
    """What a trial is asked for: since when, for whom, and which step (from 0) is answered. problem: in words."""

    begins: datetime
    customer: Customer | None = None
    answered: int | None = None
    problem: str = ""


@pages.get("/sops/s/<sop_id>/preview")
def preview(sop_id: str) -> str:
    """Play it for an imagined customer or `?customer=`, from `?start=` (local time) on, answered at step `?answer=`
    (from 1); `?name=` searches a customer."""
    system, name = current_system(), request.args.get("name", "").strip()[:64]
    sop = sop_or_404(system, sop_id)
    with system.look(clock.now()) as work:
        found = _find(work.session, name) if name else []
        asked = _asked(work, sop)
        prompts, problem = _prompts(work, sop, asked)
        played = play(prompts, work.settings.sops, sop.id, asked.answered)
        days = trial_days(work.settings, played)
    who = visitor()
    return render_template(
        "sop_preview.html", sop=sop, asked=asked, name=name, found=found, refused=asked.problem or problem, days=days,
        moved=asked.begins != work.now, may_send=who.agent_id is not None and who.role in _SENDERS,
    )  # fmt: skip


_SENDERS = (ADMIN, LEADER, AGENT)


@pages.post("/sops/s/<sop_id>/preview/send")
def send_to_me(sop_id: str) -> Response:
    """Send the text of `step` (from 0) to the visitor's own phone, as a trial that says so."""
    refuse_unless(*_SENDERS)
    who, system = visitor(), current_system()
    sop = sop_or_404(system, sop_id)
    if who.agent_id is None:
        return refused(translate("您不是用企业微信登录的，没有手机可发"))
    with system.work(clock.now()) as work:
        asked = _asked(work, sop)
        prompts, problem = _prompts(work, sop, asked)
        step = request.form.get("step", type=int)
        prompt = next((one for one in prompts if one.sop_id == sop.id and one.step == step), None)
        if prompt is None:
            return refused(problem or translate("没有这一步，请刷新后再试"))
        key = f"trial:{who.agent_id}:{sop.id[:40]}:{step}:{int(work.now.timestamp() * 1000)}"
        row = work.send("app_text", key, {"text": _text(sop, prompt)}, About(agent_id=who.agent_id))
        row.deadline = work.now + _TEXT_LIVES
        audit_log.record(work.session, who.actor, "sop.trial", f"sop:{sop.id}", work.now, step=prompt.step + 1)
    return done(translate("已发到您的手机"))


def _find(session: Session, name: str) -> list[tuple[int, str]]:
    mine = Customer.id.in_(named(name)), visible_customers(session, visitor())
    query = select(Customer.id, Customer.name).where(*mine).limit(_FOUND)
    return [(number, called) for number, called in session.execute(query)]


def _asked(work: Work, sop: Sop) -> Asked:
    number, answer = request.values.get("customer", type=row_id), request.values.get("answer", type=int)
    customer = customer_or_404(work.session, number) if number is not None else None
    if answer is not None and not 1 <= answer <= len(sop.steps):
        abort(404)
    begins, problem = _begins(work, request.values.get("start", "").strip()[:30])
    return Asked(begins, customer, answer - 1 if answer is not None else None, problem)


def _begins(work: Work, text: str) -> tuple[datetime, str]:
    """The moment from which it is played, and what is wrong with what was asked for."""
    if not text:
        return work.now, ""
    try:
        begins = datetime.fromisoformat(text).replace(tzinfo=work.settings.zone)
    except ValueError:
        return work.now, translate("看不懂这个时间，请像 2026-05-20 10:00 这样写")
    near = abs(begins - work.now) <= FARTHEST
    return (begins, "") if near else (work.now, translate("请选前后一年之内的时间"))


def _prompts(work: Work, sop: Sop, asked: Asked) -> tuple[Sequence[PreviewedPrompt], str]:
    """What would come, or in words why nothing would."""
    if asked.customer is None:
        return preview_imagined(work.settings, sop, asked.begins), ""
    then = replace(work, now=asked.begins)
    try:
        return preview_for(then, load_customer(work.session, asked.customer), sop), ""
    except EnrolRefusedError as reason:
        return (), translate(str(reason))


def _text(sop: Sop, prompt: PreviewedPrompt) -> str:
    title = translate("【试跑】{title} · 第 {n} 步", title=sop.title or sop.id, n=prompt.step + 1)
    attached = [item.title or item.file or "" for item in sop.steps[prompt.step].attach]
    told = [translate("附：{names}", names=attached)] if attached else []
    return "\n\n".join([title, prompt.text, *told])
