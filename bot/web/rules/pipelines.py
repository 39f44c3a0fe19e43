"""The stages of each pipeline, how many customers stand there, and a form that writes them into config.toml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, abort, redirect, render_template, request, url_for
from sqlalchemy import func, select
from werkzeug.wrappers import Response

from bot.customers.stage_renaming import under_way
from bot.platform.config.file import ConfigText, read_config_text
from bot.platform.config.parsing import ConfigError
from bot.platform.config.pipeline_text import change_pipeline, find_pipeline, pipeline_blocks
from bot.platform.config.rule_text import UnknownRuleError
from bot.platform.config.tag_names import declared_tags
from bot.platform.config.toml_tables import Values
from bot.platform.models import Placement
from bot.system import System
from bot.web.auth.access import needs
from bot.web.auth.visitor import ADMIN
from bot.web.layout.languages import language, translate
from bot.web.layout.requests import current_system, row_id
from bot.web.rules.config_saving import Attempt, Draft, try_to_save, write_notice
from bot.web.rules.form_values import show_length
from bot.web.rules.pipeline_acts import act
from bot.web.rules.pipeline_form import KINDS, first_wrong, problems_by_field, read_pipeline, settled, show_entry
from bot.web.rules.places import placed
from sop.fields import known_fields
from sop.triggers import EVENTS
from taggers.translatable import Translatable

Answer = str | tuple[str, int] | Response
_MOST = 1000  # pipelines a number in an address can mean
_LONGEST = 30  # characters of a stage's name

pages = Blueprint("pipelines", __name__)
pages.before_request(needs(ADMIN))


@dataclass(frozen=True)
class PipelineEdit:
    """A form's edit: the pipeline's values now, the whole config with them, and the names of stages taken out.

    special: why it cannot be put into the file: its way of writing, or another took the pipeline out meanwhile.
    """

    values: Values
    text: str
    file: ConfigText
    gone: frozenset[str] = frozenset()
    special: str = ""

    @property
    def name(self) -> str:
        return str(self.values["name"])

    @property
    def index(self) -> int:
        """The place of the pipeline among all."""
        names = [block.name for block in pipeline_blocks(self.text)]
        return names.index(self.name) if self.name in names else -2


@pages.get("/pipelines")
def show() -> str:
    """Every pipeline as the file has it now, its stages in order and how many customers stand in each."""
    system = current_system()
    blocks = pipeline_blocks(read_config_text(system.environment.config).text)
    rows = [(block.values, _standing(system, block.name)) for block in blocks]
    with system.store.read() as session:
        renaming = under_way(session)
    return render_template(
        "pipelines.html",
        rows=rows,
        kinds=KINDS,
        show_entry=show_entry,
        events=EVENTS,
        renaming=renaming,
        customers=request.args.get("customers", type=row_id) or 0,
    )


@pages.get(f"/pipelines/<int(max={_MOST}):number>/edit")
def edit(number: int) -> str:
    """The form of the pipeline at this place of the file (from 1); what is sent back goes by its name."""
    system = current_system()
    file = read_config_text(system.environment.config)
    blocks = pipeline_blocks(file.text)
    if not 0 < number <= len(blocks):
        abort(404)
    return _form(system, PipelineEdit(blocks[number - 1].values, file.text, file), Attempt(file.stamp))


@pages.post("/pipelines/save")
def save() -> Answer:
    """Save the form's pipeline: the list of all, or the form again with what is in the way."""
    system = current_system()
    edited = _edited(system)
    stamp = request.form.get("stamp", "")
    refused = edited.special or _still_standing(system, edited)
    if refused:
        attempt = Attempt(stamp, reason=refused, status=422)
    else:
        what = f"改流程「{edited.name}」的阶段"
        attempt = try_to_save(system, Draft(edited.text, stamp, what, request.form.get("sure", "")))
    if attempt.saved is not None:
        return redirect(url_for("pipelines.show", saved=1))
    return _form(system, edited, attempt), attempt.status


@pages.post("/pipelines/draft")
def draft() -> str:
    """The fields again after a button was pressed (`do`); nothing is saved."""
    system = current_system()
    values, focus = act(read_pipeline(request.form), request.form.get("do", "").split(":"))
    context = _context(system, values, request.form.getlist("known"))
    return render_template("pipeline_body.html", **context, focus=focus, said=_said(values, focus))


def _said(values: Values, focus: str) -> str:
    """What a screen reader says of a stage's new place."""
    which, _, number = focus.partition(":")
    if which not in ("up", "down") or not number:
        return ""
    return translate("现在是第 {n} 个，共 {m} 个阶段", n=int(number) + 1, m=len(values["stages"]))


def _edited(system: System) -> PipelineEdit:
    """Put the form's pipeline into the file as it is now."""
    file = read_config_text(system.environment.config)
    values = read_pipeline(request.form)
    gone = frozenset(request.form.getlist("known")) - {stage["name"] for stage in values["stages"]}
    try:
        values = settled(values, find_pipeline(file.text, values["name"]).values, gone)
        return PipelineEdit(values, change_pipeline(file.text, values["name"], values), file, gone)
    except UnknownRuleError as special:
        return PipelineEdit(values, file.text, file, special=str(special))


def _still_standing(system: System, edited: PipelineEdit) -> str:
    """Why a stage cannot be taken out; empty where nobody stands in any that is."""
    there = _standing(system, edited.name) if edited.gone else {}
    for stage in sorted(edited.gone):
        if there.get(stage):
            return Translatable(
                "「{stage}」里还有 {n} 位客户，先把他们移到别的阶段，再去掉它", stage=stage, n=there[stage]
            )
    return ""


def _standing(system: System, pipeline: str) -> dict[str, int]:
    """How many customers stand in each stage of a pipeline."""
    query = select(Placement.stage, func.count()).where(Placement.pipeline == pipeline).group_by(Placement.stage)
    with system.store.read() as session:
        return dict(session.execute(query).all())


def _form(system: System, edited: PipelineEdit, attempt: Attempt) -> str:
    wrong, elsewhere = problems_by_field(attempt.problems, edited.index)
    wrong = _in_plain_words(edited.values, wrong)
    known = dict.fromkeys((*request.form.getlist("known"), *_in_file(edited)))
    return render_template(
        "pipeline_edit.html",
        **_context(system, edited.values, list(known), wrong),
        attempt=attempt,
        elsewhere=placed(elsewhere, edited.text),
        notice=write_notice(system),
        focus="",
        said="",
    )


def _in_file(edited: PipelineEdit) -> list[str]:
    """The stages of the pipeline as the file has it now; those that another added meanwhile are no new ones."""
    block = next((one for one in pipeline_blocks(edited.file.text) if one.name == edited.name), None)
    return [str(stage.get("name")) for stage in block.values.get("stages", [])] if block is not None else []


def _in_plain_words(values: Values, wrong: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """The problems with what the file's own words for them do not say to somebody at a form."""
    said = dict(wrong)
    for n, move in enumerate(values.get("moves", [])):
        for name in (f"m{n}.{key}" for key in ("from", "to") if not move.get(key)):
            said |= {name: ["选一个阶段"]} if name in wrong else {}
    names = [stage.get("name", "") for stage in values.get("stages", [])]
    for n, stage in enumerate(values.get("stages", [])):
        untagged = "on" not in stage and names.count(names[n]) == 1 and 0 < len(names[n]) <= _LONGEST
        if untagged and f"{n}.name" in said:
            del said[f"{n}.name"]
            words = Translatable("没有标签「{name}」：先让一条规则打它，或者去掉「带上同名标签」", name=names[n])
            said[f"{n}.on"] = [words, *said.get(f"{n}.on", [])]
    return said


def _context(
    system: System, values: Values, known: list[str], wrong: dict[str, list[str]] | None = None
) -> dict[str, Any]:
    """What the fields need: the values, and all that can be chosen."""
    try:
        tables = system.settings.tables
    except ConfigError:
        tables = None
    fields = known_fields(tables.fields if tables else ())
    values, wrong = {"stages": [], "moves": [], **values}, wrong or {}
    return {
        "values": values,
        "known": known,
        "counts": _standing(system, str(values["name"])),
        "wrong": wrong,
        "first": first_wrong(wrong, values),
        "kinds": KINDS,
        "events": EVENTS,
        "declared": declared_tags(tables.tags, tables.pipelines) if tables else [],
        "fields": [field.title if field.title and language() == "zh" else field.name for field in fields.values()],
        "show_entry": show_entry,
        "show_length": show_length,
    }
