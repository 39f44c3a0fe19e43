"""The SOPs' pages: each as a timeline with the results of its steps, who is on it, and a preview."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

from flask import Blueprint, abort, current_app, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from bot.analytics.cohorts import SopFigures, sop_figures
from bot.platform import clock
from bot.platform.config.file import read_config_text
from bot.platform.config.parsing import ConfigError
from bot.platform.config.rule_text import UnknownRuleError, switch_sop
from bot.platform.database.reading_log import viewed_all
from bot.platform.database.store import get_status
from bot.sops.held import held_sops
from bot.sops.holding import HoldRefusedError, hold, resume
from bot.sops.replanning import kept_on_older, status_of
from bot.sops.shadow import shadow_figures
from bot.system import System
from bot.web.auth.access import needs, refuse_unless, visible_customers
from bot.web.auth.visitor import ADMIN, AGENT, AUDITOR, LEADER, visitor
from bot.web.layout.actors import actor_names
from bot.web.layout.languages import translate
from bot.web.layout.requests import current_system, row_id
from bot.web.rules.config_saving import Draft, try_to_save
from bot.web.rules.precision import measured
from bot.web.rules.shadow_rows import ShadowRow, shadow_rows
from bot.web.rules.sop_rows import people_on, places_on, start_words, step_rows, stop_words
from sop.playbook import Sop
from sop.rates import parse_rate
from taggers.translatable import chained

_KEPT = "tici-sop-figures"
_KEPT_SECONDS = 600.0
_TRIED = timedelta(days=30)

pages = Blueprint("sops", __name__)
pages.before_request(needs(ADMIN, LEADER, AUDITOR, AGENT))


@pages.get("/sops")
def show() -> str:
    """Every SOP in a line: what starts it, how many steps, how many began it lately."""
    settings = current_system().settings
    rows = [(sop, start_words(sop), figures_of(sop.id)) for sop in settings.tables.sops]
    with current_system().store.read() as session:
        held = held_sops(session)
    return render_template("sops.html", rows=rows, held=held)


@pages.get("/sops/s/<sop_id>")
def sop(sop_id: str) -> str:
    """One SOP: its steps and what became of them, and who is on it."""
    system = current_system()
    table = sop_or_404(system, sop_id)
    figures = figures_of(sop_id)
    with system.store.read() as session:
        people, more = people_on(session, visitor(), sop_id, None)
        edited = get_status(session, status_of(sop_id))
        places = places_on(session, visitor(), sop_id)
        held = held_sops(session).get(sop_id)
        by = actor_names(session, [held["by"]])[held["by"]] if held else ""
        since, seen = clock.now() - _TRIED, visible_customers(session, visitor())
        tried = shadow_figures(session, sop_id, since, seen) if table.shadow else None
    noted, more_noted = starts_shown(table, None) if table.shadow else ([], None)
    with system.look(clock.now()) as look:
        older = kept_on_older(look, table)
    told = edited.value if edited is not None and edited.value["version"] == system.settings.version else {}
    return render_template(
        "sop.html",
        sop=table,
        starts=start_words(table),
        stops=stop_words(table),
        cap=parse_rate(table.cap),
        steps=step_rows(table, figures.steps),
        figures=figures,
        people=people,
        more=more,
        places=places,
        older=older,
        changed=told.get("changed", 0),
        kept=told.get("kept", 0),
        held=held and {"since": datetime.fromisoformat(held["since"]), "by": by},
        tried=tried,
        judged=measured(tried.right, tried.wrong) if tried else "",
        starts_noted=noted,
        more_starts=more_noted,
        resumed=_resumed(),
        problem=request.args.get("problem", "")[:300],
    )


@pages.get("/sops/s/<sop_id>/people")
def people(sop_id: str) -> str:
    """The next page of those who are on it."""
    system = current_system()
    sop_or_404(system, sop_id)
    with system.store.read() as session:
        found, more = people_on(session, visitor(), sop_id, request.args.get("before", type=row_id))
    return render_template("sop_people.html", sop_id=sop_id, people=found, more=more)


@pages.post("/sops/s/<sop_id>/switch")
def switch(sop_id: str) -> Response:
    """Pause an SOP (no customer is enrolled any more) or resume it: a key in config.toml."""
    refuse_unless(ADMIN)
    system = current_system()
    table = sop_or_404(system, sop_id)
    what = f"{'暂停' if table.enabled else '继续'}跟进「{table.title or sop_id}」"
    return rewritten(system, sop_id, what, lambda text: switch_sop(text, sop_id, not table.enabled))


@pages.post("/sops/s/<sop_id>/hold")
def hold_all(sop_id: str) -> Response:
    """Pause an SOP altogether, those who are on it too; no key in the file."""
    refuse_unless(ADMIN)
    table = sop_or_404(current_system(), sop_id)
    try:
        with current_system().work() as work:
            hold(work, table, visitor().actor)
    except HoldRefusedError as refused:
        return redirect(url_for("sops.sop", sop_id=sop_id, problem=translate(str(refused))))
    return redirect(url_for("sops.sop", sop_id=sop_id))


@pages.post("/sops/s/<sop_id>/resume")
def resume_all(sop_id: str) -> Response:
    """Let an SOP go on that was paused altogether."""
    refuse_unless(ADMIN)
    table = sop_or_404(current_system(), sop_id)
    try:
        with current_system().work() as work:
            done = resume(work, table, visitor().actor)
    except HoldRefusedError as refused:
        return redirect(url_for("sops.sop", sop_id=sop_id, problem=translate(str(refused))))
    minutes = int(done.length.total_seconds() / 60)
    return redirect(url_for("sops.sop", sop_id=sop_id, shifted=done.shifted, over=done.over, minutes=minutes))


def rewritten(system: System, sop_id: str, what: str, change: Callable[[str], str]) -> Response:
    """Change the file and go back to the SOP's page, which says what was wrong."""
    try:
        file = read_config_text(system.environment.config)
        text = change(file.text)
    except (UnknownRuleError, ConfigError) as error:
        return redirect(url_for("sops.sop", sop_id=sop_id, problem=translate(str(error))))
    attempt = try_to_save(system, Draft(text, file.stamp, what))
    problem = translate(attempt.reason or chained(map(str, attempt.problems[:3])))
    if attempt.saved is None and not problem:
        problem = translate("配置文件刚被改过，请再点一次")
    return redirect(url_for("sops.sop", sop_id=sop_id, problem=problem or None))


class ResumedWords(NamedTuple):
    """What the page says once an SOP goes on again."""

    shifted: int
    over: int
    length: timedelta


def _resumed() -> ResumedWords | None:
    """What the address says of it."""
    numbers = [request.args.get(name, type=row_id) or 0 for name in ("shifted", "over", "minutes")]
    minutes = timedelta(minutes=min(numbers[2], 60 * 24 * 3650))
    return ResumedWords(numbers[0], numbers[1], minutes) if "minutes" in request.args else None


def starts_shown(table: Sop, before: int | None) -> tuple[list[ShadowRow], int | None]:
    """The starts of an SOP in the shadow, and where to go on. Reading them is noted as reading a conversation."""
    system, who = current_system(), visitor()
    with system.store.read() as session:
        starts, more = shadow_rows(session, who, system.settings, table, before)
    if starts:
        with system.store.write() as session:
            viewed_all(session, who.actor, (start.customer_id for start in starts), "sop", clock.now())
    return starts, more


def figures_of(sop_id: str) -> SopFigures:
    """The figures of an SOP, counted at most every ten minutes by each process: cohorts may hold many thousands."""
    kept: dict[str, tuple[float, SopFigures]] = current_app.extensions.setdefault(_KEPT, {})
    known = kept.get(sop_id)
    if known is not None and time.monotonic() - known[0] < _KEPT_SECONDS:
        return known[1]
    with current_system().store.read() as session:
        found = sop_figures(session, sop_id, clock.now())
    kept[sop_id] = (time.monotonic(), found)
    return found


def sop_or_404(system: System, sop_id: str) -> Sop:
    found = system.settings.sops.get(sop_id)
    if found is None:
        abort(404)
    return found
