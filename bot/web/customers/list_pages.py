"""The customer list: a table with the columns one chooses, conditions that are counted as one types, saved views."""

from __future__ import annotations

from flask import Blueprint, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from bot.agents.list_rows import BOUGHT, PAINTED
from bot.customers.selection import KINDS
from bot.platform.database import audit_log
from bot.platform.models import SavedView
from bot.platform.work import Work
from bot.web.auth.access import needs
from bot.web.auth.readings import AT_A_GLANCE, note_readings
from bot.web.auth.visitor import ADMIN, ROLES, visitor
from bot.web.customers.list_query import SORTS, ListQuery, query_of, read_query
from bot.web.customers.list_rows import count, in_words, options, read_rows, read_views, titles_of, wanted
from bot.web.layout.languages import translate
from bot.web.layout.requests import LARGEST_ID, current_system
from bot.web.layout.template_filters import request_now

LONGEST_NAME = 40
MOST_VIEWS = 50

pages = Blueprint("customers", __name__, url_prefix="/customers")
pages.before_request(needs(*ROLES))


@pages.get("")
def show() -> str:
    """A page of the list; `after` is where it begins."""
    who, settings = visitor(), current_system().settings
    with current_system().look(request_now()) as work:
        query = asked_query(work)
        conditions = wanted(work, who, query)
        rows, after = read_rows(work, who, query)
        page = render_template(
            "customers.html",
            query=query, rows=rows, after=after, total=count(work.session, conditions),
            conditions=in_words(work.session, settings, who, query), views=read_views(work.session, who),
            kinds=KINDS, sorts=SORTS, columns=titles_of(work), painted=PAINTED, bought=BOUGHT,
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
        query = asked_query(work)
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


def asked_query(work: Work) -> ListQuery:
    """What the address asks for; by `view` a saved one that the visitor may open."""
    number = request.args.get("view", type=int)
    if number is None or request.args.keys() - {"view", "after"}:
        return read_query(request.args, work.settings)
    view = work.session.get(SavedView, number) if 0 < number <= LARGEST_ID else None
    if view is None or not (view.shared or view.owner == visitor().actor):
        abort(404)
    return query_of([*map(tuple, view.asked), ("after", request.args.get("after", ""))], work.settings)
