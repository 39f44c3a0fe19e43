"""The agent's page of one task, opened from the card on the phone; looking at it changes nothing."""

from __future__ import annotations

from flask import Blueprint, abort, current_app, render_template, send_file
from werkzeug.wrappers import Response

from bot import clock
from bot.links import link_url, read_task_token
from bot.material_files import BadMaterial, find_material
from bot.materials import folder_of
from bot.system import System
from bot.web.task_rows import read_task

pages = Blueprint("task", __name__)


@pages.get("/t/<token>")
def show(token: str) -> str:
    """What to say to whom and why now; 404 or 410 for a link that opens nothing."""
    link = read_task_token(token, current_app.config["SECRET_KEY"], clock.now())
    system: System = current_app.extensions["tici"]
    with system.store.read() as session:
        view = read_task(session, link)
        if view is None:
            abort(410)
        key, base = current_app.config["SECRET_KEY"], system.environment.base_url
        links = [link_url(base, link.task_id, index, key) for index in range(len(view.task.attach))]
        return render_template("task.html", view=view, links=links, token=token)


@pages.get("/t/<token>/file/<int:index>")
def download(token: str, index: int) -> Response:
    """The index-th attachment's file for the agent to send; 404 or 410 as for the page itself."""
    link = read_task_token(token, current_app.config["SECRET_KEY"], clock.now())
    system: System = current_app.extensions["tici"]
    with system.store.read() as session:
        view = read_task(session, link)
    attach = view.task.attach if view else []
    item = attach[index] if index < len(attach) else {}
    if item.get("kind") not in ("image", "file"):
        abort(410 if view is None else 404)
    try:
        found = find_material(folder_of(system), str(item["file"]), item["kind"])
    except BadMaterial:
        abort(404)
    return send_file(found.path, as_attachment=True, download_name=found.path.name)
