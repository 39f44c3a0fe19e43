"""The page of one task that an agent opens from the card on the phone; opening it does not change the task.

Only the signed link gives the right to look and answer, no cookie does: another site's page does not know the link
and cannot act in the agent's name. The forms therefore need no CSRF token.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from flask import Blueprint, Response, abort, current_app, redirect, render_template, request, send_file, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from bot.agents.reading import may_read, reader_of_agent
from bot.agents.task_answers import (
    LONGEST_WORDS,
    AnswerRefusedError,
    decline,
    may_take_back,
    postpone,
    take_back,
)
from bot.customers.state import OPEN_STATES
from bot.platform import clock
from bot.platform.config.materials import BadMaterialError, find_material
from bot.platform.database.audit_log import record
from bot.platform.database.reading_log import viewed
from bot.platform.models import SopTask
from bot.platform.signed_links import TaskLink, link_url, read_task_token
from bot.platform.work import Work
from bot.sops.material_uploads import folder_of
from bot.sops.task_refs import find_task
from bot.system import System
from bot.web.agents.client_pages import Signed, chat_of
from bot.web.agents.task_rows import read_task
from bot.web.customers.masked_talk import masked_talk
from bot.web.layout.errors import TaskOverError
from bot.web.layout.requests import current_system

pages = Blueprint("task", __name__)
_OPEN = (*OPEN_STATES, "failed")  # one whose card could not be sent is still to be done


@pages.get("/t/<token>")
def show(token: str) -> str:
    """What to say to whom and why now; 404 or 410 for a link that opens nothing.

    Nothing newer than the prompt is shown, and no numbers of customers: whoever has the link need not be the agent.
    """
    link, system = _link(token), current_system()
    with system.store.read() as session:
        task = _task_or_410(session, link, token)
        view = read_task(session, task, _newest_shown(task, link))
        key, base = current_app.config["SECRET_KEY"], system.environment.base_url
        attached = range(len(view.task.attach))
        page = render_template(
            "task.html",
            view=replace(view, talk=masked_talk(view.talk)),
            links=[link_url(base, task.ref, index, key) for index in attached],
            files=[url_for("task.download", token=token, index=index) for index in attached],
            answers={name: url_for(f"task.{name}", token=token) for name in ("later", "unfit")},
            undo=url_for("task.back", token=token) if may_take_back(task, clock.now()) else "",
            chat=url_for("task.chat", token=token),
            refused=request.args.get("refused") == "1",
        )
        actor, customer_id = view.task.agent.userid, view.task.customer_id
    with system.store.write() as session:
        viewed(session, actor, customer_id, "task", clock.now())
    return page


@pages.get("/t/<token>/file/<int(max=99):index>")
def download(token: str, index: int) -> Response:
    """The index-th attachment's file for the agent to send; 404 or 410 as for the page itself."""
    with current_system().store.read() as session:
        attach = _task_or_410(session, _link(token), token).attach
    return send_attachment(current_system(), attach, index)


@pages.post("/t/<token>/later")
def later(token: str) -> AnyResponse:
    """稍后: `delay` is a key of DELAYS, or "at" and the local time `at`."""
    option, at = request.form.get("delay", ""), request.form.get("at", "")[:30]
    return _answer(token, "later", option, lambda work, task: postpone(work, task, option, at))


@pages.post("/t/<token>/unfit")
def unfit(token: str) -> AnyResponse:
    """不合适: `reason` is a key of REASONS, `words` are the agent's own."""
    option, words = request.form.get("reason", ""), request.form.get("words", "")[:LONGEST_WORDS]
    return _answer(token, "unfit", option, lambda work, task: decline(work, task, option, words))


@pages.post("/t/<token>/back")
def back(token: str) -> AnyResponse:
    """Take 稍后 or 不合适 back."""
    return _answer(token, "back", "", take_back)


@pages.post("/t/<token>/chat")
def chat(token: str) -> Signed:
    """What the page needs to open the chat with the customer in WeCom's client."""
    url, kind = request.form.get("url", ""), request.form.get("kind", "")
    with current_system().store.read() as session:
        task = _task_or_410(session, _link(token), token)
        return chat_of(task, url, kind, url_for("task.show", token=token))


def send_attachment(system: System, attach: Sequence[dict[str, Any]], index: int) -> Response:
    """The library's file of an attachment, as a download; 404 where it has none."""
    item = attach[index] if index < len(attach) else {}
    if item.get("kind") not in ("image", "file"):
        abort(404)
    try:
        found = find_material(folder_of(system), str(item["file"]), item["kind"])
    except BadMaterialError:
        abort(404)
    return send_file(found.path, as_attachment=True, download_name=found.path.name)


def _answer(token: str, name: str, option: str, answer: Callable[[Work, SopTask], None]) -> AnyResponse:
    """Answer as the agent of the link, then show the page again."""
    link, refused = _link(token), None
    try:
        with current_system().work() as work:
            session = work.session
            task = _own_task_or_410(session, link, lock=True)
            if name != "back":
                _check_not_over(task, token)
            answer(work, task)
            told = {"option": option, "by": "link"} if option else {"by": "link"}
            record(session, task.agent.userid, f"task.{name}", f"task:{task.id}", work.now, **told)
    except AnswerRefusedError:
        refused = 1
    return redirect(url_for("task.show", token=token, refused=refused), 303)


def _task_or_410(session: Session, link: TaskLink, token: str) -> SopTask:
    """The task of a link while it is open and still its agent's, of a customer about whom they may read."""
    task = _own_task_or_410(session, link)
    _check_not_over(task, token)
    return task


def _check_not_over(task: SopTask, token: str) -> None:
    """Raise TaskOverError for a task that has ended; where its agent ended it by this link, it leads back."""
    if task.state not in _OPEN or task.expires_at <= clock.now():
        undo = url_for("task.back", token=token) if may_take_back(task, clock.now()) else ""
        raise TaskOverError(task.id, undo)


def _own_task_or_410(session: Session, link: TaskLink, *, lock: bool = False) -> SopTask:
    now, task = clock.now(), find_task(session, link.task, lock=lock)
    reader = reader_of_agent(session, link.agent_id, now)
    if task is None or task.agent_id != link.agent_id or not may_read(session, reader, task.customer_id):
        abort(410)
    return task


def _newest_shown(task: SopTask, link: TaskLink) -> datetime:
    """The moment of the prompt; a link's own is known to the second."""
    issued_at = clock.now() if link.issued_at is None else link.issued_at + timedelta(seconds=1)
    return task.delivered_at or issued_at


def _link(token: str) -> TaskLink:
    return read_task_token(token, current_app.config["SECRET_KEY"], clock.now())
