"""An agent's own wordings: written, changed and removed on their page and beside a chat, seen by nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

from flask import Blueprint, abort, redirect, render_template, request, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from bot.agents.own_wordings import (
    OwnValues,
    OwnWordingRefusedError,
    as_entry,
    keep,
    key_of,
    own_of,
    propose,
    values_of,
)
from bot.analytics.wording_uses import uses_of
from bot.platform.database import audit_log
from bot.platform.models import Agent, OwnWording
from bot.platform.work import Work
from bot.sops.material_library import list_files
from bot.sops.material_uploads import folder_of
from bot.web.agents.sidebar_visitor import agent_or_404
from bot.web.auth.access import needs
from bot.web.auth.visitor import ADMIN, AGENT, LEADER
from bot.web.layout.answers import done, refused
from bot.web.layout.languages import translate
from bot.web.layout.requests import LARGEST_ID, current_system, row_id
from bot.web.layout.template_filters import request_now
from bot.web.rules.answer_form import attachment_lines, read_attachments
from bot.web.rules.form_values import day_of, line_of, lines_of
from sop.answers import in_force
from sop.wording_use import LEAST, NONE

_ONE = f"/<int(max={LARGEST_ID}):own_id>"
_LONGEST = 4_000
Answer = str | tuple[str, int] | Response

pages = Blueprint("own_wordings", __name__, url_prefix="/wordings/own")
pages.before_request(needs(ADMIN, LEADER, AGENT))


@pages.get("")
def show() -> str:
    """The agent's own wordings with their figures, the newest first."""
    who, system = agent_or_404(), current_system()
    with system.look(request_now()) as work:
        rows = own_of(work.session, who.agent_id or 0)
        uses = uses_of(work.session, [key_of(row) for row in rows], work.now)
        today = work.settings.calendar.local(work.now).date()
        listed = [(row, uses.get(key_of(row), NONE), in_force(as_entry(row), today)) for row in rows]
        return render_template("own_wordings.html", rows=listed, least=LEAST)


@pages.get("/new")
def new() -> str:
    """An empty form."""
    agent_or_404()
    return _form(None, {})


@pages.get(f"{_ONE}/edit")
def edit(own_id: int) -> str:
    """The form of one wording."""
    with current_system().store.read() as session:
        row = session.get(OwnWording, own_id)
        if row is None or row.agent_id != agent_or_404().agent_id:
            abort(404)
        return _form(row.id, values_of(row))


@pages.post("/save")
def save() -> Answer:
    """Keep the form's wording; a form beside a chat (`brief`) says nothing of attachments and days."""
    who, own_id = agent_or_404(), request.form.get("row", type=row_id)
    try:
        with current_system().work(request_now()) as work:
            row = _own(work, own_id, who.agent_id)
            keep(work, work.session.get_one(Agent, who.agent_id), _read(request.form, row), row)
            audit_log.record(work.session, who.actor, "wording.keep", f"agent:{who.agent_id}", work.now)
    except OwnWordingRefusedError as why:
        if _beside():
            return refused(translate(str(why)))
        return _form(own_id, vars(_read(request.form, None)), translate(str(why))), 422
    return _done(translate("已存成您的话术"))


@pages.post(f"{_ONE}/remove")
def remove(own_id: int) -> Answer:
    """Take a wording away for good."""
    with _mine(own_id, "wording.remove") as (work, row):
        work.session.delete(row)
    return _done(translate("已删除"))


@pages.post(f"{_ONE}/propose")
def offer(own_id: int) -> Answer:
    """Propose it to the company."""
    with _mine(own_id, "wording.propose") as (work, row):
        propose(row, work.now)
    return _done(translate("已提议给公司，管理员看过就知道结果"))


@contextmanager
def _mine(own_id: int, action: str) -> Iterator[tuple[Work, OwnWording]]:
    who = agent_or_404()
    with current_system().work(request_now()) as work:
        row = _own(work, own_id, who.agent_id)
        if row is None:
            abort(404)
        yield work, row
        audit_log.record(work.session, who.actor, action, f"agent:{who.agent_id}", work.now)


def _own(work: Work, own_id: int | None, agent_id: int | None) -> OwnWording | None:
    """The agent's row of this id, locked; 404 for anybody else's."""
    if own_id is None:
        return None
    row = work.session.get(OwnWording, own_id, with_for_update=True)
    if row is None or row.agent_id != agent_id:
        abort(404)
    return row


def _read(form: MultiDict[str, str], row: OwnWording | None) -> OwnValues:
    ask, category = (
        tuple(line for one in form.getlist("ask") for line in lines_of({"ask": one}, "ask")),
        line_of(form, "category"),
    )
    say = form.get("say", "").replace("\r\n", "\n").strip()[:_LONGEST]
    if form.get("brief") == "1":
        kept = (tuple(row.attach), row.since, row.until) if row is not None else ((), None, None)
        return OwnValues(ask, say, category, *kept)
    old = row.attach if row is not None else ()
    return OwnValues(ask, say, category, tuple(read_attachments(form, old)), _day(form, "since"), _day(form, "until"))


def _day(form: MultiDict[str, str], name: str) -> date | None:
    day = day_of(line_of(form, name))
    return day if isinstance(day, date) else None


def _beside() -> bool:
    """Whether the script of the sidebar asks."""
    return request.headers.get("HX-Request") == "true"


def _done(text: str) -> Response:
    return done(text) if _beside() else redirect(url_for("own_wordings.show", done=text))


def _form(own_id: int | None, values: dict[str, Any], problem: str = "") -> str:
    system = current_system()
    return render_template(
        "own_wording_edit.html", own_id=own_id, values=values, problem=problem,
        chosen=attachment_lines(values.get("attach", ())), files=list_files(folder_of(system), system.settings),
    )  # fmt: skip
