"""The reports: each as it was last computed, computed again in the background when it is old, and as CSV."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, abort, render_template, request, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.analytics.reports import FRESH, PERIODS, REPORTS, ReportRequest, compute, stored_report
from bot.analytics.table import NOTHING
from bot.customers.selection import in_segment
from bot.platform.config.segment_table import terms_of
from bot.platform.csv_cells import as_csv
from bot.platform.log import get_logger
from bot.platform.models import Customer, Report
from bot.system import System
from bot.web.auth.access import needs, visible_agent_ids
from bot.web.auth.visitor import ADMIN, AUDITOR, LEADER, visitor
from bot.web.layout.languages import translate
from bot.web.layout.requests import current_system
from bot.web.layout.template_filters import request_now

pages = Blueprint("reports", __name__)
pages.before_request(needs(ADMIN, LEADER, AUDITOR))
_log = get_logger(__name__)
_DEFAULT_DAYS = 30


class ReportComputer:
    """Computes one report at a time in a thread of this process; asking twice for the same is asking once."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, "reports")
        self._asked: set[str] = set()
        self._lock = threading.Lock()

    def ask(self, system: System, wanted: ReportRequest) -> None:
        """Have the report computed soon, and return at once."""
        # Read here: the thread has no request, which request_now() needs.
        key, now, settings = wanted.key, request_now(), system.settings
        with self._lock:
            if key in self._asked:
                return
            self._asked.add(key)

        def work() -> None:
            try:
                compute(system.store, settings, wanted, now)
            except Exception as error:  # one thread computes all reports: it must survive, and the page asks again
                _log.error("report not computed", report=key, error=type(error).__name__)
            finally:
                with self._lock:
                    self._asked.discard(key)

        self._pool.submit(work)

    def is_busy(self, key: str) -> bool:
        with self._lock:
            return key in self._asked


_computer = ReportComputer()


@pages.get("/reports")
def show() -> str:
    """One report with its tabs; ?report= and ?days= choose."""
    name, days = request.args.get("report", "stages"), _days()
    segments = list(current_system().settings.segments)
    view = _view(name, days)
    return render_template("reports.html", **view, reports=REPORTS, periods=PERIODS, segments=segments)


@pages.get("/reports/<name>/part")
def part(name: str) -> str:
    """The tables alone; the page asks for them until they are there."""
    return render_template("report_part.html", **_view(name, _days()))


@pages.post("/reports/<name>/renew")
def renew(name: str) -> str:
    """Compute the report again now."""
    _known(name)
    system = current_system()
    with system.store.read() as session:
        wanted = _wanted(session, name, _days())
    _computer.ask(system, wanted)
    return render_template("report_part.html", **_view(name, _days()))


@pages.get("/reports/<name>/<table>.csv")
def download(name: str, table: str) -> Response:
    """One table as a file for spreadsheets: shares as 0..1, lengths of time in hours."""
    view = _view(name, _days())
    found = next((one for one in view["tables"] if one["name"] == table), None)
    if found is None:
        abort(404)
    hours = f" ({translate('小时')})"
    columns = [translate(title) + (hours if kind == "seconds" else "") for title, kind in found["columns"]]
    kinds = [kind for _title, kind in found["columns"]]
    rows = [[plain_cell(cell, kind) for cell, kind in zip(row, kinds, strict=True)] for row in found["rows"]]
    answer = Response(as_csv(columns, rows), mimetype="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="tici-{name}-{table}-{_days()}d.csv"'
    return answer


def _view(name: str, days: int) -> dict[str, Any]:
    _known(name)
    system = current_system()
    with system.store.read() as session:
        wanted = _wanted(session, name, days)
        row = stored_report(session, wanted.key)
    if row is None or request_now() - row.at > FRESH:
        _computer.ask(system, wanted)
    tables = _tables(row)
    asked: dict[str, Any] = {"name": name, "days": days, "segment": _segment() or None}
    files = {one["name"]: url_for("reports.download", table=one["name"], **asked) for one in tables}
    return {
        "name": name,
        "days": days,
        "segment": _segment(),
        "at": row.at if row else None,
        "since": (row.at if row else request_now()) - timedelta(days=days),
        "tables": tables,
        "csv": files,
        "busy": _computer.is_busy(wanted.key),
    }


def _wanted(session: Session, name: str, days: int) -> ReportRequest:
    """The report that is asked for: of those whom the visitor may see, and of the segment in the address."""
    segments = current_system().settings.segments
    cut = segments.get(_segment())
    agents = visible_agent_ids(session, visitor())
    if cut is None:
        return ReportRequest(name, days, agents)
    inside = select(Customer.id).where(in_segment(cut, request_now(), segments))
    return ReportRequest(name, days, agents, f"{cut.name}/{terms_of(cut, segments)}", inside)


def _segment() -> str:
    """The segment that the address asks for, where there is one of that name."""
    name = request.args.get("segment", "")
    return name if name in current_system().settings.segments else ""


def _tables(row: Report | None) -> list[dict[str, Any]]:
    """The stored tables; those stored by an earlier release may lack the text for an empty table."""
    return [{"nothing": NOTHING, **table} for table in row.tables] if row else []


def plain_cell(cell: Any, kind: str) -> object:
    """A cell as a file for spreadsheets has it."""
    if cell is None:
        return ""
    if kind == "seconds":
        return round(cell / 3600, 2)
    if kind == "share":
        return round(cell, 4)
    if kind == "interval":
        return f"{cell[0]:.4f}–{cell[1]:.4f}"
    return translate(cell) if kind == "word" and cell else cell


def _days() -> int:
    days = request.args.get("days", type=int, default=_DEFAULT_DAYS)
    return days if days in PERIODS else abort(404)


def _known(name: str) -> None:
    if name not in REPORTS:
        abort(404)
