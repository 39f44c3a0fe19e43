"""An agent's own follow-ups on pages: written down beside a chat, done, changed, taken away and taken up again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from flask import Blueprint, Response, abort, request

from bot.agents.own_follow_ups import (
    LONGEST,
    FollowUpRefusedError,
    change,
    end,
    read_follow_up,
    reopen,
    write_down,
)
from bot.agents.reading import may_read
from bot.agents.revisits import KIND, note_outcome
from bot.platform.database import audit_log
from bot.platform.models import OwnFollowUp
from bot.platform.work import Work
from bot.web.agents.sidebar_visitor import agent_or_404, follow_or_404
from bot.web.auth.access import needs, reader_of
from bot.web.auth.visitor import ADMIN, AGENT, LEADER
from bot.web.layout.answers import done, refused
from bot.web.layout.languages import translate
from bot.web.layout.requests import LARGEST_ID, current_system
from bot.web.layout.template_filters import zone
from sop.revisits import OUTCOMES

CHANGED: dict[str, Any] = {"day-changed": {}, "customer-changed": {}}
_ONE = f"/<int(max={LARGEST_ID}):row_id>"

pages = Blueprint("own_follow_ups", __name__, url_prefix="/follow-ups")
pages.before_request(needs(ADMIN, LEADER, AGENT))


@pages.errorhandler(FollowUpRefusedError)
def refuse(error: FollowUpRefusedError) -> Response:
    """Say what is missing."""
    return refused(translate(str(error)))


@pages.post("")
def add() -> Response:
    """Write down `words`, which name a time, about the customer of the chat."""
    who, system = agent_or_404(), current_system()
    with system.work() as work:
        follow = follow_or_404(work.session, who)
        due_at, what = read_follow_up(work, request.form.get("words", "")[: 2 * LONGEST])
        row = write_down(work, follow.agent, follow.customer, due_at, what)
        audit_log.record(work.session, who.actor, "follow_up.add", f"customer:{row.customer_id}", work.now)
        at = f"{due_at.astimezone(zone()):%m-%d %H:%M}"
    return done(translate("好的，{at} 提醒您", at=at), **CHANGED)


@pages.post(f"{_ONE}/done")
def tick(row_id: int) -> Response:
    """It is done."""
    with _mine(row_id, "follow_up.done") as (work, row):
        end(row, work.now, "hand")
    return done(translate("记下了，做完了"), **CHANGED)


@pages.post(f"{_ONE}/drop")
def drop(row_id: int) -> Response:
    """It is not wanted any more."""
    with _mine(row_id, "follow_up.drop") as (work, row):
        end(row, work.now, "hand", state="dropped")
    return done(translate("不再提醒了"), **CHANGED)


@pages.post(f"{_ONE}/back")
def take_up(row_id: int) -> Response:
    """It is open after all."""
    with _mine(row_id, "follow_up.back", closed=True) as (_work, row):
        reopen(row)
    return done(translate("又在单子里了"), **CHANGED)


@pages.post(f"{_ONE}/outcome")
def tell_outcome(row_id: int) -> Response:
    """What came of a revisit: `outcome`; one that is open is done by that."""
    outcome = request.form.get("outcome", "")
    if outcome not in OUTCOMES:
        abort(400)
    with _mine(row_id, "revisit.outcome", closed=None) as (work, row):
        if row.kind != KIND or row.state == "dropped":
            abort(404)
        note_outcome(row, outcome, work.now)
    return done(translate("记下了"), **CHANGED)


@pages.post(f"{_ONE}/change")
def edit(row_id: int) -> Response:
    """Another time (`at`, as browsers write local times) or other `words`."""
    words, at = request.form.get("words", "").strip()[:LONGEST], _local(request.form.get("at", ""))
    with _mine(row_id, "follow_up.change") as (work, row):
        if at is None or at <= work.now:
            raise FollowUpRefusedError(translate("请选一个还没到的时间"))
        change(row, at, words)
    return done(translate("已保存"), **CHANGED)


@contextmanager
def _mine(row_id: int, action: str, *, closed: bool | None = False) -> Iterator[tuple[Work, OwnFollowUp]]:
    """The visitor's own follow-up, locked, open or (closed) ended or (None) either; recorded where all went well."""
    who = agent_or_404()
    with current_system().work() as work:
        row = work.session.get(OwnFollowUp, row_id, with_for_update=True)
        if row is None or row.agent_id != who.agent_id:
            abort(404)
        if not may_read(work.session, reader_of(work.session, who), row.customer_id):
            abort(404)
        if closed is not None and (row.state == "open") is closed:
            raise FollowUpRefusedError(translate("已经处理过了，请看最新的"))
        yield work, row
        audit_log.record(work.session, who.actor, action, f"customer:{row.customer_id}", work.now)


def _local(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=zone())
    except ValueError:
        return None
