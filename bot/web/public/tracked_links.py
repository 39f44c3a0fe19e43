"""Addresses for customers' phones: a tracked link, which is noted and redirected, and a mini-program's cover."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, current_app, redirect, request, send_file
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.wrappers import Response

from bot.platform import clock
from bot.platform.config.materials import BadMaterialError, find_material
from bot.platform.log import get_logger
from bot.platform.models import LinkOpening
from bot.platform.signed_links import read_link_token, read_picture_token
from bot.sops.material_uploads import folder_of
from bot.sops.task_refs import find_task
from bot.system import System
from bot.web.layout.requests import current_system

pages = Blueprint("tracked_links", __name__)
MOST_NOTED = 100  # openings of one link: whoever has it can open it without end
_log = get_logger(__name__)


@pages.get("/l/<token>")
def open_link(token: str) -> Response:
    """Redirect to the attachment's own address, looked up by the signed ids; 404 for a link that is not ours."""
    ref, index = read_link_token(token, current_app.config["SECRET_KEY"])
    system = current_system()
    task_id, attachment = _attachment(system, ref, index)
    if not str(attachment.get("url", "")).startswith(("http://", "https://")):
        abort(404)
    if request.method == "GET":  # a HEAD comes from a link preview, not from a customer
        _note(system, task_id, str(attachment.get("title", "")))
    answer = redirect(attachment["url"], 302)
    answer.headers["Cache-Control"] = "no-store"
    return answer


@pages.get("/p/<token>")
def picture(token: str) -> Response:
    """The cover of a task's mini-program, a picture of the library; 404 for a link that is not ours."""
    ref, index = read_picture_token(token, current_app.config["SECRET_KEY"])
    system = current_system()
    _task_id, attachment = _attachment(system, ref, index)
    try:
        return send_file(find_material(folder_of(system), str(attachment.get("pic") or ""), "image").path)
    except BadMaterialError:
        abort(404)


def _attachment(system: System, ref: str, index: int) -> tuple[int, dict[str, Any]]:
    """The id of the task and its attachment of this index, which is empty where there is none."""
    with system.store.read() as session:
        task = find_task(session, ref)
        return (task.id, task.attach[index]) if task and 0 <= index < len(task.attach) else (0, {})


def _note(system: System, task_id: int, title: str) -> None:
    """Store the opening; the customer is redirected even where the database is busy."""
    try:
        with system.store.write() as session:
            known = select(func.count()).where(LinkOpening.task_id == task_id, LinkOpening.title == title[:64])
            if (session.scalar(known) or 0) >= MOST_NOTED:
                return
            session.add(LinkOpening(task_id=task_id, title=title[:64], opened_at=clock.now()))
    except SQLAlchemyError as error:
        _log.warning("link opening not noted", task=task_id, error=type(error).__name__)
        return
    system.queue.enqueue_once("openings")
