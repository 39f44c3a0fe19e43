"""Editing one rule: a form over its table in config.toml, tried as one types, saved into the file itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from flask import abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from bot.analytics.draft_preview import explain_typed
from bot.platform.config.file import ConfigText, check_text, read_config_text
from bot.platform.config.parsing import ConfigError
from bot.platform.config.rule_text import (
    UnknownRuleError,
    add_rule,
    change_rule,
    find_rule,
    remove_rule,
    rule_blocks,
)
from bot.platform.config.settings import Settings, parse_settings
from bot.platform.config.tag_names import declared_tags, nearest_tag, undeclared_tag
from bot.platform.config.toml_tables import Values
from bot.platform.database.reading_log import viewed
from bot.platform.masking import mask
from bot.platform.models import Evidence, Message, Study
from bot.system import System
from bot.web.auth.access import refuse_unless
from bot.web.auth.visitor import ADMIN, visitor
from bot.web.layout.languages import translate
from bot.web.layout.requests import current_system, row_id
from bot.web.layout.template_filters import request_now
from bot.web.rules.config_saving import Attempt, Draft, compare_with_force, try_to_save, write_notice
from bot.web.rules.places import placed
from bot.web.rules.rule_form import (
    FIELDS,
    GROUPS,
    by_field,
    first_wrong,
    is_used,
    pasted_apart,
    read_form,
    shown,
    with_fields,
)
from bot.web.rules.rule_id import id_from
from bot.web.rules.rules import pages

_SENTENCE = 500
Answer = str | tuple[str, int] | Response


@dataclass(frozen=True)
class RuleEdit:
    """A form's edit: the rule's id before (empty: a new one), its values now, the whole config with them."""

    was: str
    values: Values
    text: str
    file: ConfigText
    lost: bool = False
    apart: Mapping[str, list[str]] = field(default_factory=dict)  # fields pasted as one line, split into words

    @property
    def index(self) -> int:
        """The place of the rule among all."""
        ids = [block.id for block in rule_blocks(self.text)]
        wanted = str(self.values.get("id", ""))
        return ids.index(wanted) if wanted in ids else len(ids) - 1


def _edited(system: System) -> RuleEdit:
    """Put the form's rule into the file as it is now. A rule that is gone is added as a new one (`lost`)."""
    file = read_config_text(system.environment.config)
    was = request.form.get("was", "")[:64]
    try:
        old = find_rule(file.text, was).values if was else {}
    except UnknownRuleError:
        values, apart = _read_words({}, file.text)
        return RuleEdit("", values, add_rule(file.text, values), file, lost=True, apart=apart)
    values, apart = _read_words(old, file.text)
    text = change_rule(file.text, was, values) if was else add_rule(file.text, values)
    return RuleEdit(was, values, text, file, apart=apart)


def _read_words(old: Values, text: str) -> tuple[Values, dict[str, list[str]]]:
    """The form's values, split where the visitor said so, and what could still be split; a new rule gets an id."""
    values = read_form(request.form, old)
    apart = pasted_apart(values, old)
    if apart and request.form.get("split") == "yes":
        values, apart = with_fields(values, apart), {}
    elif request.form.get("split") == "no":
        apart = {}
    called = values.get("tag") or values.get("title")
    if not old and not values.get("id") and called:
        values = {"id": id_from(str(called), {block.id for block in rule_blocks(text)}), **values}
    return values, apart


@pages.get("/rules/new")
def new() -> Answer:
    """An empty form, or one filled in with a proposal (`?study=`, `?number=`)."""
    refuse_unless(ADMIN)
    system = current_system()
    return _form("", _proposed(system), Attempt(read_config_text(system.environment.config).stamp))


@pages.get("/rules/r/<rule_id>/edit")
def edit(rule_id: str) -> Answer:
    """The form of a rule as it stands in the file now, which may be newer than what is in force.

    `?miss=`: a hit that was wrong, whose sentence becomes an example that the rule must not hit. The file is refused
    as long as it still does.
    """
    refuse_unless(ADMIN)
    file = read_config_text(current_system().environment.config)
    try:
        block = find_rule(file.text, rule_id)
    except UnknownRuleError:
        abort(404)
    return _form(rule_id, _with_miss(block.values), Attempt(file.stamp))


@pages.post("/rules/save")
def save() -> Answer:
    """Save the form's rule: the new page of the rule, or the form again with what is in the way."""
    refuse_unless(ADMIN)
    system = current_system()
    edited = _edited(system)
    rule_id = str(edited.values.get("id", ""))
    what = f"{'改' if edited.was else '加'}规则 {rule_id[:64]}"
    if edited.apart:
        return _form(edited.was, edited.values, Attempt(request.form.get("stamp", "")), edited), 409
    draft = Draft(edited.text, request.form.get("stamp", ""), what, request.form.get("sure", ""))
    attempt = try_to_save(system, draft)
    if attempt.saved is not None:
        return redirect(url_for("rules.rule", rule_id=rule_id, saved=1))
    page = _form(edited.was, edited.values, attempt, edited)
    return page, attempt.status


@pages.post("/rules/r/<rule_id>/delete")
def delete(rule_id: str) -> Answer:
    """Take a rule out of the file; tags it gave and their evidence stay."""
    refuse_unless(ADMIN)
    system = current_system()
    file = read_config_text(system.environment.config)
    try:
        values, text = find_rule(file.text, rule_id).values, remove_rule(file.text, rule_id)
    except UnknownRuleError:
        abort(404)
    draft = Draft(text, request.form.get("stamp", ""), f"删规则 {rule_id}", request.form.get("sure", ""))
    attempt = try_to_save(system, draft)
    if attempt.saved is not None:
        return redirect(url_for("rules.show", deleted=rule_id))
    return _form(rule_id, values, attempt, deleting=True), attempt.status


@pages.post("/rules/try")
def try_sentence() -> str:
    """What the form's rule, among the others, makes of a typed sentence."""
    refuse_unless(ADMIN)
    system = current_system()
    sentence = request.form.get("sentence", "")[:_SENTENCE]
    if not sentence.strip():
        return render_template("rule_tried.html", sentence="")
    edited = _edited(system)
    try:
        settings = parse_settings(edited.text, examples=False)
    except ConfigError as error:
        return render_template("rule_tried.html", sentence=sentence, problems=placed(error.problems[:5], edited.text))
    rule_id = str(edited.values.get("id", ""))
    sender = "agent" if request.form.get("speaker") == "agent" else "customer"
    found = explain_typed(settings.book, sentence, "agent" if sender == "agent" else "customer", rule_id)
    mine = [one for one in found if one.rule_id == rule_id]
    others = [one for one in found if one.rule_id != rule_id]
    return render_template("rule_tried.html", sentence=sentence, mine=mine, others=others, rule_id=rule_id)


@pages.post("/rules/tag-word")
def tag_word() -> str:
    """What to say of the tag typed into the form: nothing where it is declared."""
    refuse_unless(ADMIN)
    tag, declared = request.form.get("tag", "").strip()[:64], _declared()
    said = undeclared_tag(tag, declared) if tag else ""
    return render_template("rule_tag_word.html", said=said, near=nearest_tag(tag, declared) if said else "")


def _declared() -> list[str]:
    """The tags and stages of the config in force; none where no config is in force."""
    try:
        tables = current_system().settings.tables
    except ConfigError:
        return []
    return declared_tags(tables.tags, tables.pipelines)


@pages.post("/rules/recent")
def try_recent() -> str:
    """What the draft (a rule's form, or a whole text) changes on the last messages."""
    refuse_unless(ADMIN)
    system = current_system()
    try:
        fresh = _checked(system)
    except ConfigError as error:
        return render_template("rule_recent.html", problems=placed(error.problems[:20], draft_text(system)))
    comparison = compare_with_force(system, fresh)
    return render_template("rule_recent.html", comparison=comparison)


def draft_text(system: System) -> str:
    """The whole config that a request proposes: by `text`, or by the form of a rule."""
    if "text" in request.form:
        return request.form["text"].replace("\r\n", "\n")
    return _edited(system).text


def _checked(system: System) -> Settings:
    return check_text(system.environment.config, draft_text(system), request_now())


def _proposed(system: System) -> Values:
    study_id, number = request.args.get("study", type=row_id), request.args.get("number", 0, type=int)
    if study_id is None:
        return {"tag": request.args.get("tag", "")[:30]} if request.args.get("tag") else {}
    with system.store.read() as session:
        study = session.get(Study, study_id)
    proposals = study.result.get("proposals", []) if study else []
    if not 0 <= number < len(proposals):
        abort(404)
    one = proposals[number]
    known = {block.id for block in rule_blocks(read_config_text(system.environment.config).text)}
    serial = next(n for n in range(1, 10_000) if f"mined-{n}" not in known)
    match = {"match": one["match"]} if one["match"] != "word" else {}
    examples = {"hit": one["hit"], "miss": one["miss"]}
    return {"id": f"mined-{serial}", "tag": one["tag"], "any": [one["phrase"]], **match, "examples": examples}


def _with_miss(values: Values) -> Values:
    """The rule with the sentence of `?miss=` among the examples that it must not hit, numbers of people masked."""
    evidence_id = request.args.get("miss", type=row_id)
    if evidence_id is None:
        return values
    with current_system().store.write() as session:
        evidence = session.get(Evidence, evidence_id)
        message = session.get(Message, evidence.message_id) if evidence is not None and evidence.message_id else None
        if message is None:
            abort(404)
        viewed(session, visitor().actor, message.customer_id, "rule", request_now())
    examples = dict(values.get("examples", {}))
    sentence = " ".join(mask(message.text).split())[:_SENTENCE]
    missed = list(examples.get("miss", []))
    return {**values, "examples": {**examples, "miss": missed if sentence in missed else [*missed, sentence]}}


def _form(
    was: str, values: Values, attempt: Attempt, edited: RuleEdit | None = None, *, deleting: bool = False
) -> str:
    system = current_system()
    wrong, elsewhere = by_field(attempt.problems, edited.index if edited else -2)
    source = edited.text if edited else ""
    return render_template(
        "rule_edit.html",
        labels={one.name: one.label for one in FIELDS},
        apart=edited.apart if edited else {},
        split=request.form.get("split", ""),
        declared=_declared(),
        first=first_wrong(wrong),
        was=was,
        values=values,
        groups=[(group, is_used(group, values)) for group in GROUPS],
        shown=shown,
        attempt=attempt,
        wrong=wrong,
        elsewhere=placed(elsewhere, source),
        notice=write_notice(system),
        lost=edited.lost if edited else False,
        deleting=deleting,
        title=was or translate("新规则"),
    )
