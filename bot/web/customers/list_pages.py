"""The customer list: a table with the columns one chooses, conditions that are counted as one types, saved views."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Blueprint, Response, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from bot.customers.selection import KINDS
from bot.platform.csv_cells import as_csv, local_time
from bot.platform.database import audit_log
from bot.platform.models import SavedView
from bot.platform.work import Work
from bot.web.auth.access import needs, refuse_unless
from bot.web.auth.readings import AT_A_GLANCE, note_readings
from bot.web.auth.visitor import ADMIN, LEADER, ROLES, Visitor, visitor
from bot.web.customers.list_query import BOUGHT, COLUMNS, PAINTED, SORTS, ListQuery, query_of, read_query
from bot.web.customers.list_rows import ListRow, count, in_words, options, read_rows, read_views, wanted
from bot.web.layout.languages import translate
from bot.web.layout.requests import LARGEST_ID, current_system
from bot.web.layout.template_filters import request_now

LONGEST_NAME = 40
MOST_VIEWS = 50
_EXPORT_PIECE = 500

pages = Blueprint("customers", __name__, url_prefix="/customers")
pages.before_request(needs(*ROLES))


@pages.get("")
def show() -> str:
    """A page of the list; `after` is where it begins."""
    who, settings = visitor(), current_system().settings
    with current_system().look(request_now()) as work:
        query = _query(work)
        conditions = wanted(work, who, query)
        rows, after = read_rows(work, who, query)
        page = render_template(
            "customers.html",
            query=query, rows=rows, after=after, total=count(work.session, conditions),
            conditions=in_words(work.session, settings, who, query), views=read_views(work.session, who),
            kinds=KINDS, sorts=SORTS, columns=_columns(work), painted=PAINTED, bought=BOUGHT,
        )  # fmt: skip
    if "words" in query.columns:
        spoke = [row.customer.id for row in rows if row.customer.last_words]
        note_readings(current_system(), who.actor, spoke, "customers", request_now(), AT_A_GLANCE)
    return page


@pages.get("/count")
def tell_count() -> str:
    """How many customers there would be with the condition that is being written."""
    who = visitor()
    with current_system().look(request_now()) as work:
        query = _query(work)
        found = count(work.session, wanted(work, who, query))
    return translate("符合 {n} 位", n=found)


@pages.get("/condition")
def condition() -> str:
    """The control by which the value of one kind of condition is chosen."""
    kind = KINDS.get(request.args.get("kind", ""))
    if kind is None:
        return ""
    with current_system().store.read() as session:
        offered = options(session, current_system().settings, visitor(), kind.control)
    return render_template("customers_condition.html", kind=kind, offered=offered)


@pages.post("/views")
def save_view() -> AnyResponse:
    """Keep what is asked for under a name; of one's own views one of the same name is replaced.

    A search for somebody's name is left out: it would outlive their erasure.
    """
    name, who = request.form.get("name", "").strip()[:LONGEST_NAME], visitor()
    with current_system().work() as work:
        query = read_query(request.args, work.settings)
        mine = [view for view in read_views(work.session, who) if view.owner == who.actor]
        if not name or len(mine) >= MOST_VIEWS:
            abort(400)
        known = next((view for view in mine if view.name == name), None)
        row = known or SavedView(owner=who.actor[:80], name=name, created_at=work.now)
        row.shared = request.form.get("shared") == "1"
        row.asked = [[key, value] for key, values in query.args.items() if key != "q" for value in values]
        work.session.add(row)
        work.session.flush()
        audit_log.record(work.session, who.actor, "view.save", f"view:{row.id}", work.now)
        view_id = row.id
    return redirect(url_for("customers.show", view=view_id))


@pages.post(f"/views/<int(max={LARGEST_ID}):view_id>/remove")
def remove_view(view_id: int) -> AnyResponse:
    """Forget a view: one's own; an admin a shared one too."""
    who = visitor()
    with current_system().work() as work:
        row = work.session.get(SavedView, view_id)
        if row is None or (row.owner != who.actor and not (who.role == ADMIN and row.shared)):
            abort(404)
        work.session.delete(row)
        audit_log.record(work.session, who.actor, "view.remove", f"view:{view_id}", work.now)
    return redirect(url_for("customers.show"))


@pages.get("/list.csv")
def export() -> Response:
    """All that is asked for as a file for spreadsheets, in the columns that are shown."""
    refuse_unless(ADMIN, LEADER)
    who, system = visitor(), current_system()
    with system.look(request_now()) as work:
        query = _query(work)
        names = _columns(work)
        titles = ["external_userid", translate("名字"), *(translate(names[one]) for one in query.columns)]
        rows = [_cells(work, query, row) for row in _all_rows(work, who, query)]
    if "words" in query.columns:
        note_readings(system, who.actor, [number for number, _ in rows], "customers", request_now(), AT_A_GLANCE)
    with system.store.write() as session:
        audit_log.record(session, who.actor, "bulk.export", "customers", request_now(), count=len(rows))
    answer = Response(as_csv(titles, (cells for _, cells in rows)), mimetype="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = 'attachment; filename="tici-customers.csv"'
    return answer


def _all_rows(work: Work, who: Visitor, query: ListQuery) -> Iterator[ListRow]:
    after = query.after
    while True:
        page = ListQuery(query.conditions, query.sort, query.up, query.columns, after)
        rows, after = read_rows(work, who, page, _EXPORT_PIECE)
        yield from rows
        work.session.expunge_all()
        if not after:
            return


def _cells(work: Work, query: ListQuery, row: ListRow) -> tuple[int, list[object]]:
    customer, zone = row.customer, work.settings.zone
    plain: dict[str, object] = {
        "stages": "、".join(row.stages), "tags": "、".join(row.tags), "agent": row.agent,
        "last": local_time(customer.last_word_at, zone) if customer.last_word_at else "",
        "scores": f"{customer.conversion} · {customer.activity}", "added": local_time(customer.created_at, zone),
        "channel": customer.channel or "", "words": customer.last_words,
        **row.painted,
        **_bought(work, row),
        **{f"field:{name}": value for name, value in row.fields.items()},
    }  # fmt: skip
    return customer.id, [customer.external_userid, customer.name, *(plain.get(one, "") for one in query.columns)]


def _bought(work: Work, row: ListRow) -> dict[str, object]:
    if (figures := row.bought) is None:
        return {}
    last = local_time(figures.last, work.settings.zone)
    return {"orders": figures.number, "spent": figures.fen / 100, "ordered": last}


def _query(work: Work) -> ListQuery:
    """What the address asks for; by `view` a saved one that the visitor may open."""
    number = request.args.get("view", type=int)
    if number is None or request.args.keys() - {"view", "after"}:
        return read_query(request.args, work.settings)
    view = work.session.get(SavedView, number) if 0 < number <= LARGEST_ID else None
    if view is None or not (view.shared or view.owner == visitor().actor):
        abort(404)
    return query_of([*map(tuple, view.asked), ("after", request.args.get("after", ""))], work.settings)


def _columns(work: Work) -> dict[str, str]:
    """The titles of all columns there are."""
    fields = work.settings.fields.items()
    return COLUMNS | {f"field:{name}": field.title or name for name, field in fields}
