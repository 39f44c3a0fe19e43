"""Access: what a visitor's role may open and whose customers they may see; everything else answers 404."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from flask import Flask, abort, g, redirect, request, session, url_for
from flask_login import LoginManager
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from bot.agents.accounts import role_of
from bot.agents.reading import Reader, is_active, readable, reader_in_role
from bot.platform import clock
from bot.platform.models import Account, Customer
from bot.web.auth import sessions
from bot.web.auth.board_link import LINK
from bot.web.auth.visitor import ADMIN, WATCHER, Visitor, visitor, visitor_or_none
from bot.web.layout.requests import current_system

_BOARD_UNTIL = "board_until"


def prepare(app: Flask) -> None:
    """Load the visitor from the session; give templates `visitor`."""
    manager = LoginManager(app)
    manager.user_loader(_load)
    manager.request_loader(_by_board_link)
    manager.session_protection = None  # "basic" would sign phones out: their IP address changes all day
    app.context_processor(lambda: {"visitor": visitor_or_none()})


def needs(*roles: str) -> Callable[[], Response | None]:
    """A guard for `before_request`: strangers are sent to sign in, other roles find nothing there."""

    def check() -> Response | None:
        found = visitor_or_none()
        if found is None:
            return _to_sign_in()
        if found.role not in roles:
            abort(404)
        return None

    return check


def refuse_unless(*roles: str) -> None:
    """Inside a view: 404 for other roles."""
    if visitor().role not in roles:
        abort(404)


def visible_agent_ids(session: Session, who: Visitor) -> Collection[int] | None:
    """The ids of the agents whose customers and tasks they may see; None means all of them."""
    return reader_of(session, who).through


def reader_of(session: Session, who: Visitor) -> Reader:
    """The visitor as a reader; looked up once per request."""
    if "readers" not in g:
        g.readers = {}
    known: dict[Visitor, Reader] = g.readers
    if who not in known:
        known[who] = reader_in_role(session, who.role, who.agent_id, who.departments)
    return known[who]


def visible_customers(session: Session, who: Visitor) -> ColumnElement[bool]:
    """A condition on Customer: those whom the visitor may see."""
    return readable(reader_of(session, who), Customer.id)


def customer_or_404(session: Session, customer_id: int) -> Customer:
    """The customer if there is one and the visitor may see them."""
    if customer_id >= 2**63:
        abort(404)
    found = session.scalar(select(Customer).where(Customer.id == customer_id, visible_customers(session, visitor())))
    if found is None:
        abort(404)
    return found


def as_visitor(account: Account) -> Visitor:
    """What the pages know of a signed-in account."""
    agent = account.agent
    return Visitor(
        account_id=account.id,
        name=account.name or (agent.shown_name if agent else ""),
        role=role_of(account),
        serial=account.serial,
        agent_id=account.agent_id,
        userid=agent.userid if agent else "",
        departments=tuple(agent.leads or agent.departments) if agent else (),
    )


def _load(key: str) -> Visitor | None:
    account_id, _, serial = key.partition(":")
    demo = current_system().environment.demo  # there the clock is moved by days, which must not sign anyone out
    if not account_id.isdigit() or not (demo or sessions.is_alive(clock.now())):
        return None
    with current_system().store.read() as database:
        account = None if sessions.is_revoked(database) else database.get(Account, int(account_id))
        if account is None or str(account.serial) != serial or not is_active(account, account.agent, clock.now()):
            return None
        return as_visitor(account)


def _by_board_link(_request: Any) -> Visitor | None:
    until, demo = session.get(_BOARD_UNTIL), current_system().environment.demo
    if not isinstance(until, int) or (not demo and clock.now().timestamp() >= until):
        return None
    with current_system().store.read() as database:
        if sessions.is_revoked(database):
            return None
    # In the demo the link opens everything, to play with, and the clock is moved by days.
    name = "演示" if demo else f"看板链接 {session.get(LINK, '')}".strip()
    return Visitor(None, name, ADMIN if demo else WATCHER)


def _to_sign_in() -> Response:
    if request.headers.get("HX-Request") or "text/event-stream" in request.headers.get("Accept", ""):
        abort(401)
    return redirect(url_for("signin.show", next=request.full_path.rstrip("?") if request.method == "GET" else None))
