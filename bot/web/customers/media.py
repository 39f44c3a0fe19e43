"""/media/<id>: serves a file of a conversation to those who may read it, so that no browser runs it."""

from __future__ import annotations

from flask import Blueprint, Response, abort, redirect, render_template, request, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from bot.intake.media.files import request_file
from bot.intake.media.storage import MissingFileError
from bot.intake.media.store import open_media_store
from bot.platform.database.reading_log import viewed
from bot.platform.models import Customer, GroupChat, MediaFile, Message
from bot.web.auth.access import needs, refuse_unless, visible_customers
from bot.web.auth.visitor import EVERYBODY, WORKING, Visitor, visitor
from bot.web.customers.group_rows import visible_groups
from bot.web.customers.media_rows import DRAWN, FileView, file_view, name_of
from bot.web.layout.requests import LARGEST_ID, current_system
from bot.web.layout.template_filters import request_now, zone

pages = Blueprint("media", __name__, url_prefix="/media")
pages.before_request(needs(*EVERYBODY))


@pages.get(f"/<int(max={LARGEST_ID}):file_id>")
def hand_over(file_id: int) -> Response:
    """The file itself: as an attachment under a name of ours; with `?show` in the page, if it is a plain picture."""
    system, who = current_system(), visitor()
    with system.store.read() as session:
        file, message = _file_or_404(session, who, file_id)
    if file.state != "kept" or file.content_hash is None:
        abort(404)
    try:
        content = open_media_store(system).read(file.content_hash)
    except MissingFileError:
        abort(410)
    drawn = "show" in request.args and file.sniffed in DRAWN
    name = name_of(file, message.sent_at.astimezone(zone()))
    with system.store.write() as session:
        viewed(session, who.actor, message.customer_id, "media", request_now())
    response = Response(content, mimetype=file.sniffed if drawn else "application/octet-stream")
    response.headers["Content-Disposition"] = f'{"inline" if drawn else "attachment"}; filename="{name}"'
    response.headers["Content-Length"] = str(file.size or 0)
    return response


@pages.get(f"/<int(max={LARGEST_ID}):file_id>/state")
def state(file_id: int) -> str:
    """How far it is, as the page's piece for it, which asks again by itself until it is settled."""
    with current_system().store.read() as session:
        file, _message = _file_or_404(session, visitor(), file_id)
        return _piece(file_view(file))


@pages.post(f"/<int(max={LARGEST_ID}):file_id>/fetch")
def fetch(file_id: int) -> AnyResponse:
    """Have it fetched from WeCom."""
    refuse_unless(*WORKING)
    system = current_system()
    with system.work() as work:
        file, message = _file_or_404(work.session, visitor(), file_id)
        request_file(work, file)
        view, back = file_view(file), _page_of(work.session, message)
    if request.headers.get("HX-Request"):
        return Response(_piece(view))
    return redirect(back, 303)


def _file_or_404(session: Session, who: Visitor, file_id: int) -> tuple[MediaFile, Message]:
    """The file if the visitor may read the talk or the room it was sent in."""
    mine = Message.customer_id.in_(select(Customer.id).where(visible_customers(session, who)))
    rooms = Message.roomid.in_(select(GroupChat.chat_id).where(visible_groups(session, who)))
    query = (
        select(MediaFile, Message)
        .join(Message, Message.id == MediaFile.message_id)
        .where(MediaFile.id == file_id, mine | rooms)
    )
    found = session.execute(query).one_or_none()
    if found is None:
        abort(404)
    return found[0], found[1]


def _page_of(session: Session, message: Message) -> str:
    room = session.scalar(select(GroupChat.id).where(GroupChat.chat_id == message.roomid)) if message.roomid else None
    if room is not None:
        return url_for("groups.one", group_id=room)
    return f"/c/{message.customer_id}"


def _piece(view: FileView) -> str:
    return render_template("media_file.html", file=view)
