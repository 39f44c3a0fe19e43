"""Exports of the customer list: asked for here, gathered by a job, and fetched for a day by whoever asked."""

from __future__ import annotations

from flask import Blueprint, Response, abort, url_for

from bot.agents import list_export
from bot.agents.bulk_job import MOST, ask_deed
from bot.platform.csv_cells import as_csv
from bot.platform.database import audit_log
from bot.platform.models import BulkDeed
from bot.platform.work import Work
from bot.web.auth.access import needs, visible_customers
from bot.web.auth.readings import AT_A_GLANCE, note_readings
from bot.web.auth.visitor import ADMIN, LEADER, visitor
from bot.web.customers.list_deeds import deed_or_404
from bot.web.customers.list_pages import asked_query
from bot.web.customers.list_query import ListQuery, order_of
from bot.web.customers.list_rows import count, titles_of, wanted
from bot.web.layout.answers import done_and_redirect, refused
from bot.web.layout.languages import translate
from bot.web.layout.requests import LARGEST_ID, current_system
from bot.web.layout.template_filters import request_now

_PATH = f"/deeds/<int(max={LARGEST_ID}):deed_id>/file"

pages = Blueprint("exports", __name__, url_prefix="/customers")
pages.before_request(needs(ADMIN, LEADER))


@pages.post("/export")
def begin() -> Response:
    """Have all that the list asks for gathered, in the columns that are shown and in its order."""
    who = visitor()
    with current_system().work() as work:
        query = asked_query(work)
        conditions = wanted(work, who, query)
        number = count(work.session, conditions)
        if not 0 < number <= MOST:
            return refused(translate("没有客户可以导出") if not number else translate("一次最多 {n} 位客户", n=MOST))
        deed = BulkDeed(kind=list_export.KIND, actor=who.actor[:80], what=_what(work, query))
        deed.asker = {"account_id": who.account_id, "role": who.role}
        ask_deed(work, deed, conditions, order_of(query))
        onward = url_for("deeds.one", deed_id=deed.id)
    return done_and_redirect(translate("正在准备文件，可以离开这一页"), onward)


@pages.get(_PATH)
def download(deed_id: int) -> Response:
    """The file. Of its customers those are left out whom the visitor may see no more."""
    who, system, now = visitor(), current_system(), request_now()
    with system.look(now) as work:
        deed = _export_or_404(work, deed_id)
        if not list_export.is_ready(deed, now):
            abort(404)
        rows = list(list_export.exported(work.session, deed, visible_customers(work.session, who)))
        what = deed.what
    if "words" in what["columns"]:
        note_readings(system, who.actor, [number for number, _ in rows], "customers", now, AT_A_GLANCE)
    with system.store.write() as session:
        audit_log.record(session, who.actor, "bulk.download", f"bulk:{deed_id}", now, count=len(rows))
    answer = Response(as_csv(what["titles"], (cells for _, cells in rows)), mimetype="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = 'attachment; filename="tici-customers.csv"'
    return answer


@pages.post(f"{_PATH}/forget")
def forget(deed_id: int) -> Response:
    """Delete the file before its day is over."""
    with current_system().work() as work:
        deed = _export_or_404(work, deed_id)
        if not list_export.expire(deed, work.now):
            return refused(translate("文件还在准备，或已经删除了"))
        audit_log.record(work.session, visitor().actor, "bulk.forget", f"bulk:{deed_id}", work.now)
        work.wake("bulk")
    return done_and_redirect(translate("文件已删除"), url_for("deeds.one", deed_id=deed_id))


def _what(work: Work, query: ListQuery) -> dict[str, object]:
    names = titles_of(work)
    titles = ["external_userid", translate("名字"), *(translate(names[one]) for one in query.columns)]
    return {"columns": list(query.columns), "titles": titles}


def _export_or_404(work: Work, deed_id: int) -> BulkDeed:
    deed = deed_or_404(work.session, deed_id)
    if deed.kind != list_export.KIND:
        abort(404)
    return deed
