"""Segments: groups of customers with a name, kept in config.toml; counted, compared, saved from the customer list."""

from __future__ import annotations

from itertools import chain
from itertools import count as count_from

from flask import Blueprint, abort, redirect, render_template, request, url_for
from sqlalchemy import ColumnElement
from werkzeug.wrappers import Response as AnyResponse

from bot.customers.selection import KINDS, Condition, ConditionKind, read_conditions, where
from bot.platform.config.file import read_config_text
from bot.platform.config.segment_table import NUMBERS, PLAIN, TEXTS
from bot.platform.config.segment_text import put_segment, remove_segment
from bot.platform.work import Work
from bot.sops.segment_starts import freeze as fill_frozen
from bot.web.auth.access import needs, refuse_unless, visible_customers
from bot.web.auth.visitor import ADMIN, AUDITOR, LEADER, visitor
from bot.web.customers.list_query import ListQuery, read_query
from bot.web.customers.list_rows import count, in_words, options
from bot.web.layout.requests import current_system
from bot.web.layout.template_filters import request_now
from bot.web.rules.config_saving import Attempt, Draft, try_to_save, write_notice
from bot.web.rules.places import placed
from taggers.translatable import Translatable

LONGEST_NAME = 30
OFFERED = NUMBERS | PLAIN | TEXTS
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
        return render_template(
            "segments.html", rows=rows, kinds=KINDS, both=both, chosen=request.args.getlist("with")
        )


@pages.route("/new", methods=["GET", "POST"])
def new() -> Answer:
    """Save what the customer list asks for as a segment: first what it is to be called, then into the file."""
    refuse_unless(ADMIN)
    system = current_system()
    with system.look(request_now()) as work:
        query = read_query(request.args, work.settings)
        kept = tuple(one for one in query.conditions if one.kind in OFFERED)
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


@pages.route("/edit", methods=["GET", "POST"])
def edit() -> Answer:
    """Change the conditions of a segment, or its name; refused, with the reason, where something uses the old one."""
    refuse_unless(ADMIN)
    system, was = current_system(), request.values.get("was", "")[:LONGEST_NAME]
    if not was:
        return redirect(url_for("segments.show"))
    segment = system.settings.segments.get(was)
    if segment is None or segment.frozen:
        abort(404)
    kept, name = tuple(Condition(*pair) for pair in segment.pairs), was
    current = read_config_text(system.environment.config)
    attempt = Attempt(current.stamp)
    if request.method == "POST":
        name = request.form.get("name", "").strip()[:LONGEST_NAME]
        kept = tuple(one for one in read_conditions(request.form.items(multi=True)) if one.kind in OFFERED)
        if not name or not kept:
            attempt = Attempt(current.stamp, reason=Translatable("分群要有名字，至少有一个条件"), status=422)
        else:
            text = put_segment(current.text, name, [(one.kind, one.value) for one in kept], was=was)
            stamp = request.form.get("stamp", "")
            attempt = try_to_save(system, Draft(text, stamp, f"改分群「{name}」", request.form.get("sure", "")))
        if attempt.saved is not None:
            return redirect(url_for("segments.show"))
    with system.look(request_now()) as work:
        page = render_template(
            "segment_edit.html", was=was, name=name, controls=[_control(work, one) for one in kept],
            number=_count(work, *kept), kinds=[KINDS[kind] for kind in KINDS if kind in OFFERED], attempt=attempt,
            notice=write_notice(system), problems=placed(attempt.problems, current.text),
        )  # fmt: skip
    return page, attempt.status


@pages.post("/freeze")
def freeze() -> Answer:
    """Keep who is in a segment today as a list: a segment of its own that stays as it is."""
    refuse_unless(ADMIN)
    system = current_system()
    segment = system.settings.segments.get(request.form.get("name", ""))
    if segment is None or segment.frozen:
        abort(404)
    day = request_now().astimezone(system.settings.zone).date()
    name = _free_name(segment.name, f"{day:%m-%d}")
    current = read_config_text(system.environment.config)
    text = put_segment(current.text, name, segment.pairs, frozen=day)
    attempt = try_to_save(system, Draft(text, current.stamp, f"定格分群「{name}」"))
    if attempt.saved is None:
        problems = placed(attempt.problems, text)
        return render_template("segment_kept.html", name=name, attempt=attempt, problems=problems), attempt.status
    with system.work(request_now()) as work:
        fill_frozen(work, attempt.saved.segments[name])
    return redirect(url_for("segments.show"))


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


def _free_name(name: str, day: str) -> str:
    """A name for the list as of a day that no segment has yet."""
    endings = chain([f" {day}"], (f" {day} ({n})" for n in count_from(2)))
    names = (name[: LONGEST_NAME - len(ending)] + ending for ending in endings)
    return next(one for one in names if one not in current_system().settings.segments)


def _control(work: Work, one: Condition) -> tuple[ConditionKind, list[tuple[str, str]], str]:
    """What the form needs for a condition: its kind, what may be chosen, and what is."""
    kind = KINDS[one.kind]
    return kind, options(work.session, work.settings, visitor(), kind.control), one.value


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
