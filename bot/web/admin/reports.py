"""The reports: each as last computed, computed anew behind the page when it has grown old, and as CSV."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, abort, current_app, render_template, request

from bot.analytics.reports import FRESH, PERIODS, REPORTS, ReportRequest, compute, stored_report
from bot.analytics.table import NOTHING
from bot.platform.csv_cells import as_csv
from bot.platform.log import get_logger
from bot.platform.models import Report
from bot.system import System
from bot.web.auth.access import agents_of, needs
from bot.web.auth.visitor import ADMIN, AUDITOR, LEADER, visitor
from bot.web.layout.languages import translate
from bot.web.layout.template_filters import present

pages = Blueprint("reports", __name__)
pages.before_request(needs(ADMIN, LEADER, AUDITOR))
_log = get_logger(__name__)
_DEFAULT_DAYS = 30


class Computing:
    """Computes one report at a time in a thread of this process; asking twice for the same is asking once."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, "reports")
        self._asked: set[str] = set()
        self._lock = threading.Lock()

    def ask(self, system: System, request: ReportRequest) -> None:
        """Have the report computed soon, and return at once."""
        key, now, settings = request.key, present(), system.settings
        with self._lock:
            if key in self._asked:
                return
            self._asked.add(key)

        def work() -> None:
            try:
                compute(system.store, settings, request, now)
            except Exception as error:  # the page asks again; the thread must live on
                _log.error("report not computed", report=key, error=type(error).__name__)
            finally:
                with self._lock:
                    self._asked.discard(key)

        self._pool.submit(work)

    def is_busy(self, key: str) -> bool:
        with self._lock:
            return key in self._asked


_computing = Computing()


@pages.get("/reports")
def show() -> str:
    """One report with its tabs; ?report= and ?days= choose."""
    name, days = request.args.get("report", "stages"), _days()
    return render_template("reports.html", **_view(name, days), reports=REPORTS, periods=PERIODS)


@pages.get("/reports/<name>/part")
def part(name: str) -> str:
    """The tables alone; the page asks for them until they are there."""
    return render_template("report_part.html", **_view(name, _days()))


@pages.post("/reports/<name>/renew")
def renew(name: str) -> str:
    """Count anew now."""
    _known(name)
    system = _system()
    with system.store.read() as session:
        request = ReportRequest(name, _days(), agents_of(session, visitor()))
    _computing.ask(system, request)
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
    rows = [[_plain(cell, kind) for cell, kind in zip(row, kinds, strict=True)] for row in found["rows"]]
    answer = Response(as_csv(columns, rows), mimetype="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="tici-{name}-{table}-{_days()}d.csv"'
    return answer


def _view(name: str, days: int) -> dict[str, Any]:
    _known(name)
    system = _system()
    with system.store.read() as session:
        request = ReportRequest(name, days, agents_of(session, visitor()))
        row = stored_report(session, request.key)
    if row is None or present() - row.at > FRESH:
        _computing.ask(system, request)
    return {
        "name": name,
        "days": days,
        "at": row.at if row else None,
        "since": (row.at if row else present()) - timedelta(days=days),
        "tables": _tables(row),
        "busy": _computing.is_busy(request.key),
    }


def _tables(row: Report | None) -> list[dict[str, Any]]:
    """As kept; those from before an update may not know yet what to say where there is nothing."""
    return [{"nothing": NOTHING, **table} for table in row.tables] if row else []


def _plain(cell: Any, kind: str) -> object:
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


def _system() -> System:
    system: System = current_app.extensions["tici"]
    return system
