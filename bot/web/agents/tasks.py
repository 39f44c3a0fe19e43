"""The tasks page: an agent's day, and for those who lead, the day of each of their agents."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, current_app, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from bot.agents.reading import may_read
from bot.agents.task_answers import LONGEST_WORDS, AnswerRefusedError, decline, may_take_back, postpone, take_back
from bot.platform.database.audit_log import record
from bot.platform.database.reading_log import viewed
from bot.platform.models import Agent, SopTask
from bot.platform.signed_links import link_url
from bot.platform.work import Work
from bot.web.agents.client_pages import Signed, chat_of
from bot.web.agents.task import send_attachment
from bot.web.agents.task_rows import read_task
from bot.web.agents.workload_rows import Workload, read_team, read_workload
from bot.web.auth.access import needs, reader_of, refuse_unless, visible_agent_ids
from bot.web.auth.readings import AT_A_GLANCE, note_readings
from bot.web.auth.visitor import AGENT, ROLES, WORKING, Visitor, visitor
from bot.web.layout.languages import translate
from bot.web.layout.requests import LARGEST_ID, current_system
from bot.web.layout.template_filters import request_now

PAGE, MOST = 40, 600
Answer = Callable[[Work, SopTask], None]

pages = Blueprint("tasks", __name__, url_prefix="/tasks")
pages.before_request(needs(*ROLES))


@pages.get("")
def show() -> str:
    """The visitor's own day, or the team's figures and the day of the agent chosen by `?agent=`."""
    who = visitor()
    calendar = current_system().settings.calendar
    with current_system().store.read() as session:
        team = (
            () if who.role == AGENT else read_team(session, visible_agent_ids(session, who), calendar, request_now())
        )
        chosen = _chosen(session, who)
        workload = None if chosen is None else _workload(session, who, chosen)
        return render_template("tasks.html", team=team, **_workload_values(who, workload))


@pages.get("/list")
def desk_only() -> Response | str:
    """One agent's day alone; 204 where the browser has it already."""
    with current_system().store.read() as session:
        chosen = _chosen(session, visitor())
        if chosen is None:
            abort(404)
        workload = _workload(session, visitor(), chosen)
        if request.args.get("seen") == workload.stamp:
            return Response(status=204)
        return render_template("tasks_desk.html", **_workload_values(visitor(), workload))


@pages.get(f"/<int(max={LARGEST_ID}):task_id>")
def one(task_id: int) -> str:
    """One task as its card's link shows it."""
    system, who = current_system(), visitor()
    with system.store.read() as session:
        task = task_or_404(session, who, task_id)
        view = read_task(session, task, request_now())
        base, key = system.environment.base_url, current_app.config["SECRET_KEY"]
        links = [link_url(base, task.ref, index, key) for index in range(len(task.attach))]
        files = [url_for("tasks.download", task_id=task.id, index=index) for index in range(len(task.attach))]
        answers = _answers(task.id) if who.may_change else None
        undo = url_for("tasks.back", task_id=task.id) if answers and may_take_back(task, request_now()) else ""
        chat = url_for("tasks.chat", task_id=task.id) if who.may_change else ""
        page = render_template(
            "task.html",
            view=view,
            links=links,
            files=files,
            answers=answers,
            back=_back(),
            undo=undo,
            chat=chat,
        )
        customer_id = task.customer_id
    with system.store.write() as session:
        viewed(session, who.actor, customer_id, "task", request_now())
    return page


@pages.get(f"/<int(max={LARGEST_ID}):task_id>/file/<int(max=99):index>")
def download(task_id: int, index: int) -> Response:
    """The index-th attachment's file for the agent to send."""
    with current_system().store.read() as session:
        attach = task_or_404(session, visitor(), task_id).attach
    return send_attachment(current_system(), attach, index)


@pages.post(f"/<int(max={LARGEST_ID}):task_id>/later")
def later(task_id: int) -> AnyResponse:
    """稍后: `delay` is a key of DELAYS, or "at" and the local time `at`."""
    option, at = request.form.get("delay", ""), request.form.get("at", "")[:30]
    return _answer(task_id, "task.later", option, lambda work, task: postpone(work, task, option, at))


@pages.post(f"/<int(max={LARGEST_ID}):task_id>/unfit")
def unfit(task_id: int) -> AnyResponse:
    """不合适: `reason` is a key of REASONS, `words` are the agent's own."""
    option, words = request.form.get("reason", ""), request.form.get("words", "")[:LONGEST_WORDS]
    return _answer(task_id, "task.unfit", option, lambda work, task: decline(work, task, option, words))


@pages.post(f"/<int(max={LARGEST_ID}):task_id>/back")
def back(task_id: int) -> AnyResponse:
    """Take 稍后 or 不合适 back."""
    return _answer(task_id, "task.back", "", take_back)


@pages.post(f"/<int(max={LARGEST_ID}):task_id>/chat")
def chat(task_id: int) -> Signed:
    """What the pages need to open the chat with a task's customer in WeCom's client; of agents' own tasks."""
    refuse_unless(*WORKING)
    url, kind = request.form.get("url", ""), request.form.get("kind", "")
    with current_system().store.read() as session:
        task = task_or_404(session, visitor(), task_id)
        here = url_for("tasks.one", task_id=task_id)
        return chat_of(task, url, kind, here if urlsplit(url).path == here else url_for("tasks.show"))


def task_or_404(session: Session, who: Visitor, task_id: int, *, lock: bool = False) -> SopTask:
    """The task if it is one of the visitor's or of their team's, of a customer about whom they may read."""
    task = session.get(SopTask, task_id, with_for_update=True if lock else None)
    reader = reader_of(session, who)
    if task is None or (reader.through is not None and task.agent_id not in reader.through):
        abort(404)
    if not may_read(session, reader, task.customer_id):
        abort(404)
    return task


def toasted(response: AnyResponse, text: str, *, bad: bool = False, undo: str = "") -> AnyResponse:
    """The answer with a short notice in the visitor's language; the day is renewed by whoever does not show it.

    undo: the address that takes back what was done.
    """
    toast = {"text": translate(text), "bad": bad}
    toast |= {"undo": undo, "undoText": translate("撤销")} if undo else {}
    renew: dict[str, Any] = {} if undo or bad else {"day-changed": {}}
    response.headers["HX-Trigger"] = json.dumps({"toast": toast, **renew})
    return response


DONE = {"task.later": "已推迟", "task.unfit": "已记下，不再提醒", "task.back": "又在单子里了"}


def _answer(task_id: int, action: str, option: str, answer: Answer) -> AnyResponse:
    """Apply the answer, record it, and show the agent's day as it is now."""
    who, system, now = visitor(), current_system(), request_now()
    refuse_unless(*WORKING)
    try:
        with system.work(now) as work:
            task = task_or_404(work.session, who, task_id, lock=True)
            answer(work, task)
            record(work.session, who.actor, action, f"task:{task_id}", now, **({"option": option} if option else {}))
            agent_id = task.agent_id
    except AnswerRefusedError as refused:
        if not request.headers.get("HX-Request"):
            return redirect(url_for("tasks.one", task_id=task_id), 303)
        return toasted(Response(status=409), translate(str(refused)), bad=True)
    if not request.headers.get("HX-Request"):
        return redirect(url_for("tasks.one", task_id=task_id), 303)
    with system.store.read() as session:
        workload = _workload(session, who, session.get_one(Agent, agent_id))
        response = Response(render_template("tasks_desk.html", **_workload_values(who, workload)))
    return toasted(
        response, DONE[action], undo="" if action == "task.back" else url_for("tasks.back", task_id=task_id)
    )


def _chosen(session: Session, who: Visitor) -> Agent | None:
    """The agent whose day is shown: the one asked for, if the visitor may see them, else the visitor."""
    wanted = request.args.get("agent")
    if wanted is None:
        return session.get(Agent, who.agent_id) if who.agent_id is not None else None
    agents = visible_agent_ids(session, who)
    known = wanted.isascii() and wanted.isdigit() and len(wanted) < 19
    if not known or (agents is not None and int(wanted) not in agents):
        abort(404)
    return session.get(Agent, int(wanted)) or abort(404)


def _limit() -> int:
    pages_wanted = request.values.get("pages", "1")
    return PAGE * int(pages_wanted) if pages_wanted in map(str, range(1, MOST // PAGE + 1)) else PAGE


def _workload(session: Session, who: Visitor, agent: Agent) -> Workload:
    calendar = current_system().settings.calendar
    return read_workload(session, reader_of(session, who), agent, calendar, request_now(), _limit())


def _workload_values(who: Visitor, workload: Workload | None) -> dict[str, object]:
    limit = _limit()
    if workload is not None:
        note_readings(current_system(), who.actor, workload.spoke, "tasks", request_now(), AT_A_GLANCE)
    further = limit // PAGE + 1 if limit < MOST else None
    mine = workload is not None and workload.agent.id == who.agent_id
    return {
        "workload": workload,
        "mine": mine,
        "pages": limit // PAGE,
        "further": further,
        "may_change": who.may_change,
    }


def _answers(task_id: int) -> dict[str, str]:
    return {name: url_for(f"tasks.{name}", task_id=task_id) for name in ("later", "unfit")}


def _back() -> str:
    return url_for("tasks.show")
