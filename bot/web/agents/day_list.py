"""An agent's list of the day, opened from a card that names several customers at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import Blueprint, abort, current_app, render_template
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from bot.agents.own_follow_ups import due_before
from bot.agents.reading import NOBODY, Reader, readable, reader_of_agent
from bot.agents.waiting import waiting_for
from bot.platform import clock
from bot.platform.models import Agent, SopTask
from bot.platform.signed_links import read_day_token, task_url
from bot.web.auth.readings import note_readings
from bot.web.layout.requests import current_system

pages = Blueprint("day_list", __name__)
_MOST = 200  # tasks on one page


@dataclass(frozen=True)
class DayEntry:
    """One task of the day and the address of its page."""

    task: SopTask
    url: str


@pages.get("/day/<token>")
def show(token: str) -> str:
    """Who waits, what is due today and what is overdue; 404 or 410 for a link that opens nothing."""
    key, now = current_app.config["SECRET_KEY"], clock.now()
    link = read_day_token(token, key, now)
    system = current_system()
    calendar = system.settings.calendar
    ends = calendar.instant(calendar.local(now).date() + timedelta(days=1), datetime.min.time())
    with system.store.read() as session:
        agent, reader = session.get(Agent, link.agent_id), reader_of_agent(session, link.agent_id, now)
        # An agent whose row is younger than the link is not the one to whom it was sent.
        if agent is None or reader == NOBODY or agent.created_at >= link.issued_at + timedelta(seconds=1):
            abort(410)
        base, due = system.environment.base_url, _due(session, reader, agent.id, ends)
        waiting = waiting_for(session, agent, _MOST)
        own = due_before(session, reader, agent.id, ends, _MOST)
        entries = [DayEntry(task, task_url(base, task.ref, agent.id, key, now)) for task in due]
        page = render_template("day.html", agent=agent, entries=entries, waiting=waiting, own=own, now=now)
        people = {one.customer_id for one in due} | {one.customer_id for one in waiting}
        people |= {one.customer_id for one in own}
    note_readings(system, agent.userid, people, "day", now)
    return page


def _due(session: Session, reader: Reader, agent_id: int, ends: datetime) -> list[SopTask]:
    query = (
        select(SopTask)
        .options(joinedload(SopTask.customer))
        .where(
            SopTask.agent_id == agent_id,
            readable(reader, SopTask.customer_id),
            SopTask.state.in_(("planned", "queued", "delivered", "unknown")),
            SopTask.due_at < ends,
        )
        .order_by(SopTask.due_at, SopTask.id)
        .limit(_MOST)
    )
    return list(session.scalars(query))
