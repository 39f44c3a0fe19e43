"""The sidebar in WeCom: the page beside a chat that shows the customer and sends suggested texts by one tap."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, abort, current_app, jsonify, render_template, request, send_file
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.agents.answer_offers import OfferedAnswer, answer_of, search_answers
from bot.agents.drafts import NoDraftError, order_draft, take_one, write_draft
from bot.agents.own_wordings import own_book
from bot.agents.past_answers import past_answers
from bot.agents.reading import may_read
from bot.agents.suggestions import Suggestion, find_suggestion
from bot.agents.task_answers import (
    LONGEST_WORDS,
    AnswerRefusedError,
    decline,
    postpone,
    record_tap,
    take_back,
)
from bot.agents.wording_offers import not_noted, note_offers, note_tap
from bot.customers.state import load_customer
from bot.platform.database import audit_log
from bot.platform.database.reading_log import viewed
from bot.platform.log import get_logger
from bot.platform.models import Agent, SopTask, ViewEntry
from bot.platform.work import Work
from bot.system import System
from bot.web.agents.client_pages import Signed, signed_page
from bot.web.agents.jssdk_errors import in_words
from bot.web.agents.sidebar_rows import LinkSigner, message_of, read_panel, read_sidebar_group
from bot.web.agents.sidebar_visitor import LONGEST_ID, agent_or_404, follow_or_404, visitor_or_demo_agent
from bot.web.agents.tasks import DONE
from bot.web.auth.access import needs, reader_of
from bot.web.auth.visitor import ADMIN, AGENT, LEADER, Visitor
from bot.web.layout.answers import done, refused
from bot.web.layout.languages import translate
from bot.web.layout.requests import LARGEST_ID, current_system
from bot.web.layout.template_filters import request_now

LONGEST_KEY = 100  # it is stored in the audit log
LONGEST_MESSAGE = 1000  # characters of words that an agent changed before sending
VIEW_AGAIN = timedelta(minutes=10)  # the page renews itself: within this time that counts as one reading
PAGE, DRAFT = "sidebar", "draft"
MOST_TOPICS = 12
_log = get_logger(__name__)

pages = Blueprint("sidebar", __name__, url_prefix="/sidebar")
pages.before_request(needs(ADMIN, LEADER, AGENT))


@pages.get("")
def show() -> str:
    """The empty page; its script learns from WeCom's JS-SDK which customer it is about."""
    system = current_system()
    access = system.environment.wecom
    who = visitor_or_demo_agent()
    return render_template(
        "sidebar.html",
        access=access,
        known=who.agent_id is not None,
        demo=system.environment.demo,
        userid=who.userid,
        drafts=bool(system.settings.tables.drafts.url),
        topics=system.settings.answer_topics[:MOST_TOPICS],
    )


@pages.get("/stand-in.js")
def stand_in() -> Response:
    """In the demo, a stand-in for the JS-SDK: it talks to the sandbox's phone that frames this page."""
    if not current_system().environment.demo:
        abort(404)
    return send_file(f"{__file__.removesuffix('sidebar.py')}sidebar_stand_in.js", mimetype="text/javascript")


@pages.post("/sign")
def sign() -> Signed:
    """A signature of one of our own pages, for `config` or (kind=agent) for `agentConfig`; 400 for others' pages."""
    return signed_page(request.form.get("url", ""), request.form.get("kind", ""))


@pages.post("/customer")
def customer() -> Response | str:
    """The panel of one customer of the agent; 204 where the browser has it already, 404 for others' customers."""
    system, who, now = current_system(), agent_or_404(), request_now()
    with system.look(now) as work:
        session = work.session
        follow = follow_or_404(session, who)
        panel = read_panel(work, follow, past_answers(system))
        html = render_template("sidebar_panel.html", panel=panel, can_send=request.form.get("group") != "1")
        customer_id = follow.customer_id
        logged = _seen_lately(session, who, customer_id)
        fresh = not_noted(work, follow.customer, follow.agent, panel.offers)
    if fresh:
        with system.work(now) as work:
            follow = follow_or_404(work.session, who)
            note_offers(work, follow.customer, follow.agent, fresh)
    if not logged:
        with system.store.write() as session:
            viewed(session, who.actor, customer_id, PAGE, now)
    stamp = hashlib.sha256(html.encode()).hexdigest()[:16]
    if request.form.get("seen") == stamp:
        return Response(status=204)
    return Response(html, headers={"X-Stamp": stamp})


@pages.post("/answers")
def answers() -> str:
    """The answers of the knowledge base that the words `q` mean, with their words for this customer."""
    system, who, words = current_system(), agent_or_404(), _form_text("q").strip()
    with system.look(request_now()) as work:
        follow = follow_or_404(work.session, who)
        state = load_customer(work.session, follow.customer)
        own = own_book(work, follow.agent)
        named = [answer_of(work, state, follow.agent, key, own) for key in search_answers(work, words, state, own)]
        found: list[OfferedAnswer] = [one for one in named if one is not None]
        return render_template("sidebar_found.html", found=found, can_send=request.form.get("group") != "1")


@pages.post("/draft")
def draft() -> Response | str:
    """A draft of what to say now, written outside from the masked talk; the agent sends it, or does not."""
    system, who, now = current_system(), agent_or_404(), request_now()
    if not system.settings.tables.drafts.url:
        abort(404)
    try:
        with system.work(now) as work:
            follow = follow_or_404(work.session, who)
            order = order_draft(work, load_customer(work.session, follow.customer), follow.agent)
            take_one(work.session, work)
            audit_log.record(work.session, who.actor, "sidebar.draft", f"customer:{follow.customer_id}", now)
        text = write_draft(system, order)
    except NoDraftError as why:
        return refused(translate(str(why)))
    return render_template("sidebar_draft.html", text=text, can_send=request.form.get("group") != "1")


@pages.post("/group")
def group() -> str:
    """The agent's own customers in a group chat where they are a member; 404 for other groups."""
    who, system = agent_or_404(), current_system()
    with system.store.read() as session:
        agent = session.get_one(Agent, who.agent_id)
        room = read_sidebar_group(session, agent, request.form.get("chat_id", "")[:LONGEST_ID])
        if room is None:
            abort(404)
        return render_template("sidebar_group.html", room=room)


@pages.post("/send")
def send() -> Response | tuple[Response, int]:
    """The message the agent is about to send into the chat: {message}. A step of an SOP can be tapped once.

    `words`: what the agent made of the text; empty where it goes as it is.
    """
    system, who, now = current_system(), agent_or_404(), request_now()
    words = request.form.get("words", "").strip()[:LONGEST_MESSAGE]
    key, part = _form_text("key"), _form_text("part") or "text"
    try:
        with system.work(now) as work:
            session = work.session
            follow = follow_or_404(session, who)
            offer = _draft_sent(system, words) if key == DRAFT else None
            offer = offer or find_suggestion(
                work, load_customer(session, follow.customer), follow.agent, key, past_answers(system)
            )
            if offer is None:
                raise AnswerRefusedError(translate("这条话术已经不用发了，请看最新的"))
            signer = LinkSigner(system.environment.base_url, current_app.config["SECRET_KEY"])
            said = replace(offer, text=words) if words else offer
            message = message_of(session, signer, said, part, now)
            if message is None:
                raise AnswerRefusedError(translate("这个文件还没有传到企业微信，请下载后自己发"))
            if offer.task is not None and part == "text":
                record_tap(_locked_task(session, offer.task.id), now, again=request.form.get("again") == "1")
            elif part == "text":
                note_tap(work, follow.customer, follow.agent, offer)
            audit_log.record(
                session, who.actor, "sidebar.send", f"customer:{follow.customer_id}", now, key=key, part=part,
                **({"changed": True} if words and part == "text" else {}),
            )  # fmt: skip
    except AnswerRefusedError as why:
        return jsonify(text=translate(str(why))), 409
    return jsonify(message=message)


@pages.post("/unsent")
def unsent() -> Response:
    """WeCom refused the message: answers with the reason in words, and frees the step to be tapped again."""
    system, who, now = current_system(), agent_or_404(), request_now()
    told, key = request.form.get("message", "")[:200], _form_text("key")
    words = in_words(told)
    with system.store.write() as session:
        follow = follow_or_404(session, who)
        kind, _, number = key.partition(":")
        if kind == "task" and number.isdigit() and len(number) < 19 and request.form.get("part", "text") == "text":
            task = _locked_task(session, int(number))
            if task is not None and (task.customer_id, task.agent_id) == (follow.customer_id, who.agent_id):
                task.tapped_at = None
        audit_log.record(
            session, who.actor, "sidebar.unsent", f"customer:{follow.customer_id}", now, key=key, said=told
        )
    _log.warning("not sent from the sidebar", said=told)
    return jsonify(text=translate(words) if words else "")


@pages.post("/trouble")
def trouble() -> Response:
    """Why the page could not learn which customer it is about, in words."""
    told = request.form.get("message", "")[:200]
    _log.warning("sidebar without a customer", said=told)
    return jsonify(text=translate(in_words(told)))


@pages.post(f"/tasks/<int(max={LARGEST_ID}):task_id>/later")
def later(task_id: int) -> Response:
    """稍后: `delay` is a key of DELAYS, or "at" and the local time `at`."""
    option, at = request.form.get("delay", ""), request.form.get("at", "")[:30]
    return _answer(task_id, "task.later", option, lambda work, task: postpone(work, task, option, at))


@pages.post(f"/tasks/<int(max={LARGEST_ID}):task_id>/unfit")
def unfit(task_id: int) -> Response:
    """不合适: `reason` is a key of REASONS, `words` are the agent's own."""
    option, words = request.form.get("reason", ""), request.form.get("words", "")[:LONGEST_WORDS]
    return _answer(task_id, "task.unfit", option, lambda work, task: decline(work, task, option, words))


@pages.post(f"/tasks/<int(max={LARGEST_ID}):task_id>/back")
def back(task_id: int) -> Response:
    """Take 稍后 or 不合适 back."""
    return _answer(task_id, "task.back", "", take_back)


def _answer(task_id: int, action: str, option: str, answer: Callable[[Work, SopTask], None]) -> Response:
    who = agent_or_404()
    try:
        with current_system().work() as work:
            session = work.session
            task = _locked_task(session, task_id)
            if task is None or task.agent_id != who.agent_id:
                abort(404)
            if not may_read(session, reader_of(session, who), task.customer_id):
                abort(404)
            answer(work, task)
            audit_log.record(session, who.actor, action, f"task:{task_id}", work.now, option=option, by="sidebar")
    except AnswerRefusedError as why:
        return refused(translate(str(why)))
    return done(translate(DONE[action]))


def _draft_sent(system: System, words: str) -> Suggestion | None:
    """What the agent made of a draft."""
    return Suggestion(DRAFT, DRAFT, words, "") if words and system.settings.tables.drafts.url else None


def _form_text(name: str) -> str:
    return request.form.get(name, "")[:LONGEST_KEY]


def _locked_task(session: Session, task_id: int) -> Any:
    """The task, locked and read again: two taps at once must not both succeed."""
    return session.get(SopTask, task_id, with_for_update=True, populate_existing=True)


def _seen_lately(session: Session, who: Visitor, customer_id: int) -> bool:
    since = request_now() - VIEW_AGAIN
    same = (ViewEntry.customer_id == customer_id, ViewEntry.at > since, ViewEntry.actor == who.actor)
    return session.scalar(select(ViewEntry.id).where(*same, ViewEntry.page == PAGE).limit(1)) is not None
