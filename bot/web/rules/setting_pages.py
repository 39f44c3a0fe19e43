"""The settings page: what operations change in config.toml, as one form with an outline, saved into it."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from flask import Blueprint, abort, redirect, render_template, request, url_for
from sqlalchemy import select
from werkzeug.wrappers import Response

from bot.platform.config.file import ConfigText, read_config_text
from bot.platform.config.parsing import ConfigProblem
from bot.platform.config.rule_text import UnknownRuleError
from bot.platform.config.toml_tables import Values
from bot.platform.models import Agent
from bot.system import System
from bot.web.auth.access import needs
from bot.web.auth.visitor import ADMIN
from bot.web.layout.requests import current_system
from bot.web.rules.config_saving import Attempt, Draft, try_to_save, write_notice
from bot.web.rules.places import placed
from bot.web.rules.setting_fields import SECTIONS, Section
from bot.web.rules.setting_form import (
    Applied,
    FormEntry,
    apply,
    first_wrong,
    nested,
    problems_by_field,
    read_entries,
    read_table,
    show,
)

Answer = str | tuple[str, int] | Response

pages = Blueprint("settings", __name__)
pages.before_request(needs(ADMIN))


@dataclass(frozen=True)
class SectionRows:
    """A section with what stands in its fields: of one table `values`, of an array its entries."""

    section: Section
    values: Values
    entries: Sequence[FormEntry] = ()
    known: Sequence[str] = ()


@pages.get("/settings")
def show_settings() -> str:
    """The form as the file has it now, which may be newer than what is in force."""
    system = current_system()
    file = read_config_text(system.environment.config)
    return _form(system, _rows_of(_tables(file)), Attempt(file.stamp))


@pages.post("/settings")
def save() -> Answer:
    """Save what differs: the page again, with what is in the way where something is."""
    system, stamp = current_system(), request.form.get("stamp", "")
    file = read_config_text(system.environment.config)
    try:
        made = apply(request.form, file.text, _tables(file), _userids(system))
    except UnknownRuleError as special:
        return _form(system, _rows_sent(system), Attempt(stamp, reason=str(special), status=422)), 422
    what = f"改设置：{'、'.join(section.title for section in made.changed)}" if made.changed else "改设置"
    attempt = try_to_save(system, Draft(made.text, stamp, what, request.form.get("sure", "")))
    if attempt.saved is not None:
        return redirect(url_for("settings.show_settings", saved=1))
    return _form(system, _rows_sent(system), attempt, made), attempt.status


@pages.post("/settings/draft")
def draft() -> str:
    """The entries of one section after a button was pressed (`do`: tags:add, tags:drop:3); nothing is saved."""
    table, which, key = (*request.form.get("do", "").split(":"), "", "")[:3]
    section = next((one for one in SECTIONS if one.called and one.table == table), None)
    if section is None:
        abort(400)
    entries = [one for one in read_entries(section, request.form) if which != "drop" or one.key != key]
    fresh = ""
    if which == "add":
        numbers = [int(one.key) for one in entries if one.key.isdecimal() and len(one.key) < 6]
        fresh = str(max(numbers, default=-1) + 1)
        entries.append(FormEntry(fresh, "", {}))
    rows = SectionRows(section, {}, entries, request.form.getlist(f"{table}.known"))
    return render_template("setting_entries.html", row=rows, wrong={}, first="", fresh=fresh, show=show)


def _tables(file: ConfigText) -> Values:
    """What the file holds; nothing where it cannot be read at all."""
    try:
        return tomllib.loads(file.text)
    except (ValueError, RecursionError):
        return {}


def _rows_of(tables: Values) -> list[SectionRows]:
    rows = []
    for section in SECTIONS:
        found = tables.get(section.table, [] if section.called else {})
        if not section.called:
            rows.append(SectionRows(section, found))
            continue
        names = [str(one.get(section.called, "")) for one in found]
        entries = [FormEntry(str(n), names[n], values) for n, values in enumerate(found)]
        rows.append(SectionRows(section, {}, entries, names))
    return rows


def _rows_sent(system: System) -> list[SectionRows]:
    """The rows as they were sent, so that nothing typed is lost."""
    form, userids, rows = request.form, _userids(system), []
    for section in SECTIONS:
        if section.called:
            known = form.getlist(f"{section.table}.known")
            rows.append(SectionRows(section, {}, read_entries(section, form), known))
        else:
            rows.append(SectionRows(section, nested(read_table(section, form, section.table, userids))))
    return rows


def _userids(system: System) -> dict[str, str]:
    """The userid of each agent whose name nobody else has."""
    with system.store.read() as session:
        found = session.execute(select(Agent.name, Agent.userid).where(Agent.left_at.is_(None))).all()
    counted = Counter(name for name, _ in found)
    return {name: userid for name, userid in found if name and counted[name] == 1}


def _form(system: System, rows: Sequence[SectionRows], attempt: Attempt, made: Applied | None = None) -> str:
    wrong, elsewhere = problems_by_field(attempt.problems, made.places if made else {})
    return render_template(
        "settings.html",
        rows=rows,
        attempt=attempt,
        wrong=wrong,
        bad={name.partition(".")[0] for name in wrong},
        first=first_wrong(wrong, _names(rows)),
        elsewhere=_placed(elsewhere, made),
        notice=write_notice(system),
        show=show,
        fresh="",
    )


def _placed(problems: Sequence[ConfigProblem], made: Applied | None) -> list[tuple[ConfigProblem, str]]:
    return placed(problems, made.text if made else "")


def _names(rows: Sequence[SectionRows]) -> list[str]:
    """The names of all fields, from the top of the page."""
    names = []
    for row in rows:
        table, fields = row.section.table, row.section.fields
        names += [f"{table}.{one.key}.{field.name}" for one in row.entries for field in fields]
        names += [] if row.section.called else [f"{table}.{field.name}" for field in fields]
    return names
