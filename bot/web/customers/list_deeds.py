"""Deeds on many customers: counted first, then done by a job that is followed here, and taken back within a day."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, Response, abort, render_template, request, url_for
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from bot.agents import list_export
from bot.agents.bulk_job import MOST, ask_deed, ask_undo, cancel, counts_of, may_undo
from bot.customers.fields import read_written_value
from bot.customers.selection import Condition, Control, where
from bot.platform.models import BulkDeed, BulkItem, Customer
from bot.platform.work import Work
from bot.web.auth.access import needs, visible_customers
from bot.web.auth.visitor import ADMIN, WORKING, visitor
from bot.web.customers.list_query import read_query
from bot.web.customers.list_rows import count, options
from bot.web.layout.answers import done_and_redirect, refused
from bot.web.layout.languages import translate
from bot.web.layout.requests import LARGEST_ID, current_system
from bot.wecom.errors import BotError
from sop.fields import find_field

CONTROLS: dict[str, Control] = {"tag": "tag", "untag": "tag", "move": "stage", "enrol": "sop", "field": "field"}
MOST_A_DAY = 1000
_SHOWN = 200
_PATH = f"/deeds/<int(max={LARGEST_ID}):deed_id>"

pages = Blueprint("deeds", __name__, url_prefix="/customers")
pages.before_request(needs(*WORKING))


class DeedRefusedError(BotError):
    """A deed that cannot be asked for; the text says why."""


@pages.errorhandler(DeedRefusedError)
def _refuse(error: BotError) -> Response:
    return refused(translate(str(error)))


@pages.get("/deed-value")
def choose_value() -> str:
    """The control by which it is chosen what a kind of deed does."""
    kind = request.args.get("kind", "")
    if kind not in CONTROLS:
        return ""
    with current_system().store.read() as session:
        offered = options(session, current_system().settings, visitor(), CONTROLS[kind])
    return render_template("deed_value.html", kind=kind, offered=offered)


@pages.post("/deeds/check")
def check() -> str:
    """What a deed would do and to how many, before it is asked for."""
    with current_system().look() as work:
        deed, conditions = _asked(work)
        number = count(work.session, conditions)
        if not 0 < number <= MOST:
            raise DeedRefusedError(
                translate("请先选客户") if not number else translate("一次最多 {n} 位客户", n=MOST)
            )
        beside = _beside(work, deed, conditions)
        return render_template("deed_check.html", deed=deed, number=number, beside=beside, words=_words(work, deed))


@pages.post("/deeds")
def begin() -> Response:
    """Begin a deed that was counted before."""
    who = visitor()
    with current_system().work() as work:
        deed, conditions = _asked(work)
        if not 0 < count(work.session, conditions) <= MOST:
            raise DeedRefusedError(translate("请先选客户"))
        deed.actor = who.actor[:80]
        deed.asker = {"account_id": who.account_id, "role": who.role}
        ask_deed(work, deed, conditions)
        onward = url_for("deeds.one", deed_id=deed.id)
    return done_and_redirect(translate("已开始，可以离开这一页"), onward)


@pages.get("/deeds")
def show() -> str:
    """The newest deeds: one's own, an admin's all."""
    who = visitor()
    with current_system().look() as work:
        mine = select(BulkDeed).where(BulkDeed.state != "draft")
        mine = mine if who.role == ADMIN else mine.where(BulkDeed.actor == who.actor)
        rows = work.session.scalars(mine.order_by(BulkDeed.id.desc()).limit(50)).all()
        return render_template("deeds.html", rows=[(row, _words(work, row)) for row in rows])


@pages.get(_PATH)
def one(deed_id: int) -> str:
    """One deed: how far it is, whom it failed for, and undoing it."""
    with current_system().look() as work:
        deed = deed_or_404(work.session, deed_id)
        return render_template(_template(), **_view(work, deed))


@pages.post(f"{_PATH}/undo")
def undo(deed_id: int) -> Response:
    """Take a deed back, as far as nobody changed the same since."""
    with current_system().work() as work:
        if not ask_undo(work, deed_or_404(work.session, deed_id), visitor().actor):
            raise DeedRefusedError(translate("已经不能撤销：超过一天，或没有做成过什么"))
    return done_and_redirect(translate("正在撤销"), url_for("deeds.one", deed_id=deed_id))


@pages.post(f"{_PATH}/cancel")
def stop(deed_id: int) -> Response:
    """Stop a deed before its end; what is done stays, and can be undone."""
    with current_system().work() as work:
        if not cancel(work, deed_or_404(work.session, deed_id), visitor().actor):
            raise DeedRefusedError(translate("已经做完了"))
    return done_and_redirect(translate("已停止"), url_for("deeds.one", deed_id=deed_id))


def _asked(work: Work) -> tuple[BulkDeed, list[ColumnElement[bool]]]:
    """The deed that the form asks for, and whom it is for."""
    kind, value = request.form.get("kind", ""), request.form.get("value", "")
    if kind not in CONTROLS:
        raise DeedRefusedError(translate("请先选要做什么"))
    deed = BulkDeed(kind=kind, what=_what(work, kind, value), per_day=_per_day() if kind == "enrol" else 0)
    return deed, _whom(work)


def _whom(work: Work) -> list[ColumnElement[bool]]:
    seen = visible_customers(work.session, visitor())
    if request.form.get("all") == "1":
        return [seen, *where(read_query(request.args, work.settings).conditions, work.now, work.settings.segments)]
    chosen = [int(one) for one in request.form.getlist("id") if one.isascii() and one.isdigit() and len(one) < 19]
    return [seen, Customer.id.in_(chosen[:500])]


def _what(work: Work, kind: str, value: str) -> dict[str, Any]:
    offered = dict(options(work.session, work.settings, visitor(), CONTROLS[kind]))
    if value not in offered:
        raise DeedRefusedError(translate("请选一项"))
    if kind == "move":
        pipeline, _, stage = value.partition("/")
        return {"pipeline": pipeline, "to_stage": stage}
    if kind == "field":
        return {"field": value, "value": _field_value(work, value, request.form.get("text", ""))}
    return {"sop": value} if kind == "enrol" else {"tag": value}


def _field_value(work: Work, name: str, text: str) -> str:
    field = find_field(work.settings.fields, name)
    assert field is not None
    try:
        day = work.now.astimezone(work.settings.zone).date()
        return read_written_value(field, text[:200], day) if text.strip() else ""
    except ValueError as error:
        raise DeedRefusedError(f"{field.title or field.name}：{error}") from None


def _per_day() -> int:
    text = request.form.get("per_day", "")
    return min(int(text), MOST_A_DAY) if text.isascii() and text.isdigit() and len(text) < 9 else 0


def _beside(work: Work, deed: BulkDeed, conditions: Sequence[ColumnElement[bool]]) -> dict[str, int]:
    """Of those it is for: how many it will pass over, by why."""
    if deed.kind != "enrol":
        return {}
    on = where([Condition("sop", deed.what["sop"])], work.now)
    return {
        "already": count(work.session, [*conditions, *on]),
        "peace": count(work.session, [*conditions, *where([Condition("peace", "1")], work.now)]),
    }


def _words(work: Work, deed: BulkDeed) -> str:
    """What a deed does, in words."""
    what = deed.what
    if deed.kind == "import":
        return translate("导入「{file}」", file=what["file"])
    if deed.kind == "orders":
        return translate("导入订单「{file}」", file=what["file"])
    if deed.kind == list_export.KIND:
        return translate("导出客户列表")
    if deed.kind in ("move", "place"):
        return translate("移到「{stage}」", stage=what["to_stage"])
    if deed.kind == "enrol":
        sop = work.settings.sops.get(what["sop"])
        return translate("开始「{sop}」", sop=(sop.title or sop.id) if sop else what["sop"])
    if deed.kind == "field":
        field = find_field(work.settings.fields, what["field"])
        name = translate(field.title or field.name) if field else what["field"]
        return translate("把「{name}」写成「{value}」", name=name, value=what["value"])
    if deed.kind == "tag":
        return translate("加标签「{tag}」", tag=what["tag"])
    return translate("去掉标签「{tag}」", tag=what["tag"])


def _view(work: Work, deed: BulkDeed) -> dict[str, Any]:
    counts = counts_of(work.session, deed.id)
    over = sum(number for state, number in counts.items() if state != "waiting")
    if deed.state == "undoing":
        over = deed.asked - counts.get("done", 0)
    bad = BulkItem.deed_id == deed.id, BulkItem.state.in_(("failed", "kept"))
    failed = (
        select(BulkItem, Customer.name)
        .join(Customer, Customer.id == BulkItem.customer_id)
        .where(*bad, visible_customers(work.session, visitor()))
    )
    return {
        "deed": deed, "words": _words(work, deed), "counts": counts, "open": deed.state in ("running", "undoing"),
        "share": min(100, round(100 * over / deed.asked)) if deed.asked else 100, "over": over,
        "failed": work.session.execute(failed.order_by(BulkItem.turn).limit(_SHOWN)).all(),
        "file_until": list_export.kept_until(deed, work.now),
        "may_undo": may_undo(deed, work.now) and counts.get("done", 0) > 0,
    }  # fmt: skip


def _template() -> str:
    return "deed_part.html" if request.headers.get("HX-Request") else "deed.html"


def deed_or_404(session: Session, deed_id: int) -> BulkDeed:
    """A deed that is the visitor's own; an admin's are all."""
    deed = session.get(BulkDeed, deed_id)
    if deed is None or deed.state == "draft" or (visitor().role != ADMIN and deed.actor != visitor().actor):
        abort(404)
    return deed
