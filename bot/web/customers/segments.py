"""Segments: groups of customers with a name, kept in config.toml; counted, compared, saved from the customer list."""

from __future__ import annotations

from flask import Blueprint, abort, redirect, render_template, request, url_for
from sqlalchemy import ColumnElement
from werkzeug.wrappers import Response as AnyResponse

from bot.customers.selection import Condition, where
from bot.platform.config.file import read_config_text
from bot.platform.config.segment_table import NUMBERS, PLAIN, TEXTS
from bot.platform.config.segment_text import put_segment, remove_segment
from bot.platform.work import Work
from bot.web.auth.access import needs, refuse_unless, visible_customers
from bot.web.auth.visitor import ADMIN, AUDITOR, LEADER, visitor
from bot.web.customers.list_query import ListQuery, read_query
from bot.web.customers.list_rows import count, in_words
from bot.web.layout.requests import current_system
from bot.web.layout.template_filters import request_now
from bot.web.rules.config_saving import Attempt, Draft, try_to_save, write_notice
from bot.web.rules.places import placed

LONGEST_NAME = 30
Answer = str | tuple[str, int] | AnyResponse

pages = Blueprint("segments", __name__, url_prefix="/customers/segments")
pages.before_request(needs(ADMIN, LEADER, AUDITOR))


@pages.get("")
def show() -> str:
    """All segments with how many customers are in each; of two that are chosen, how many are in both."""
    who, settings = visitor(), current_system().settings
    with current_system().look(request_now()) as work:
        rows = []
        for segment in settings.tables.segments:
            query = ListQuery(tuple(Condition(*pair) for pair in segment.pairs))
            words = in_words(work.session, settings, who, query)
            rows.append((segment, words, _count(work, Condition("segment", segment.name))))
        both = _compared(work)
        return render_template("segments.html", rows=rows, both=both, chosen=request.args.getlist("with"))


@pages.route("/new", methods=["GET", "POST"])
def new() -> Answer:
    """Save what the customer list asks for as a segment: first what it is to be called, then into the file."""
    refuse_unless(ADMIN)
    system = current_system()
    with system.look(request_now()) as work:
        query = read_query(request.args, work.settings)
        kept = tuple(one for one in query.conditions if one.kind in NUMBERS | PLAIN | TEXTS)
        words = in_words(work.session, work.settings, visitor(), ListQuery(kept))
        number = _count(work, *kept)
    name = request.form.get("name", "").strip()[:LONGEST_NAME]
    current = read_config_text(system.environment.config)
    attempt = Attempt(current.stamp)
    if request.method == "POST":
        if not name or not kept:
            abort(400)
        text = put_segment(current.text, name, [(one.kind, one.value) for one in kept])
        stamp = request.form.get("stamp", "")
        attempt = try_to_save(system, Draft(text, stamp, f"存分群「{name}」", request.form.get("sure", "")))
        if attempt.saved is not None:
            return redirect(url_for("segments.show"))
    page = render_template(
        "segment_new.html", words=words, number=number, name=name, attempt=attempt, notice=write_notice(system),
        left_out=len(query.conditions) - len(kept), problems=placed(attempt.problems, current.text),
    )  # fmt: skip
    return page, attempt.status


@pages.post("/remove")
def remove() -> Answer:
    """Take a segment out of the file; refused, with the reason, while something uses it."""
    refuse_unless(ADMIN)
    system, name = current_system(), request.form.get("name", "")[:LONGEST_NAME]
    current = read_config_text(system.environment.config)
    text = remove_segment(current.text, name)
    if text == current.text:
        abort(404)
    attempt = try_to_save(system, Draft(text, current.stamp, f"删分群「{name}」"))
    if attempt.saved is not None:
        return redirect(url_for("segments.show"))
    problems = placed(attempt.problems, text)
    return render_template("segment_kept.html", name=name, attempt=attempt, problems=problems), attempt.status


def _compared(work: Work) -> tuple[int, int, int] | None:
    """Of two segments: how many are in the first alone, in both, in the second alone."""
    names = [one for one in request.args.getlist("with") if one in work.settings.segments]
    if len(names) != 2 or names[0] == names[1]:
        return None
    a, b = (Condition("segment", name) for name in names)
    both = _count(work, a, b)
    return _count(work, a) - both, both, _count(work, b) - both


def _count(work: Work, *conditions: Condition) -> int:
    tests: list[ColumnElement[bool]] = where(conditions, work.now, work.settings.segments)
    return count(work.session, [visible_customers(work.session, visitor()), *tests])
