"""The page of one task that an agent opens from the card on the phone; opening it does not change the task.

Only the signed link gives the right to look and answer, no cookie does: another site's page does not know the link
and cannot act in the agent's name. The forms therefore need no CSRF token.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, Response, abort, current_app, redirect, render_template, request, send_file, url_for
from werkzeug.wrappers import Response as AnyResponse

from bot.agents.task_answers import AnswerRefusedError, decline, postpone
from bot.platform import clock
from bot.platform.config.materials import BadMaterialError, find_material
from bot.platform.database.audit_log import record, viewed
from bot.platform.models import SopTask
from bot.platform.signed_links import TaskLink, link_url, read_task_token
from bot.sops.material_uploads import folder_of
from bot.system import System
from bot.web.agents.task_rows import read_task
from bot.web.layout.requests import current_system

pages = Blueprint("task", __name__)


@pages.get("/t/<token>")
def show(token: str) -> str:
    """What to say to whom and why now; 404 or 410 for a link that opens nothing."""
    link, system = _link(token), current_system()
    with system.store.read() as session:
        view = read_task(session, link)
        if view is None:
            abort(410)
        key, base = current_app.config["SECRET_KEY"], system.environment.base_url
        attached = range(len(view.task.attach))
        page = render_template(
            "task.html",
            view=view,
            links=[link_url(base, link.task_id, index, key) for index in attached],
            files=[url_for("task.download", token=token, index=index) for index in attached],
            answers={name: url_for(f"task.{name}", token=token) for name in ("later", "unfit")},
            refused=request.args.get("refused") == "1",
        )
        actor, customer_id = view.task.agent.userid, view.task.customer_id
    with system.store.write() as session:
        viewed(session, actor, customer_id, "task", clock.now())
    return page


@pages.get("/t/<token>/file/<int(max=99):index>")
def download(token: str, index: int) -> Response:
    """The index-th attachment's file for the agent to send; 404 or 410 as for the page itself."""
    link = _link(token)
    with current_system().store.read() as session:
        view = read_task(session, link)
    if view is None:
        abort(410)
    return send_attachment(current_system(), view.task.attach, index)


@pages.post("/t/<token>/later")
def later(token: str) -> AnyResponse:
    """稍后: `delay` is a key of DELAYS."""
    return _answer(token, "later", request.form.get("delay", ""))


@pages.post("/t/<token>/unfit")
def unfit(token: str) -> AnyResponse:
    """不合适: `reason` is a key of REASONS."""
    return _answer(token, "unfit", request.form.get("reason", ""))


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


def _answer(token: str, name: str, option: str) -> AnyResponse:
    """Answer as the agent of the link, then show the page again."""
    link, refused = _link(token), None
    try:
        with current_system().work() as work:
            session = work.session
            task = session.get(SopTask, link.task_id, with_for_update=True)
            if task is None or task.agent_id != link.agent_id:
                abort(410)
            if name == "later":
                postpone(work, task, option)
            else:
                decline(work, task, option)
            record(session, task.agent.userid, f"task.{name}", f"task:{task.id}", work.now, option=option, by="link")
    except AnswerRefusedError:
        refused = 1
    return redirect(url_for("task.show", token=token, refused=refused), 303)


def _link(token: str) -> TaskLink:
    return read_task_token(token, current_app.config["SECRET_KEY"], clock.now())
