"""Placing by tags: customers who came with tags are put on the board, each tag's to a stage; a job for each stage."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, Response, render_template, request, url_for
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from bot.agents.bulk_job import ask_deed
from bot.customers.selection import Condition, where
from bot.platform.models import BulkDeed, Customer, Tagging
from bot.platform.work import Work
from bot.web.auth.access import needs, visible_customers
from bot.web.auth.visitor import ADMIN, LEADER, visitor
from bot.web.customers.list_rows import count
from bot.web.layout.answers import done_and_redirect, refused
from bot.web.layout.languages import translate
from bot.web.layout.requests import current_system
from sop.pipeline import Pipeline

MOST_TAGS = 100

pages = Blueprint("placing", __name__, url_prefix="/customers")
pages.before_request(needs(ADMIN, LEADER))


@pages.get("/place")
def show() -> str:
    """The tags that customers carry, with how many, and a stage to choose for each."""
    with current_system().look() as work:
        pipeline = _pipeline(work)
        tags = _tags(work.session) if pipeline is not None else []
        return render_template("place.html", pipeline=pipeline, pipelines=work.settings.pipelines, tags=tags)


@pages.post("/place")
def begin() -> Response:
    """Begin a deed for every tag that a stage was chosen for."""
    with current_system().work() as work:
        pipeline = _pipeline(work)
        chosen = dict(zip(request.form.getlist("tag"), request.form.getlist("stage"), strict=False))
        stages = [stage.name for stage in pipeline.stages] if pipeline is not None else []
        wanted = {tag[:30]: stage for tag, stage in chosen.items() if stage in stages}
        begun = [_begin(work, pipeline.name, tag, wanted, stages) for tag in wanted] if pipeline is not None else []
    if not any(begun):
        return refused(translate("没有客户要移动：请给标签选阶段"))
    return done_and_redirect(translate("已开始，可以离开这一页"), url_for("deeds.show"))


def _begin(work: Work, pipeline: str, tag: str, wanted: Mapping[str, str], stages: list[str]) -> bool:
    """Whoever carries the tags of several stages goes to the furthest of these; False where there is nobody."""
    stage, who = wanted[tag], visitor()
    further = [other for other, to in wanted.items() if stages.index(to) > stages.index(stage)]
    asked = [Condition("tag", tag), Condition("no-stage", f"{pipeline}/{stage}")]
    asked += [Condition("no-tag", other) for other in further]
    conditions: list[ColumnElement[bool]] = [visible_customers(work.session, who), *where(asked, work.now)]
    if not count(work.session, conditions):
        return False
    kind = "move" if request.form.get("start") == "1" else "place"
    deed = BulkDeed(kind=kind, actor=who.actor[:80], asker={"account_id": who.account_id, "role": who.role})
    deed.what, deed.per_day = {"pipeline": pipeline, "to_stage": stage}, 0
    ask_deed(work, deed, conditions)
    return True


def _pipeline(work: Work) -> Pipeline | None:
    asked = request.values.get("pipeline", "")
    pipelines = work.settings.pipelines
    return next((one for one in pipelines if one.name == asked), pipelines[0] if pipelines else None)


def _tags(session: Session) -> list[tuple[str, int]]:
    number = func.count().label("number")
    carried = (
        select(Tagging.tag, number)
        .join(Customer, Customer.id == Tagging.customer_id)
        .where(Tagging.removed_at.is_(None), visible_customers(session, visitor()))
        .group_by(Tagging.tag)
        .order_by(number.desc(), Tagging.tag)
    )
    return [(row.tag, row.number) for row in session.execute(carried.limit(MOST_TAGS))]
