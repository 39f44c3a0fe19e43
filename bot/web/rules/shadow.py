"""What is only tried: starts of SOPs judged one by one, 对 or 不对, and rules and SOPs let do their work."""

from __future__ import annotations

from flask import abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from bot.analytics.rule_stats import RuleFigures, with_feedback
from bot.platform import clock
from bot.platform.config.file import read_config_text
from bot.platform.config.rule_text import UnknownRuleError, change_rule, find_rule, promote_sop
from bot.platform.database import audit_log
from bot.platform.models import ShadowStart
from bot.sops.shadow import keep_word, said_of
from bot.web.auth.access import customer_or_404, refuse_unless
from bot.web.auth.visitor import ADMIN, WORKING, visitor
from bot.web.layout.languages import translate
from bot.web.layout.requests import LARGEST_ID, current_system, row_id
from bot.web.rules.config_saving import Draft, sure_of, try_to_save
from bot.web.rules.precision import measured
from bot.web.rules.rules import pages as rule_pages
from bot.web.rules.sops import pages, rewritten, sop_or_404, starts_shown
from taggers.translatable import chained

_WORDS = {"right": True, "wrong": False, "": None}


@pages.get("/sops/s/<sop_id>/tried")
def tried(sop_id: str) -> str:
    """The next page of the starts that were noted."""
    sop = sop_or_404(current_system(), sop_id)
    starts, more = starts_shown(sop, request.args.get("before", type=row_id))
    return render_template("shadow_starts.html", sop=sop, starts=starts, more_starts=more)


@pages.post(f"/sops/s/<sop_id>/tried/<int(max={LARGEST_ID}):start_id>")
def judge(sop_id: str, start_id: int) -> str:
    """Keep what `word` (right | wrong | nothing, which takes it back) says of a start; answers with the buttons."""
    refuse_unless(*WORKING)
    word, actor = request.form.get("word", "?"), visitor().actor
    if word not in _WORDS:
        abort(400)
    with current_system().work(clock.now()) as work:
        start = work.session.get(ShadowStart, start_id)
        if start is None or start.sop_id != sop_id:
            abort(404)
        customer_or_404(work.session, start.customer_id)
        keep_word(work, start, actor, _WORDS[word])
        about = {"word": word or "nothing", "sop": sop_id}
        audit_log.record(work.session, actor, "shadow.judge", f"start:{start_id}", work.now, **about)
    return render_template("shadow_word.html", sop_id=sop_id, start_id=start_id, said=_WORDS[word])


@pages.post("/sops/s/<sop_id>/promote")
def promote(sop_id: str) -> Response:
    """Let an SOP that was only tried prompt: its `shadow` is taken out of the file, its precision goes into the
    history."""
    refuse_unless(ADMIN)
    system = current_system()
    table = sop_or_404(system, sop_id)
    with system.store.read() as session:
        judged = measured(*said_of(session, sop_id))
    what = f"启用跟进「{table.title or sop_id}」（{judged}）"
    return rewritten(system, sop_id, what, lambda text: promote_sop(text, sop_id))


@rule_pages.post("/rules/r/<rule_id>/promote")
def promote_rule(rule_id: str) -> Response:
    """The same for a rule."""
    refuse_unless(ADMIN)
    system = current_system()
    file = read_config_text(system.environment.config)
    try:
        values = find_rule(file.text, rule_id).values
        text = change_rule(file.text, rule_id, {key: value for key, value in values.items() if key != "shadow"})
    except UnknownRuleError:
        abort(404)
    with system.store.read() as session:
        figures = with_feedback(session, {}).get(rule_id, RuleFigures())
    what = f"启用规则 {rule_id[:64]}（{measured(figures.right, figures.wrong)}）"
    attempt = try_to_save(system, Draft(text, file.stamp, what, sure_of(text)))
    problem = translate(attempt.reason or chained(map(str, attempt.problems[:3])))
    if attempt.saved is None and not problem:
        problem = translate("配置文件刚被改过，请再点一次")
    return redirect(url_for("rules.rule", rule_id=rule_id, saved=None if problem else 1, problem=problem or None))
