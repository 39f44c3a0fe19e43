"""The handover page of one customer: the brief in full, the checklist, who takes over and whether they have."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from flask import Blueprint, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from bot.agents.past_answers import past_answers
from bot.customers.handovers import handover_of, open_handover, tick
from bot.customers.state import load_customer
from bot.platform.database import audit_log
from bot.platform.models import Agent, Handover
from bot.platform.work import Work
from bot.web.auth.access import customer_or_404, needs, refuse_unless
from bot.web.auth.visitor import ROLES, WORKING, visitor
from bot.web.customers.page import note_reading
from bot.web.customers.rows import read_customer
from bot.web.layout.actors import actor_names
from bot.web.layout.requests import LARGEST_ID, current_system
from bot.web.layout.template_filters import request_now
from sop.handover import progress

pages = Blueprint("handover", __name__)
pages.before_request(needs(*ROLES))
_PATH = f"/c/<int(max={LARGEST_ID}):customer_id>/handover"


@pages.get(_PATH)
def show(customer_id: int) -> str:
    """What whoever takes over must know, and how far they have come."""
    system, who = current_system(), visitor()
    note_reading(system, who, customer_id, request_now())
    checklist = system.settings.tables.handover.checklist
    with system.look(request_now()) as work:
        customer = customer_or_404(work.session, customer_id)
        view = read_customer(work, customer, who.actor, who.agent_id, past_answers(system))
        row = handover_of(work.session, customer_id)
        ticks = row.ticks if row is not None else {}
        return render_template(
            "handover.html",
            view=view, customer=customer, row=row, checklist=checklist, ticks=ticks,
            names=actor_names(work.session, (one[0] for one in ticks.values())),
            progress=progress(checklist, ticks),
            takers=[follow.agent for follow in view.follows if follow.agent_id != who.agent_id],
        )  # fmt: skip


@pages.post(_PATH)
def begin(customer_id: int) -> AnyResponse:
    """Hand the customer to `to`, one of the agents who have them; they are told."""
    refuse_unless(*WORKING)
    to = request.form.get("to", 0, type=int)
    with current_system().work() as work:
        state = load_customer(work.session, customer_or_404(work.session, customer_id))
        agents = {follow.agent_id: follow.agent for follow in state.active_follows}
        if to not in agents:
            abort(400)
        row = open_handover(work, customer_id, _giver(agents, to), to, "hand")
        _record(work, row, "handover.begin", to=agents[to].userid)
    return redirect(url_for("handover.show", customer_id=customer_id))


@pages.post(f"{_PATH}/tick")
def tick_item(customer_id: int) -> AnyResponse:
    """Tick the point `item` of the checklist, or (`on` is 0) take the tick back."""
    item, who = request.form.get("item", ""), visitor()
    if item not in current_system().settings.tables.handover.checklist:
        abort(400)
    with _changing(customer_id) as (work, row):
        tick(work, row, item, who.actor, done=request.form.get("on") == "1")
        _record(work, row, "handover.tick")
    return redirect(url_for("handover.show", customer_id=customer_id))


@pages.post(f"{_PATH}/accept")
def accept(customer_id: int) -> AnyResponse:
    """我接手了: the taker says so; a leader or an admin may say it in their place."""
    with _changing(customer_id) as (work, row):
        if row.taker_id is None or (visitor().role == "agent" and row.taker_id != visitor().agent_id):
            abort(404)
        row.accepted_at = row.accepted_at or work.now
        _record(work, row, "handover.accept")
    return redirect(url_for("handover.show", customer_id=customer_id))


@contextmanager
def _changing(customer_id: int) -> Iterator[tuple[Work, Handover]]:
    refuse_unless(*WORKING)
    with current_system().work() as work:
        customer_or_404(work.session, customer_id)
        row = handover_of(work.session, customer_id)
        if row is None:
            abort(404)
        yield work, row


def _giver(agents: dict[int, Agent], to: int) -> int | None:
    mine = visitor().agent_id
    return mine if mine in agents and mine != to else next((one for one in agents if one != to), None)


def _record(work: Work, row: Handover, action: str, **detail: str) -> None:
    audit_log.record(work.session, visitor().actor, action, f"customer:{row.customer_id}", work.now, **detail)
