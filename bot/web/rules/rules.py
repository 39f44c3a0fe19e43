"""The rules' pages: the table with what each did lately, and each rule's hits, to be marked right or wrong."""

from __future__ import annotations

import time

from flask import Blueprint, abort, current_app, render_template, request
from sqlalchemy.orm import Session

from bot.analytics.rule_stats import Hits, RuleFigures, hit_counts, with_feedback
from bot.platform import clock
from bot.platform.config.parsing import ConfigError
from bot.platform.config.rule_text import UnknownRuleError, find_rule
from bot.platform.config.tag_names import declared_tags, undeclared_tag
from bot.platform.database.reading_log import viewed
from bot.web.auth.access import needs
from bot.web.auth.visitor import ADMIN, AUDITOR, LEADER, visitor
from bot.web.layout.requests import current_system, row_id
from bot.web.rules.precision import measured
from bot.web.rules.rule_rows import read_hits, rule_rows

_KEPT, _KEPT_SECONDS = "tici-rule-hits", 60.0

pages = Blueprint("rules", __name__)
pages.before_request(needs(ADMIN, LEADER, AUDITOR))


@pages.get("/rules")
def show() -> str:
    """All rules; `?q=` looks for words, `?tag=` for a tag."""
    system = current_system()
    settings = system.settings
    asked, tag = request.args.get("q", "")[:64], request.args.get("tag", "")[:30]
    with system.store.read() as session:
        figures = with_feedback(session, _hits(session))
    rows = rule_rows(settings, figures, asked, tag)
    return render_template(
        "rules.html",
        rows=rows,
        asked=asked,
        tag=tag,
        tags=sorted({rule.tag for rule in settings.tables.rules if rule.tag}),
        total=len(settings.tables.rules),
        version=settings.version,
        problems=list(system.keeper.problems),
        warnings=settings.warnings,
    )


@pages.get("/rules/r/<rule_id>")
def rule(rule_id: str) -> str:
    """One rule: how it stands in the file, and its hits. Reading them is noted as reading a conversation."""
    system, who, now = current_system(), visitor(), clock.now()
    settings = system.settings
    found = next((one for one in settings.tables.rules if one.id == rule_id), None)
    declared = declared_tags(settings.tables.tags, settings.pipelines)
    before = request.args.get("before", type=row_id)
    with system.store.read() as session:
        figures = with_feedback(session, _hits(session)).get(rule_id)
        if found is None and figures is None:
            abort(404)
        hits, more = read_hits(session, who, rule_id, before)
    if hits:
        with system.store.write() as session:
            for customer_id in sorted({hit.customer_id for hit in hits}):
                viewed(session, who.actor, customer_id, "rule", now)
    if before is not None:
        return render_template("rule_hits.html", rule_id=rule_id, hits=hits, more=more)
    return render_template(
        "rule.html",
        rule_id=rule_id,
        rule=found,
        source=_source(settings.source, rule_id),
        figures=figures or RuleFigures(),
        judged=measured(figures.right, figures.wrong) if figures else "",
        hits=hits,
        more=more,
        saved="saved" in request.args,
        problem=request.args.get("problem", "")[:300],
        tag_warning=undeclared_tag(found.tag, declared) if found else "",
    )


def _hits(session: Session) -> Hits:
    """The counts of hits, cached for a minute: counting reads every hit there ever was."""
    kept: list[tuple[float, Hits]] = current_app.extensions.setdefault(_KEPT, [])
    if not kept or time.monotonic() - kept[-1][0] > _KEPT_SECONDS:
        kept[:] = [(time.monotonic(), hit_counts(session, clock.now()))]
    return kept[-1][1]


def _source(text: str, rule_id: str) -> str:
    try:
        block = find_rule(text, rule_id)
    except (UnknownRuleError, ConfigError):
        return ""
    return text.encode()[block.start : block.end].decode().rstrip("\n")
