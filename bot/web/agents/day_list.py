"""An agent's list of the day, opened from a card that names several customers at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import Blueprint, abort, current_app, render_template
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from bot.platform import clock
from bot.platform.models import Agent, SopTask
from bot.platform.signed_links import read_day_token, task_url
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
    """What is due today and what is overdue; 404 or 410 for a link that opens nothing."""
    key, now = current_app.config["SECRET_KEY"], clock.now()
    agent_id = read_day_token(token, key, now)
    system = current_system()
    calendar = system.settings.calendar
    ends = calendar.instant(calendar.local(now).date() + timedelta(days=1), datetime.min.time())
    with system.store.read() as session:
        agent = session.get(Agent, agent_id)
        if agent is None:
            abort(410)
        base = system.environment.base_url
        entries = [
            DayEntry(task, task_url(base, task.id, agent.id, key, now)) for task in _due(session, agent.id, ends)
        ]
        return render_template("day.html", agent=agent, entries=entries, now=now)


def _due(session: Session, agent_id: int, ends: datetime) -> list[SopTask]:
    query = (
        select(SopTask)
        .options(joinedload(SopTask.customer))
        .where(
            SopTask.agent_id == agent_id,
            SopTask.state.in_(("planned", "queued", "delivered", "unknown")),
            SopTask.due_at < ends,
        )
        .order_by(SopTask.due_at, SopTask.id)
        .limit(_MOST)
    )
    return list(session.scalars(query))
