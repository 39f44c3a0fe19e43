"""The reports: each as it was last computed, computed again in the background when it is old, and as CSV."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from flask import Blueprint, Response, abort, render_template, request, url_for

from bot.analytics.behind import COUNTED, Figure, customers_behind
from bot.analytics.reports import FRESH, PERIODS, REPORTS, ReportRequest, compute, stored_report
from bot.analytics.table import NOTHING
from bot.platform.csv_cells import as_csv
from bot.platform.log import get_logger
from bot.platform.models import Report
from bot.system import System
from bot.web.admin.report_people import read_people
from bot.web.admin.report_query import ReportQuery, choices, read_query
from bot.web.auth.access import needs, visible_agent_ids
from bot.web.auth.visitor import ADMIN, AUDITOR, LEADER, visitor
from bot.web.layout.languages import translate
from bot.web.layout.requests import current_system
from bot.web.layout.template_filters import request_now

pages = Blueprint("reports", __name__)
pages.before_request(needs(ADMIN, LEADER, AUDITOR))
_log = get_logger(__name__)


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
    """One report with its tabs; the address chooses it, its time and of whose customers it is."""
    query = _query(request.args.get("report", "stages"))
    system = current_system()
    with system.store.read() as session:
        offered = choices(session, system.settings, query, visible_agent_ids(session, visitor()))
    return render_template("reports.html", **_view(query), reports=REPORTS, periods=PERIODS, offered=offered)


@pages.get("/reports/<name>/part")
def part(name: str) -> str:
    """The tables alone; the page asks for them until they are there."""
    return render_template("report_part.html", **_view(_query(name)))


@pages.post("/reports/<name>/renew")
def renew(name: str) -> str:
    """Compute the report again now."""
    query, system = _query(name), current_system()
    with system.store.read() as session:
        wanted = query.request(session, visible_agent_ids(session, visitor()))
    _computer.ask(system, wanted)
    return render_template("report_part.html", **_view(query))


@pages.get("/reports/<name>/<table>.csv")
def download(name: str, table: str) -> Response:
    """One table as a file for spreadsheets: shares as 0..1, lengths of time in hours."""
    query = _query(name)
    view = _view(query)
    found = next((one for one in view["tables"] if one["name"] == table), None)
    if found is None:
        abort(404)
    hours = f" ({translate('小时')})"
    columns = [translate(title) + (hours if kind == "seconds" else "") for title, kind in found["columns"]]
    kinds = [kind for _title, kind in found["columns"]]
    rows = [[plain_cell(cell, kind) for cell, kind in zip(row, kinds, strict=True)] for row in found["rows"]]
    answer = Response(as_csv(columns, rows), mimetype="text/csv; charset=utf-8")
    span = "-".join(query.args[key] for key in ("from", "to") if key in query.args) or f"{query.days}d"
    answer.headers["Content-Disposition"] = f'attachment; filename="tici-{name}-{table}-{span}.csv"'
    return answer


@pages.get("/reports/<name>/<table>/customers")
def behind(name: str, table: str) -> str:
    """The customers whom one figure counts: `row` names its row, cell by cell, `column` is its place."""
    query, system = _query(name), current_system()
    figure = Figure(table[:40], tuple(request.args.getlist("row")), request.args.get("column", -1, type=int))
    with system.store.read() as session:
        scope = query.request(session, visible_agent_ids(session, visitor())).scope(system.settings, request_now())
        found = customers_behind(session, system.settings, scope, figure)
        if found is None:
            abort(404)
        people = read_people(session, visitor(), found)
        return render_template(
            "report_people.html", people=people, query=query, name=name, row=figure.row, scope=scope
        )


def _query(name: str) -> ReportQuery:
    return read_query(name, request.args, current_system().settings)


def _view(query: ReportQuery) -> dict[str, Any]:
    system = current_system()
    with system.store.read() as session:
        wanted = query.request(session, visible_agent_ids(session, visitor()))
        row = stored_report(session, wanted.key)
    if row is None or request_now() - row.at > FRESH:
        _computer.ask(system, wanted)
    scope = wanted.scope(system.settings, row.at if row else request_now())
    tables, name = _tables(row), query.name
    files = {one["name"]: url_for("reports.download", name=name, table=one["name"], **query.args) for one in tables}
    return {
        "name": query.name,
        "days": query.days,
        "query": query,
        "args": query.args,
        "at": row.at if row else None,
        "since": scope.since,
        "until": scope.until,
        "tables": tables,
        "csv": files,
        "busy": _computer.is_busy(wanted.key),
    }


def _tables(row: Report | None) -> list[dict[str, Any]]:
    """The stored tables; those stored by an earlier release may lack the text for an empty table."""
    found = [{"nothing": NOTHING, "before": [], "keys": [], **table} for table in row.tables] if row else []
    return [{**table, **_opened(table)} for table in found]


def _opened(table: dict[str, Any]) -> dict[str, Any]:
    """Which columns' figures lead to their customers, and the cells that name each row there."""
    opened = COUNTED.get(Figure(table["name"], (), 0).kind, ())
    words = [place for place, (_title, kind) in enumerate(table["columns"]) if kind in ("text", "word")]
    naming = sorted({0, *words, *table["keys"]})
    return {"opened": opened, "names": [[str(row[place]) for place in naming] for row in table["rows"]]}


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
