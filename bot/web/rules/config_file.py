"""config.toml as text: edited with line marks, its versions compared, an old one brought back."""

from __future__ import annotations

from flask import abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from bot.platform import clock
from bot.platform.config.file import check_text, plain, read_config_text
from bot.platform.config.parsing import ConfigError
from bot.platform.config.versions import changes_before, compare, version_text
from bot.platform.models import ConfigChange
from bot.system import System
from bot.web.auth.access import refuse_unless
from bot.web.auth.visitor import ADMIN, AUDITOR
from bot.web.layout.languages import translate
from bot.web.layout.requests import LARGEST_ID, current_system, row_id
from bot.web.rules.config_saving import Attempt, Draft, file_problems, try_to_save, write_notice
from bot.web.rules.places import TABLES
from bot.web.rules.rules import pages

LARGEST_TEXT = 900 * 1024  # a form of ours carries no more; larger files are edited on the server
_CHANGES = 30  # on one page of the history
Answer = str | tuple[str, int] | Response


@pages.get("/rules/file")
def file() -> Answer:
    """The whole file to look at and to edit, what is wrong with it marked by line."""
    refuse_unless(ADMIN, AUDITOR)
    system = current_system()
    try:
        current = read_config_text(system.environment.config)
    except ConfigError as error:
        return _page(system, "", Attempt("", problems=error.problems), editable=False), 200
    attempt = Attempt(current.stamp, problems=file_problems(system))
    return _page(system, current.text, attempt, saved="saved" in request.args)


@pages.post("/rules/file/check")
def check() -> str:
    """What is wrong with the text as it is in the editor."""
    refuse_unless(ADMIN)
    try:
        check_text(current_system().environment.config, _text(), clock.now())
    except ConfigError as error:
        return render_template("config_problems.html", problems=error.problems)
    return render_template("config_problems.html", problems=[])


@pages.post("/rules/file")
def save_file() -> Answer:
    """Save the text, or show it again with what is in the way."""
    refuse_unless(ADMIN)
    system, text = current_system(), _text()
    draft = Draft(text, request.form.get("stamp", ""), "改整份文件", request.form.get("sure", ""), whole=True)
    attempt = try_to_save(system, draft)
    if attempt.saved is not None:
        return redirect(url_for("rules.file", saved=1))
    return _page(system, text, attempt), attempt.status


def version_in_force(system: System) -> str:
    """The version that is in force; empty while no config was ever good."""
    try:
        return system.settings.version
    except ConfigError:
        return ""


@pages.get("/rules/history")
def history() -> str:
    """Every version that came into force: when, by whom."""
    refuse_unless(ADMIN, AUDITOR)
    system = current_system()
    before = request.args.get("before", type=row_id)
    with system.store.read() as session:
        found = changes_before(session, before, _CHANGES + 1)
    more = found[_CHANGES - 1].id if len(found) > _CHANGES else None
    return render_template(
        "config_history.html", changes=found[:_CHANGES], more=more, version=version_in_force(system)
    )


@pages.get(f"/rules/history/<int(max={LARGEST_ID}):change_id>")
def change(change_id: int) -> Answer:
    """What one change changed, and its whole text."""
    refuse_unless(ADMIN, AUDITOR)
    return _change(current_system(), change_id, None)


@pages.post(f"/rules/history/<int(max={LARGEST_ID}):change_id>/restore")
def restore(change_id: int) -> Answer:
    """Bring that version's text back as the newest one; it has to be good by today's measure."""
    refuse_unless(ADMIN)
    system = current_system()
    with system.store.read() as session:
        row = session.get(ConfigChange, change_id)
        text = version_text(session, row.version) if row else None
    if row is None or text is None:
        abort(404)
    what = f"恢复到版本 {row.version}"
    sure = request.form.get("sure", "")
    attempt = try_to_save(system, Draft(text, request.form.get("stamp", ""), what, sure, whole=True))
    if attempt.saved is not None:
        return redirect(url_for("rules.history"))
    page = _change(system, change_id, attempt)
    return page, attempt.status


def _text() -> str:
    text = request.form.get("text")
    if text is None:
        abort(400)
    return plain(text)


def _change(system: System, change_id: int, attempt: Attempt | None) -> str:
    current = read_config_text(system.environment.config)
    with system.store.read() as session:
        row = session.get(ConfigChange, change_id)
        text = version_text(session, row.version) if row else None
        if row is None or text is None:
            abort(404)
        earlier = session.get(ConfigChange, row.follows) if row.follows else None
        before = version_text(session, earlier.version) if earlier else ""
    return render_template(
        "config_change.html",
        change=row,
        first=earlier is None,
        diff=compare(before or "", text),
        same=current.text == text,
        undo=compare(current.text, text),
        attempt=attempt or Attempt(current.stamp),
    )


def _page(system: System, text: str, attempt: Attempt, *, editable: bool = True, saved: bool = False) -> str:
    return render_template(
        "config_file.html",
        text=text,
        attempt=attempt,
        name=system.environment.config.name,
        names={table: translate(words) for table, words in TABLES.items()},
        notice=write_notice(system),
        editable=editable and len(text.encode()) <= LARGEST_TEXT,
        saved=saved,
        bad_lines={problem.line for problem in attempt.problems},
    )
