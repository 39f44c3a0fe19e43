"""Whose sidebar it is: the agent who opened it, and the customer of theirs that it is about."""

from __future__ import annotations

from flask import abort, request
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.platform.models import Agent, Follow
from bot.web.agents.sidebar_rows import followed
from bot.web.auth.visitor import AGENT, Visitor, visitor
from bot.web.layout.requests import current_system

LONGEST_ID = 64


def visitor_or_demo_agent() -> Visitor:
    """The visitor; in the demo the agent on whose phone the page is opened, since one person plays all of them."""
    who = visitor()
    userid = request.values.get("agent") or request.headers.get("X-Agent")
    if who.agent_id is not None or not userid or not current_system().environment.demo:
        return who
    with current_system().store.read() as session:
        agent = session.scalar(select(Agent).where(Agent.key == userid.casefold()))
    if agent is None:
        return who
    return Visitor(who.account_id, agent.shown_name, AGENT, agent_id=agent.id, userid=agent.userid)


def agent_or_404() -> Visitor:
    """The visitor as an agent; 404 for local accounts, which have no chats."""
    who = visitor_or_demo_agent()
    if who.agent_id is None:
        abort(404)
    return who


def follow_or_404(session: Session, who: Visitor) -> Follow:
    external_userid = request.form.get("external_userid", "")
    found = None
    if who.agent_id is not None and 0 < len(external_userid) <= LONGEST_ID and "\0" not in external_userid:
        found = followed(session, who.agent_id, external_userid)
    if found is None:
        abort(404)
    return found
