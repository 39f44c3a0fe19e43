"""The page of one customer: the conversation with its evidence, and what is known and planned about them."""

from __future__ import annotations

from datetime import UTC, datetime

from flask import Blueprint, Response, abort, render_template, request
from sqlalchemy import select

from bot.agents.past_answers import past_answers
from bot.platform.models import Message
from bot.system import System
from bot.web.auth.access import customer_or_404, needs
from bot.web.auth.readings import note_readings
from bot.web.auth.visitor import EVERYBODY, Visitor, visitor
from bot.web.board import pages as board_pages
from bot.web.board.move_words import outlook_words
from bot.web.customers.conversation_rows import Conversation, read_conversation
from bot.web.customers.masked_talk import masked_talk
from bot.web.customers.rows import read_customer, read_evidence
from bot.web.customers.silence_rows import explain_silence
from bot.web.customers.timeline_rows import read_timeline
from bot.web.layout.requests import LARGEST_ID, current_system, row_id
from bot.web.layout.template_filters import request_now

MESSAGES = 60

pages = Blueprint("customer", __name__)
pages.before_request(needs(*EVERYBODY))
_PATH = f"/c/<int(max={LARGEST_ID}):customer_id>"


def show(customer_id: int) -> str:
    """The whole page; `?before=` for browsers without scripts."""
    system, who = current_system(), visitor()
    settings = system.settings
    note_reading(system, who, customer_id, request_now())
    before = request.args.get("before", type=row_id)
    with system.look() as work:
        session = work.session
        customer = customer_or_404(session, customer_id)
        view = read_customer(work, customer, who.actor, who.agent_id, past_answers(system))
        talk = _masked(read_conversation(session, customer_id, customer.name, MESSAGES, before), who)
        return render_template(
            "customer.html",
            view=view,
            customer=customer,
            talk=talk,
            back=board_pages.back(),
            pipelines=settings.pipelines,
            outlook_words=outlook_words,
        )


board_pages.pages.add_url_rule(_PATH, "customer", show)  # a part of the board: the same link opens it


@pages.get(f"{_PATH}/aside")
def aside(customer_id: int) -> str:
    """What stands beside the conversation; fetched again after something was done."""
    system, who = current_system(), visitor()
    settings = system.settings
    note_reading(system, who, customer_id, request_now())
    with system.look() as work:
        session = work.session
        customer = customer_or_404(session, customer_id)
        view = read_customer(work, customer, who.actor, who.agent_id, past_answers(system))
        return render_template(
            "customer_aside.html",
            view=view,
            customer=customer,
            pipelines=settings.pipelines,
            outlook_words=outlook_words,
        )


@pages.get(f"{_PATH}/talk")
def talk(customer_id: int) -> Response:
    """Earlier messages (`before` one), or the newer ones (`after` one, 0 where there was none); 204 for none."""
    system, who = current_system(), visitor()
    note_reading(system, who, customer_id, request_now())
    before, newer = request.args.get("before", type=row_id), "after" in request.args
    with system.store.read() as session:
        customer = customer_or_404(session, customer_id)
        found = read_conversation(session, customer_id, customer.name, MESSAGES, before)
        if newer:
            found = _after(found, request.args.get("after", 0, type=int))
        if not found.bubbles:
            return Response(status=204)
        page = render_template("customer_talk.html", customer=customer, talk=_masked(found, who), newer=newer)
    return Response(page, headers={"HX-Trigger": "customer-changed"} if newer else None)


@pages.get(f"{_PATH}/timeline")
def timeline(customer_id: int) -> str:
    """What happened before a moment (ISO)."""
    settings = current_system().settings
    try:
        before = datetime.fromisoformat(request.args.get("before", ""))
        if before.tzinfo is None:
            abort(400)
        before = before.astimezone(UTC)
    except (ValueError, OverflowError):  # the first and the last day there are have no UTC
        abort(400)
    titles = {sop.id: sop.title or sop.id for sop in settings.sops.values()}
    note_reading(current_system(), visitor(), customer_id, request_now())
    with current_system().store.read() as session:
        customer = customer_or_404(session, customer_id)
        found = read_timeline(session, customer_id, titles, before)
        return render_template("customer_timeline.html", customer=customer, timeline=found)


@pages.get(f"{_PATH}/why/<int(max={LARGEST_ID}):message_id>")
def why(customer_id: int, message_id: int) -> str:
    """Which rules found what in one message, and whether they were right; where none did, why not."""
    settings = current_system().settings
    with current_system().store.read() as session:
        customer_or_404(session, customer_id)
        if session.scalar(select(Message.customer_id).where(Message.id == message_id)) != customer_id:
            abort(404)
    note_reading(current_system(), visitor(), customer_id, request_now())
    with current_system().store.read() as session:
        customer = customer_or_404(session, customer_id)
        found = read_evidence(session, customer_id, message_id, visitor().actor)
        misses = [] if found else explain_silence(session, settings, customer, session.get_one(Message, message_id))
        rules = {rule.id for rule in settings.tables.rules}
        return render_template("customer_why.html", customer=customer, found=found, rules=rules, misses=misses)


def note_reading(system: System, who: Visitor, customer_id: int, now: datetime) -> None:
    """Note in the log of readings that the visitor reads about this customer; 404 where they may not."""
    with system.store.read() as session:
        customer_or_404(session, customer_id)
    note_readings(system, who.actor, [customer_id], "customer", now)


def _after(talk: Conversation, message_id: int) -> Conversation:
    """The messages after one; all that are read where it is not among them."""
    ids = [bubble.message_id for bubble in talk.bubbles]
    start = ids.index(message_id) + 1 if message_id in ids else 0
    return Conversation(talk.bubbles[start:], None)


def _masked(talk: Conversation, who: Visitor) -> Conversation:
    return talk if who.may_change else masked_talk(talk)
