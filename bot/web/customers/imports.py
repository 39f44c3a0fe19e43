"""Import of a table: its columns are proposed, every line is tried first, and a job gives customers what it says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, Response, abort, redirect, render_template, request, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from bot.agents.bulk_job import ask_import
from bot.customers.fields import FieldRefusedError
from bot.customers.imported_lines import MOST_BYTES, Line, read_file
from bot.customers.imported_orders import count_orders, plan_orders
from bot.customers.imported_people import ImportPlan
from bot.customers.imported_table import plan_import
from bot.platform.models import BulkDeed, Customer, Order
from bot.platform.work import Work
from bot.web.auth.access import needs, visible_customers
from bot.web.auth.visitor import ADMIN, LEADER, visitor
from bot.web.layout.answers import done_and_redirect, refused
from bot.web.layout.languages import translate
from bot.web.layout.requests import LARGEST_ID, current_system
from sop.import_columns import FIELD, IGNORED, KEY, KEYS, STAGE, TAGS, propose
from sop.order_columns import COLUMNS, ORDER, propose_order_columns

SOURCE = "csv"  # of orders whose source nobody named
_SHOWN = 200
_SAMPLES = 3
_KEY_NAMES = {
    "external_userid": "认客户：企业微信的客户编号",
    "unionid": "认客户：微信 unionid",
    "phone": "认客户：手机号",
    "remark": "认客户：备注",
}
_ORDER_NAMES = {
    "own_id": "订单号",
    "amount": "金额（元）",
    "amount_fen": "金额（分）",
    "ordered_at": "下单时间",
    "paid_at": "付款时间",
    "changed_at": "更新时间",
    "status": "订单状态",
    "product_code": "商品编码",
    "product_name": "商品名称",
    "category": "商品类目",
    "quantity": "数量",
    "currency": "币种",
    "note": "订单备注",
}
_KINDS = ("import", "orders")
_PATH = f"/import/<int(max={LARGEST_ID}):deed_id>"

pages = Blueprint("imports", __name__, url_prefix="/customers")
pages.before_request(needs(ADMIN, LEADER))


@pages.get("/import")
def show() -> str:
    """Where a file is given."""
    return render_template("import.html", problems=())


@pages.post("/import")
def upload() -> AnyResponse | tuple[str, int]:
    """Read a file; its lines are kept, sealed, until it was imported or for a day."""
    given, who = request.files.get("file"), visitor()
    kind = request.form.get("kind", "import") if request.form.get("kind") in _KINDS else "import"
    try:
        headings, lines = read_file(given.read(MOST_BYTES + 1) if given is not None else b"")
    except FieldRefusedError as error:
        return render_template("import.html", problems=[translate(one) for one in error.problems]), 422
    with current_system().work() as work:
        rows = [[line.number, *line.cells] for line in lines]
        name = (given.filename or "")[-80:] if given is not None else ""
        deed = BulkDeed(
            kind=kind, state="draft", actor=who.actor[:80], created_at=work.now, touched_at=work.now,
            asker={"account_id": who.account_id, "role": who.role}, asked=len(rows),
            what={"file": name, "headings": list(headings), "rows": rows},
        )  # fmt: skip
        work.session.add(deed)
        work.session.flush()
        onward = url_for("imports.one", deed_id=deed.id)
    return redirect(onward)


@pages.get(_PATH)
def one(deed_id: int) -> str:
    """What each column is proposed to be."""
    with current_system().look() as work:
        deed = _draft_or_404(work.session, deed_id)
        headings, lines = _table(deed)
        samples = [[line.cell(n)[:60] for line in lines[:_SAMPLES]] for n in range(len(headings))]
        columns = list(zip(headings, _proposed(work, deed), samples, strict=True))
        sources = sorted(work.session.scalars(select(Order.source).distinct().limit(_SHOWN)))
        return render_template(
            "import_columns.html", deed=deed, columns=columns, targets=_targets(work, deed.kind), sources=sources
        )


@pages.post(f"{_PATH}/check")
def check(deed_id: int) -> str | Response:
    """Try every line: how many customers would get something, and what is wrong where."""
    with current_system().look() as work:
        deed = _draft_or_404(work.session, deed_id)
        try:
            plan = _plan(work, deed)
        except FieldRefusedError as error:
            return refused(translate(str(error)))
        troubles = plan.troubles[:_SHOWN]
        people = {number for trouble in troubles for number in trouble.people}
        names = dict(work.session.execute(select(Customer.id, Customer.name).where(Customer.id.in_(people))).all())
        wrong = len({trouble.line for trouble in plan.troubles})
        orders = count_orders(plan) if deed.kind == "orders" else 0
        return render_template(
            "import_check.html", deed=deed, plan=plan, troubles=troubles, names=names, wrong=wrong, orders=orders
        )


@pages.post(f"{_PATH}/begin")
def begin(deed_id: int) -> Response:
    """Begin with the lines that are right; those with anything wrong are left out."""
    with current_system().work() as work:
        deed = _draft_or_404(work.session, deed_id)
        try:
            plan = _plan(work, deed)
        except FieldRefusedError as error:
            return refused(translate(str(error)))
        if not plan.given:
            return refused(translate("没有一行可以导入"))
        of = {"source": _source()} if deed.kind == "orders" else {}
        deed.what = {"file": deed.what["file"], "quiet": request.form.get("start") != "1", **of}
        ask_import(work, deed, plan.given)
    return done_and_redirect(translate("已开始，可以离开这一页"), url_for("deeds.one", deed_id=deed_id))


def _proposed(work: Work, deed: BulkDeed) -> Sequence[str]:
    headings, settings = deed.what["headings"], work.settings
    if deed.kind == "orders":
        return propose_order_columns(headings)
    return propose(headings, settings.fields, [pipeline.name for pipeline in settings.pipelines])


def _plan(work: Work, deed: BulkDeed) -> ImportPlan:
    known = {value for value, _ in _targets(work, deed.kind)}
    headings, lines = _table(deed)
    chosen = [one if one in known else IGNORED for one in request.form.getlist("column")[: len(headings)]]
    chosen += [IGNORED] * (len(headings) - len(chosen))
    seen, zone = visible_customers(work.session, visitor()), work.settings.zone
    if deed.kind == "orders":
        return plan_orders(work.session, (headings, lines), chosen, (seen, zone))
    day = work.now.astimezone(zone).date()
    return plan_import(work.session, work.settings, (headings, lines), chosen, (seen, day))


def _source() -> str:
    return " ".join(request.form.get("source", "").split())[:40] or SOURCE


def _table(deed: BulkDeed) -> tuple[Sequence[str], list[Line]]:
    rows: list[list[Any]] = deed.what["rows"]
    return deed.what["headings"], [Line(number, tuple(cells)) for number, *cells in rows]


def _targets(work: Work, kind: str) -> list[tuple[str, str]]:
    """What a column can be: (value, as it is shown)."""
    keys = [(f"{KEY}{name}", translate(_KEY_NAMES[name])) for name in KEYS]
    if kind == "orders":
        of_orders = [(f"{ORDER}{name}", translate(_ORDER_NAMES[name])) for name in COLUMNS]
        return [(IGNORED, translate("不导入")), *keys, *of_orders]
    fields = [(f"{FIELD}{name}", translate(field.title or name)) for name, field in work.settings.fields.items()]
    stages = [
        (f"{STAGE}{one.name}", translate("阶段：{pipeline}", pipeline=one.name)) for one in work.settings.pipelines
    ]
    return [(IGNORED, translate("不导入")), *keys, (TAGS, translate("标签")), *stages, *fields]


def _draft_or_404(session: Session, deed_id: int) -> BulkDeed:
    deed = session.get(BulkDeed, deed_id)
    if deed is None or deed.state != "draft" or deed.actor != visitor().actor[:80]:
        abort(404)
    return deed
