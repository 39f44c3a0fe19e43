"""Editing one answer of the knowledge base: a form over its table in config.toml, saved into the file itself."""

from __future__ import annotations

from dataclasses import dataclass

from flask import abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from bot.agents.own_wordings import values_of
from bot.platform.config.file import ConfigText, read_config_text
from bot.platform.config.rule_text import UnknownRuleError
from bot.platform.config.toml_tables import Values
from bot.platform.config.wording_text import add_answer, answer_blocks, change_answer, find_answer
from bot.sops.material_library import list_files
from bot.sops.material_uploads import folder_of
from bot.system import System
from bot.web.auth.access import refuse_unless
from bot.web.auth.visitor import ADMIN
from bot.web.layout.languages import translate
from bot.web.layout.requests import current_system, row_id
from bot.web.rules.answer_form import FIELDS, problems_by_field, read_answer, show_answer
from bot.web.rules.config_saving import Attempt, Draft, try_to_save, write_notice
from bot.web.rules.own_proposals import note_taken, proposed_row
from bot.web.rules.places import placed
from bot.web.rules.rule_id import id_from
from bot.web.rules.wordings import pages

Answer = str | tuple[str, int] | Response


@dataclass(frozen=True)
class AnswerEdit:
    """A form's edit: the answer's id before (empty: a new one), its values now, the whole config with them.

    special: why it cannot be put into the file: its way of writing, or another took the answer out meanwhile.
    """

    was: str
    values: Values
    text: str
    file: ConfigText
    special: str = ""

    @property
    def index(self) -> int:
        """The place of the answer among all."""
        ids = [block.id for block in answer_blocks(self.text)]
        wanted = str(self.values.get("id", ""))
        return ids.index(wanted) if wanted in ids else -2


@pages.get("/answers/new")
def new() -> Answer:
    """An empty form, or one that begins with a question and an answer (`?ask=`, `?say=`) or with what an agent
    proposes (`?own=`)."""
    refuse_unless(ADMIN)
    system = current_system()
    file = read_config_text(system.environment.config)
    values: Values = {"ask": [request.args["ask"][:200]] if request.args.get("ask") else []}
    values |= {"say": request.args.get("say", "")[:2000]}
    with system.store.read() as session:
        if (row := proposed_row(session, request.args.get("own", type=row_id))) is not None:
            values = values_of(row)
    return _form(AnswerEdit("", values, file.text, file))


@pages.get("/answers/<answer_id>/edit")
def edit(answer_id: str) -> Answer:
    """The form of an answer as it stands in the file now, which may be newer than what is in force."""
    refuse_unless(ADMIN)
    file = read_config_text(current_system().environment.config)
    try:
        return _form(AnswerEdit(answer_id, find_answer(file.text, answer_id).values, file.text, file))
    except UnknownRuleError:
        abort(404)


@pages.post("/answers/save")
def save() -> Answer:
    """Save the form's answer: its page, or the form again with what is in the way."""
    refuse_unless(ADMIN)
    system = current_system()
    edited, stamp = _edited(system), request.form.get("stamp", "")
    if edited.special:
        return _form(edited, Attempt(stamp, reason=edited.special)), 409
    title = str(next(iter(edited.values["ask"]), edited.values["id"]))[:40]
    what = f"{'改' if edited.was else '加'}话术「{title}」"
    also = None if edited.was else note_taken(request.form.get("own", type=row_id), str(edited.values["id"]))
    attempt = try_to_save(system, Draft(edited.text, stamp, what, request.form.get("sure", ""), also=also))
    if attempt.saved is not None:
        return redirect(url_for("wordings.one", key=f"answer:{edited.values['id']}", saved=1))
    return _form(edited, attempt), attempt.status


def _edited(system: System) -> AnswerEdit:
    """Put the form's answer into the file as it is now."""
    file = read_config_text(system.environment.config)
    was = request.form.get("was", "")[:64]
    try:
        values = read_answer(request.form, find_answer(file.text, was).values if was else {})
        if was:
            values["id"] = was
            return AnswerEdit(was, values, change_answer(file.text, was, values), file)
    except UnknownRuleError as special:
        return AnswerEdit(was, read_answer(request.form, {}), file.text, file, str(special))
    taken = {block.id for block in answer_blocks(file.text)}
    values["id"] = values.get("id") or id_from(next(iter(values["ask"]), "answer"), taken)
    return AnswerEdit("", values, add_answer(file.text, values), file)


def _form(edited: AnswerEdit, attempt: Attempt | None = None) -> str:
    wrong, elsewhere = problems_by_field(attempt.problems if attempt else (), edited.index)
    return render_template(
        "answer_edit.html", edited=edited, values=edited.values, fields=FIELDS, shown=show_answer, wrong=wrong,
        first=next((field.name for field in FIELDS if field.name in wrong), ""),
        elsewhere=placed(elsewhere, edited.text), attempt=attempt or Attempt(edited.file.stamp),
        files=list_files(folder_of(current_system()), current_system().settings),
        own=request.values.get("own", type=row_id), notice=write_notice(current_system()),
        title=next(iter(edited.values["ask"]), "") or translate("新话术"),
    )  # fmt: skip
