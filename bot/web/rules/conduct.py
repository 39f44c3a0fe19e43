"""The conduct page: what agents said that a rule about conduct heard, for their leaders to judge; and its report."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, abort, render_template, request, url_for

from bot.agents.conduct import NoSuchWordError, judge_finding, overseen
from bot.analytics.conduct import conduct_tables
from bot.analytics.reports import PERIODS
from bot.platform import clock
from bot.platform.csv_cells import as_csv
from bot.platform.database import audit_log
from bot.platform.database.reading_log import viewed
from bot.platform.models import ConductFinding
from bot.web.admin.reports import plain_cell
from bot.web.auth.access import needs
from bot.web.auth.readings import note_readings
from bot.web.auth.visitor import ADMIN, LEADER, visitor
from bot.web.layout.languages import translate
from bot.web.layout.requests import LARGEST_ID, current_system, row_id
from bot.web.layout.template_filters import request_now
from bot.web.rules.conduct_rows import (
    STATES,
    FindingFilter,
    agents_found,
    count_open,
    find_finding,
    overseer_of,
    read_context,
    read_findings,
)
from taggers.conduct import titles_of

pages = Blueprint("conduct", __name__, url_prefix="/conduct")
pages.before_request(needs(ADMIN, LEADER))
_ONE = f"/<int(max={LARGEST_ID}):finding_id>"
_DAYS = 30


@pages.get("")
def show() -> str:
    """The findings, newest first; ?state=, ?rule= and ?agent= choose, ?before= goes on."""
    system, who, wanted = current_system(), visitor(), _filter()
    before = request.args.get("before", type=row_id)
    with system.store.read() as session:
        rows, more = read_findings(session, system.settings, who, wanted, before)
        people, waiting = agents_found(session, who), count_open(session, who)
    customers = {row.customer_id for row in rows if row.customer_id is not None}
    note_readings(system, who.actor, customers, "conduct", clock.now())
    titles = titles_of(system.settings.tables.rules)
    values = {"rows": rows, "more": more, "wanted": wanted, "titles": titles}
    if before is not None:
        return render_template("conduct_rows.html", **values)
    return render_template("conduct.html", **values, people=people, waiting=waiting, states=STATES)


@pages.get(f"{_ONE}/around")
def around(finding_id: int) -> str:
    """What was said before and after; noted as reading the talk."""
    system, who = current_system(), visitor()
    with system.store.read() as session:
        row = find_finding(session, who, finding_id) or abort(404)
        bubbles, customer_id = read_context(session, who, row), row.customer_id
        page = render_template("conduct_around.html", bubbles=bubbles, found=row.message_id)
    if bubbles:
        with system.store.write() as session:
            viewed(session, who.actor, customer_id, "conduct", clock.now())
    return page


@pages.post(f"{_ONE}/word")
def judge(finding_id: int) -> str:
    """Keep what `word` (right | wrong | nothing, which takes it back) says of a finding; answers with the buttons."""
    who = visitor()
    with current_system().work() as work:
        row = find_finding(work.session, who, finding_id) or abort(404)
        try:
            judge_finding(work, row, request.form.get("word", "?"), who.name or who.actor)
        except NoSuchWordError:
            abort(400)
        about = {"word": row.judged or "nothing", "rule": row.rule_id}
        audit_log.record(work.session, who.actor, "conduct.judge", f"conduct:{row.id}", work.now, **about)
        return render_template("conduct_word.html", finding_id=row.id, judged=row.judged, by=row.judged_by)


@pages.get("/report")
def report() -> str:
    """By rule, by agent and by week; ?days= chooses."""
    days = _days()
    tables = _tables(days)
    files = {one["name"]: url_for("conduct.download", name=one["name"], days=days) for one in tables}
    return render_template("conduct_report.html", tables=tables, csv=files, days=days, periods=PERIODS)


@pages.get("/report/<name>.csv")
def download(name: str) -> Response:
    """One table of the report as a file for spreadsheets."""
    days = _days()
    table = next((one for one in _tables(days) if one["name"] == name), None) or abort(404)
    kinds = [kind for _title, kind in table["columns"]]
    rows = [[plain_cell(cell, kind) for cell, kind in zip(row, kinds, strict=True)] for row in table["rows"]]
    columns = [translate(title) for title, _kind in table["columns"]]
    answer = Response(as_csv(columns, rows), mimetype="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="tici-conduct-{name}-{days}d.csv"'
    return answer


def _tables(days: int) -> list[dict[str, Any]]:
    system, now = current_system(), request_now()
    with system.store.read() as session:
        within = (ConductFinding.said_at >= now - timedelta(days=days)) & (ConductFinding.said_at <= now)
        which = overseen(overseer_of(session, visitor())) & within
        return [table.as_stored() for table in conduct_tables(session, system.settings, which)]


def _filter() -> FindingFilter:
    state = request.args.get("state", "open")
    agent = request.args.get("agent", type=row_id)
    return FindingFilter(state if state in STATES else "open", request.args.get("rule", "")[:64], agent)


def _days() -> int:
    days = request.args.get("days", type=int, default=_DAYS)
    return days if days in PERIODS else abort(404)
