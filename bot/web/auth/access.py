"""Access: what a visitor's role may open and whose customers they may see; everything else answers 404."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from flask import Flask, abort, g, redirect, request, session, url_for
from flask_login import LoginManager
from sqlalchemy import ColumnElement, select, true
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from bot.agents.accounts import role_of
from bot.platform import clock
from bot.platform.models import Account, Agent, Customer, Department, Follow
from bot.web.auth import sessions
from bot.web.auth.visitor import ADMIN, LEADER, SEES_ALL, WATCHER, Visitor, visitor, visitor_or_none
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
    if who.role in SEES_ALL:
        return None
    own = () if who.agent_id is None else (who.agent_id,)
    if who.role != LEADER:
        return own
    if "visible_agent_ids" not in g:
        led = _with_those_below(session, who.departments)
        rows = session.execute(select(Agent.id, Agent.departments))
        g.visible_agent_ids = {*own, *(row.id for row in rows if led.intersection(row.departments))}
    return g.visible_agent_ids  # type: ignore[no-any-return]


def visible_customers(session: Session, who: Visitor) -> ColumnElement[bool]:
    """A condition on Customer: those whom the visitor may see."""
    agents = visible_agent_ids(session, who)
    if agents is None:
        return true()
    followed = select(Follow.customer_id).where(Follow.agent_id.in_(agents), Follow.ended_at.is_(None))
    return Customer.id.in_(followed)


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
        if account is None or account.disabled_at is not None or str(account.serial) != serial:
            return None
        if account.agent is not None and account.agent.left_at is not None:
            return None
        return as_visitor(account)


def _with_those_below(session: Session, departments: Collection[int]) -> set[int]:
    parents = {row.id: row.parent_id for row in session.execute(select(Department.id, Department.parent_id))}
    led = set(departments)
    while below := {one for one, parent in parents.items() if parent in led} - led:
        led |= below
    return led


def _by_board_link(_request: Any) -> Visitor | None:
    until = session.get(_BOARD_UNTIL)
    if not isinstance(until, int) or clock.now().timestamp() >= until:
        return None
    demo = current_system().environment.demo  # in the demo the link opens everything, to play with
    return Visitor(None, "演示" if demo else "看板链接", ADMIN if demo else WATCHER)


def _to_sign_in() -> Response:
    if request.headers.get("HX-Request") or "text/event-stream" in request.headers.get("Accept", ""):
        abort(401)
    return redirect(url_for("signin.show", next=request.full_path.rstrip("?") if request.method == "GET" else None))
