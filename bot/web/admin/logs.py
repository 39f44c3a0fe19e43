"""The two logs: the audit log (a chain of hashes) and the view log; each with filters, and as CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, TypeVar
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from flask import Response, render_template, request, stream_with_context
from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import Session

from bot.platform.csv_cells import local_time, safe_cell
from bot.platform.database.audit_log import record, verify_log
from bot.platform.models import AuditEntry, Customer, ViewEntry
from bot.web.admin.log_words import VIEWED, log_lines
from bot.web.admin.pages import pages
from bot.web.admin.rows import PAGE
from bot.web.auth.visitor import visitor
from bot.web.layout.actors import actor_names, actors_called
from bot.web.layout.requests import current_system, number_argument
from bot.web.layout.template_filters import request_now, zone

Entry = TypeVar("Entry", AuditEntry, ViewEntry)
_MARK = "\ufeff"  # a byte order mark: without it Excel does not read the file as UTF-8
_LOG_COLUMNS = ("id", "at", "actor", "action", "subject", "detail", "hash")
_VIEW_COLUMNS = ("id", "at", "actor", "customer_id", "page")


@dataclass(frozen=True)
class LogFilter:
    """The entries of a log that are asked for. day: in the workspace's time zone."""

    actor: str
    action: str
    customer: int
    day: date | None

    @property
    def query(self) -> str:
        """As it stands in an address."""
        given = {"actor": self.actor, "action": self.action, "customer": self.customer, "day": self.day}
        return urlencode({name: value for name, value in given.items() if value})


@pages.get("/admin/log")
def log() -> str:
    """What people did, the newest first; `before` loads older entries as one scrolls."""
    log_filter, before, at = _log_filter(), number_argument("before"), zone()
    titles = {sop.id: sop.title or sop.id for sop in current_system().settings.sops.values()}
    with current_system().store.read() as session:
        actors = actors_called(session, log_filter.actor)
        rows = session.scalars(_before(_log_entries(log_filter, at, actors), AuditEntry.id, before)).all()
        lines = log_lines(session, rows[:PAGE], titles)
        actions = [] if before else _actions(session)
    page = "admin_log_rows.html" if before else "admin_log.html"
    return render_template(page, rows=lines, more=len(rows) > PAGE, log_filter=log_filter, actions=actions)


@pages.get("/admin/log.csv")
def log_file() -> Response:
    """The same as a file; that it was taken is itself written down."""
    log_filter, at = _log_filter(), zone()
    _note("log.export", log_filter)
    rows = _entries(_log_entries(log_filter, at, _actors_asked(log_filter)))
    cells = (
        (row.id, local_time(row.at, at), row.actor, row.action, row.subject, _detail(row.detail), row.hash)
        for row in rows
    )
    return _file("log", _in_zone(_LOG_COLUMNS, at), cells)


@pages.get("/admin/log/chain")
def chain() -> str:
    """Whether the audit log is whole; reads all of it, and therefore only on request."""
    with current_system().store.read() as session:
        fault = verify_log(session)
        newest = session.scalar(select(AuditEntry.id).order_by(AuditEntry.id.desc()).limit(1))
    return render_template("admin_chain.html", fault=fault, newest=newest)


@pages.get("/admin/views")
def views() -> str:
    """Who read whose conversation, the newest first."""
    log_filter, before, at = _log_filter(), number_argument("before"), zone()
    with current_system().store.read() as session:
        actors = actors_called(session, log_filter.actor)
        rows = session.scalars(_before(_views(log_filter, at, actors), ViewEntry.id, before)).all()
        people = actor_names(session, [row.actor for row in rows])
        ids = {row.customer_id for row in rows if row.customer_id}
        names = dict(session.execute(select(Customer.id, Customer.name).where(Customer.id.in_(ids))).all())
    page = "admin_views_rows.html" if before else "admin_views.html"
    told = {"people": people, "names": names, "viewed": VIEWED}
    return render_template(page, rows=rows[:PAGE], more=len(rows) > PAGE, log_filter=log_filter, **told)


@pages.get("/admin/views.csv")
def views_file() -> Response:
    """The same as a file."""
    log_filter, at = _log_filter(), zone()
    _note("views.export", log_filter)
    rows = _entries(_views(log_filter, at, _actors_asked(log_filter)))
    cells = ((row.id, local_time(row.at, at), row.actor, row.customer_id or "", row.page) for row in rows)
    return _file("views", _in_zone(_VIEW_COLUMNS, at), cells)


def _log_filter() -> LogFilter:
    def said(name: str, longest: int) -> str:
        return request.args.get(name, "").strip()[:longest].replace("\0", "")

    try:
        day = date.fromisoformat(said("day", 10))
    except ValueError:
        day = None
    return LogFilter(said("actor", 80), said("action", 40), number_argument("customer"), day)


def _actors_asked(log_filter: LogFilter) -> list[str]:
    with current_system().store.read() as session:
        return actors_called(session, log_filter.actor)


def _log_entries(log_filter: LogFilter, at: ZoneInfo, actors: Sequence[str]) -> Select[AuditEntry]:
    asked = select(AuditEntry).where(*_on(AuditEntry.at, log_filter.day, at))
    if log_filter.actor:
        asked = asked.where(AuditEntry.actor.in_(actors))
    if log_filter.action:
        asked = asked.where(AuditEntry.action == log_filter.action)
    return asked


def _views(log_filter: LogFilter, at: ZoneInfo, actors: Sequence[str]) -> Select[ViewEntry]:
    asked = select(ViewEntry).where(*_on(ViewEntry.at, log_filter.day, at))
    if log_filter.actor:
        asked = asked.where(ViewEntry.actor.in_(actors))
    if log_filter.customer:
        asked = asked.where(ViewEntry.customer_id == log_filter.customer)
    return asked


def _on(column: Any, day: date | None, at: ZoneInfo) -> list[ColumnElement[bool]]:
    if day is None or not date(1970, 1, 2) <= day <= date(9000, 1, 1):
        return []
    begins = datetime.combine(day, time(), at)
    return [column >= begins, column < begins + timedelta(days=1)]


def _before(asked: Select[Entry], column: Any, before: int) -> Select[Entry]:
    older = asked.where(column < before) if before else asked
    return older.order_by(column.desc()).limit(PAGE + 1)


def _actions(session: Session) -> list[str]:
    """The actions that occur, by skipping from one to the next in the index: DISTINCT would read every entry."""
    found: list[str] = []
    while (after := _next_action(session, found[-1] if found else "")) is not None and len(found) < 200:
        found.append(after)
    return found


def _next_action(session: Session, after: str) -> str | None:
    beyond = select(AuditEntry.action).where(AuditEntry.action > after).order_by(AuditEntry.action).limit(1)
    return session.scalar(beyond)


def _note(action: str, log_filter: LogFilter) -> None:
    with current_system().store.write() as session:
        record(session, visitor().actor, action, "log", request_now(), asked=log_filter.query)


def _entries(asked: Select[Entry]) -> Iterator[Entry]:
    """Every entry, the oldest first, a few at a time."""
    with current_system().store.read() as session:
        model = asked.column_descriptions[0]["entity"]
        yield from session.scalars(asked.order_by(model.id).execution_options(yield_per=500))


def _in_zone(columns: Sequence[str], at: ZoneInfo) -> list[str]:
    """The titles of the columns, that of the time with its zone."""
    return [f"at ({at.key})" if column == "at" else column for column in columns]


def _file(name: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Response:
    """A CSV file, sent while it is read; cells that a spreadsheet would take for formulas are escaped."""

    def lines() -> Iterator[str]:
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\r\n")
        writer.writerow(columns)
        yield _MARK + out.getvalue()
        for row in rows:
            out.seek(0)
            out.truncate()
            writer.writerow([safe_cell(cell) for cell in row])
            yield out.getvalue()

    answer = Response(stream_with_context(lines()), mimetype="text/csv")
    answer.headers["Content-Disposition"] = f'attachment; filename="tici-{name}-{request_now():%Y%m%d}.csv"'
    return answer


def _detail(detail: dict[str, Any]) -> str:
    return json.dumps(detail, ensure_ascii=False, sort_keys=True) if detail else ""
