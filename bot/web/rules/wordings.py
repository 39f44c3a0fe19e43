"""The wording library: what may be said to customers, what became of it, and how agents put it better."""

from __future__ import annotations

from flask import Blueprint, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from bot.agents.answer_upkeep import upkeep_of
from bot.agents.wording_edits import edits_of
from bot.platform.config.file import read_config_text
from bot.platform.config.parsing import ConfigError
from bot.platform.config.rule_text import UnknownRuleError
from bot.platform.config.wording_text import put_wording
from bot.platform.config.wordings import KINDS, Wording
from bot.system import System
from bot.web.auth.access import needs, refuse_unless
from bot.web.auth.visitor import ADMIN, AUDITOR, LEADER, ROLES, visitor
from bot.web.layout.languages import translate
from bot.web.layout.requests import current_system
from bot.web.layout.template_filters import request_now
from bot.web.rules.config_saving import Draft, sure_of, try_to_save, write_notice
from bot.web.rules.wording_rows import MOST, STATES, LibraryFilter, choices, library_rows, versions_of
from sop.completion import bare
from sop.wording_use import LEAST
from taggers.translatable import chained

_LONGEST = 80
_ASKED = ("q", "kind", "category", "state", "for")  # in the order of LibraryFilter

pages = Blueprint("wordings", __name__, url_prefix="/wordings")
pages.before_request(needs(*ROLES))


@pages.get("")
def show() -> str:
    """The company's wordings with their figures; `q` finds words, like words and first letters of pinyin."""
    system = current_system()
    wanted = LibraryFilter(*(request.args.get(name, "")[:_LONGEST] for name in _ASKED))
    with system.look(request_now()) as work:
        rows = library_rows(work, wanted)
    categories, whom = choices(system.settings)
    return render_template(
        "wordings.html", rows=rows[:MOST], total=len(rows), wanted=wanted, kinds=KINDS, states=STATES,
        categories=categories, whom=whom, least=LEAST,
    )  # fmt: skip


@pages.get("/w/<key>")
def one(key: str) -> str:
    """One wording: its texts with their figures and, for who may change it or leads, agents' edits."""
    system = current_system()
    wording = _wording(system, key)
    with system.look(request_now()) as work:
        versions = versions_of(work, wording, edits=visitor().role in (ADMIN, LEADER))
    return render_template(
        "wording.html", wording=wording, versions=versions, kinds=KINDS, least=LEAST,
        in_force=wording.in_force(system.settings.calendar.local(request_now()).date()),
        notice=write_notice(system) if visitor().role == ADMIN else "", problem=request.args.get("problem", "")[:200],
    )  # fmt: skip


@pages.get("/gaps")
def gaps() -> str:
    """What customers ask that no answer fits, and answers that our people contradict since."""
    refuse_unless(ADMIN, LEADER, AUDITOR)
    with current_system().look(request_now()) as work:
        return render_template("wording_gaps.html", upkeep=upkeep_of(work))


@pages.post("/take")
def take() -> Response:
    """Take an edit over into config.toml in the place of the text it was made from; both named by their letters."""
    refuse_unless(ADMIN)
    system = current_system()
    wording = _wording(system, request.form.get("key", ""))
    old = next((text for text in wording.texts if bare(text) == request.form.get("text", "")), None)
    with system.look(request_now()) as work:
        edits = edits_of(work.session, work.settings, wording, old, work.now).clusters if old is not None else []
    new = next((one.text for one in edits if bare(one.text) == request.form.get("edit", "")), None)
    if old is None or new is None:
        return _back(wording, translate("这句话刚被改过，请看最新的再决定"))
    return _back(wording, _put(system, wording, old, new))


def _put(system: System, wording: Wording, old: str, new: str) -> str:
    """Why the new text did not come into force, in words; empty where it did."""
    try:
        file = read_config_text(system.environment.config)
        text = put_wording(file.text, wording, old, new)
    except (UnknownRuleError, ConfigError) as why:
        return translate(str(why))
    what = f"改话术「{wording.title[:40]}」，采用员工的说法"
    attempt = try_to_save(system, Draft(text, file.stamp, what, sure_of(text)))
    problem = translate(attempt.reason or chained(map(str, attempt.problems[:3])))
    return problem or ("" if attempt.saved is not None else translate("配置文件刚被改过，请再点一次"))


def _back(wording: Wording, problem: str) -> Response:
    return redirect(
        url_for("wordings.one", key=wording.key, saved=None if problem else 1, problem=problem[:200] or None)
    )


def _wording(system: System, key: str) -> Wording:
    found = system.settings.wordings.get(key)
    if found is None:
        abort(404)
    return found
