"""The group chats: a list, and each with its members and its conversation."""

from __future__ import annotations

from flask import Blueprint, abort, render_template, request

from bot.platform.database.reading_log import viewed
from bot.web.auth.access import needs
from bot.web.auth.visitor import ROLES, visitor
from bot.web.customers.group_rows import PAGE, read_group, read_groups
from bot.web.layout.requests import LARGEST_ID, current_system, row_id
from bot.web.layout.template_filters import request_now

_FURTHEST = 10_000  # rows that ?from= may pass over: OFFSET reads all of them

pages = Blueprint("groups", __name__, url_prefix="/groups")
pages.before_request(needs(*ROLES))


@pages.get("")
def show() -> str:
    """The groups the visitor may see, the liveliest first; `?from=` for those after."""
    start = request.args.get("from", 0, type=_start)
    with current_system().store.read() as session:
        rows, more = read_groups(session, visitor(), request_now(), start)
        return render_template("groups.html", rows=rows, start=start, following=start + PAGE if more else None)


@pages.get(f"/<int(max={LARGEST_ID}):group_id>")
def one(group_id: int) -> str:
    """One group; `?before=` for earlier messages."""
    who, system = visitor(), current_system()
    with system.store.read() as session:
        view = read_group(session, who, group_id, request.args.get("before", type=row_id))
        if view is None:
            abort(404)
        page = render_template("group.html", view=view)
    with system.store.write() as session:
        viewed(session, who.actor, None, "group", request_now())
    return page


def _start(text: str) -> int:
    return min(max(int(text), 0), _FURTHEST)
