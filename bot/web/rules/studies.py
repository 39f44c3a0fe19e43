"""Studies: backtests of a draft and proposals for new rules; begun here, done by the workers, followed here."""

from __future__ import annotations

from typing import Any

from flask import abort, redirect, render_template, request, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from bot.analytics.studies import OPEN, ask_backtest, ask_mining, cancel_study, newest_study, outcome_of
from bot.platform import clock
from bot.platform.config.file import check_text
from bot.platform.config.parsing import ConfigError
from bot.platform.database.audit_log import record
from bot.platform.database.reading_log import viewed
from bot.platform.models import Customer, Study
from bot.web.auth.access import refuse_unless
from bot.web.auth.visitor import ADMIN, AUDITOR, visitor
from bot.web.layout.requests import LARGEST_ID, current_system
from bot.web.rules.places import placed
from bot.web.rules.rule_edit import draft_text
from bot.web.rules.rules import pages
from taggers.backtest import Backtest


@pages.post("/rules/backtests")
def ask() -> str:
    """Begin a backtest of the draft; answers with the piece of page that watches it."""
    refuse_unless(ADMIN)
    system, now = current_system(), clock.now()
    draft = ""
    try:
        draft = draft_text(system)
        check_text(system.environment.config, draft, now)
    except ConfigError as error:
        return render_template("rule_recent.html", problems=placed(error.problems[:20], draft))
    with system.work(now) as work:
        study = ask_backtest(work, draft, visitor().actor)
        record(work.session, visitor().actor, "rules.backtest", f"study:{study.id}", now)
    return _progress_page(study.id)


@pages.get(f"/rules/backtests/<int(max={LARGEST_ID}):study_id>")
def backtest(study_id: int) -> str:
    """How far a backtest is, and what it found."""
    refuse_unless(ADMIN, AUDITOR)
    return _progress_page(study_id)


@pages.post(f"/rules/studies/<int(max={LARGEST_ID}):study_id>/cancel")
def cancel(study_id: int) -> Response | str:
    """End a study before its time; what it found so far stays."""
    refuse_unless(ADMIN)
    system, now = current_system(), clock.now()
    with system.store.write() as session:
        study = session.get(Study, study_id)
        if study is None:
            abort(404)
        if cancel_study(session, study_id, now):
            record(session, visitor().actor, "rules.cancel", f"study:{study_id}", now)
    if study.kind == "mine":
        return redirect(url_for("rules.proposals"))
    return _progress_page(study_id)


@pages.get("/rules/proposals")
def proposals() -> str:
    """Ways of saying things that preceded tags and moves by hand, each ready to become a rule."""
    refuse_unless(ADMIN, AUDITOR)
    with current_system().store.read() as session:
        study = newest_study(session, "mine")
    found: list[dict[str, Any]] = study.result.get("proposals", []) if study else []
    if found:
        with current_system().store.write() as session:
            viewed(session, visitor().actor, None, "proposals", clock.now())
    template = "proposals_part.html" if request.headers.get("HX-Request") else "proposals.html"
    return render_template(template, study=study, proposals=found, open=study is not None and study.state in OPEN)


@pages.post("/rules/proposals")
def find_proposals() -> Response:
    """Begin a search for proposals, unless one is under way."""
    refuse_unless(ADMIN)
    with current_system().work() as work:
        study = newest_study(work.session, "mine")
        if study is None or study.state not in OPEN:
            study = ask_mining(work, visitor().actor)
            record(work.session, visitor().actor, "rules.mine", f"study:{study.id}", work.now)
    return redirect(url_for("rules.proposals"))


def _progress_page(study_id: int) -> str:
    system = current_system()
    with system.store.read() as session:
        study = session.get(Study, study_id)
        if study is None or study.kind != "backtest":
            abort(404)
        found = outcome_of(study.result) or Backtest(0, 0, ())
        people = _people(session, found)
    if study.state not in OPEN and people:
        with system.store.write() as session:
            for customer_id, _ in people.values():
                viewed(session, visitor().actor, customer_id, "backtest", clock.now())
    return render_template(
        "backtest.html",
        study=study,
        found=found,
        changed=[one for one in found.tags if one.gained or one.lost],
        people=people,
        open=study.state in OPEN,
        share=min(100, round(100 * study.piece / len(study.plan))) if study.plan else 0,
    )


def _people(session: Session, found: Backtest) -> dict[str, tuple[int, str]]:
    """(id, name) of the customers whose words are shown, by external_userid."""
    shown = [change.customer for tag in found.tags for change in (*tag.gains[:5], *tag.losses[:5])]
    rows = session.execute(
        select(Customer.external_userid, Customer.id, Customer.name).where(Customer.external_userid.in_(shown))
    )
    return {external: (customer_id, name) for external, customer_id, name in rows}
