"""The group chats: a list, and each with its members and its conversation."""

from __future__ import annotations

from flask import Blueprint, abort, current_app, render_template, request

from bot.platform.database.audit_log import viewed
from bot.system import System
from bot.web.auth.access import needs
from bot.web.auth.visitor import ROLES, visitor
from bot.web.customers.group_rows import PAGE, read_group, read_groups
from bot.web.layout.template_filters import request_now

LARGEST_ID = 2**63 - 1
_FURTHEST = 10_000

pages = Blueprint("groups", __name__, url_prefix="/groups")
pages.before_request(needs(*ROLES))


@pages.get("")
def show() -> str:
    """The groups the visitor may see, the liveliest first; `?from=` for those after."""
    start = request.args.get("from", 0, type=_start)
    with _system().store.read() as session:
        rows, more = read_groups(session, visitor(), start)
        return render_template("groups.html", rows=rows, start=start, following=start + PAGE if more else None)


@pages.get(f"/<int(max={LARGEST_ID}):group_id>")
def one(group_id: int) -> str:
    """One group; `?before=` for earlier messages."""
    who, system = visitor(), _system()
    with system.store.read() as session:
        view = read_group(session, who, group_id, request.args.get("before", type=_message_id))
        if view is None:
            abort(404)
        page = render_template("group.html", view=view)
    with system.store.write() as session:
        viewed(session, who.actor, None, "group", request_now())
    return page


def _start(text: str) -> int:
    return min(max(int(text), 0), _FURTHEST)


def _message_id(text: str) -> int:
    number = int(text)
    if not 0 < number <= LARGEST_ID:
        raise ValueError("no row has such an id")
    return number


def _system() -> System:
    system: System = current_app.extensions["tici"]
    return system
