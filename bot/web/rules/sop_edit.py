"""Editing one SOP: a form over its table in config.toml, seen on a phone as one types, saved into the file itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from bot.platform.config.file import ConfigText, read_config_text
from bot.platform.config.parsing import ConfigError
from bot.platform.config.rule_text import UnknownRuleError
from bot.platform.config.settings import Settings, parse_settings
from bot.platform.config.sop_text import add_sop, change_sop, find_sop, sop_blocks
from bot.platform.config.tag_names import declared_tags
from bot.platform.config.toml_tables import Values
from bot.sops.edit_choice import REACHING, Reaching, choose, reaching_of
from bot.sops.edit_reach import Reach, reach_of
from bot.sops.material_library import list_files
from bot.sops.material_uploads import folder_of
from bot.system import System
from bot.web.auth.access import refuse_unless
from bot.web.auth.visitor import ADMIN, visitor
from bot.web.layout.languages import translate
from bot.web.layout.placeholders import NAMES
from bot.web.layout.requests import current_system
from bot.web.layout.template_filters import request_now
from bot.web.rules.config_saving import Attempt, Draft, try_to_save, write_notice
from bot.web.rules.form_values import show_length
from bot.web.rules.places import placed
from bot.web.rules.rule_id import id_from
from bot.web.rules.sop_acts import act
from bot.web.rules.sop_draft import look_at
from bot.web.rules.sop_form import (
    attachment_kinds,
    first_wrong,
    problems_by_field,
    read_sop,
    settled,
    show_time,
)
from bot.web.rules.sop_rows import DAYS
from bot.web.rules.sop_start import KINDS, is_for_groups, show_start, start_missing
from bot.web.rules.sops import pages
from sop.fields import known_fields
from sop.playbook import Sop
from sop.triggers import EVENTS, GROUP_EVENTS

Answer = str | tuple[str, int] | Response
_EMPTY: Values = {"title": "", "stage": "", "steps": [{"after": "0m", "say": [""]}]}


@dataclass(frozen=True)
class SopEdit:
    """A form's edit: the SOP's id before (empty: a new one), its values now, the whole config with them.

    lost: another took the SOP out meanwhile. special: why the file's way of writing it cannot be edited here.
    """

    was: str
    values: Values
    text: str
    file: ConfigText
    lost: bool = False
    special: str = ""

    @property
    def id(self) -> str:
        return str(self.values.get("id", ""))

    @property
    def index(self) -> int:
        """The place of the SOP among all."""
        ids = [block.id for block in sop_blocks(self.text)]
        return ids.index(self.id) if self.id in ids else len(ids) - 1


def _edited(system: System) -> SopEdit:
    """Put the form's SOP into the file as it is now. An SOP that is gone is added as a new one (`lost`)."""
    file = read_config_text(system.environment.config)
    was, values = request.form.get("was", "")[:64], read_sop(request.form)
    try:
        old = find_sop(file.text, was).values if was else {}
    except UnknownRuleError:
        return _added(values, file, lost=True)
    if not was:
        return _added(values, file)
    values = settled({**values, "id": was}, old)
    try:
        return SopEdit(was, values, change_sop(file.text, was, values), file)
    except UnknownRuleError as special:
        return SopEdit(was, values, file.text, file, special=str(special))


def _added(values: Values, file: ConfigText, *, lost: bool = False) -> SopEdit:
    taken = {block.id for block in sop_blocks(file.text)}
    sop_id = values["id"] or id_from(values["title"] or "sop", taken)
    made = settled({**values, "id": sop_id}, {})
    made = {"id": sop_id, **made}
    return SopEdit("", made, add_sop(file.text, made), file, lost=lost)


@pages.get("/sops/new")
def new() -> Answer:
    """An empty form; `?stage=` begins with a stage."""
    refuse_unless(ADMIN)
    system = current_system()
    values = {**_EMPTY, "stage": request.args.get("stage", "")[:30]}
    return _form(system, "", values, Attempt(read_config_text(system.environment.config).stamp))


@pages.get("/sops/<sop_id>/edit")
def edit(sop_id: str) -> Answer:
    """The form of an SOP as it stands in the file now, which may be newer than what is in force."""
    refuse_unless(ADMIN)
    system = current_system()
    file = read_config_text(system.environment.config)
    try:
        block = find_sop(file.text, sop_id)
    except UnknownRuleError:
        abort(404)
    return _form(system, sop_id, block.values, Attempt(file.stamp))


@pages.post("/sops/save")
def save() -> Answer:
    """Save the form's SOP: its page, or the form again with what is in the way."""
    refuse_unless(ADMIN)
    system = current_system()
    edited = _edited(system)
    stamp = request.form.get("stamp", "")
    if edited.special:
        attempt = Attempt(stamp, reason=edited.special, status=422)
    else:
        name = str(edited.values.get("title") or edited.id)[:60]
        what = f"{'改' if edited.was else '加'}跟进「{name}」"
        _choose_reach(system, edited)
        attempt = try_to_save(system, Draft(edited.text, stamp, what, request.form.get("sure", "")))
    if attempt.saved is not None:
        return redirect(url_for("sops.sop", sop_id=edited.id, saved=1))
    return _form(system, edited.was, edited.values, attempt, edited), attempt.status


def _choose_reach(system: System, edited: SopEdit) -> None:
    """Note whom the edit is to reach, before it is in force; a draft that is refused was not meant for anybody."""
    reaching: Reaching = next((one for one in REACHING if one == request.form.get("reach")), "all")
    if not edited.was:
        return
    try:
        fresh = parse_settings(edited.text, examples=False).sops[edited.id]
    except ConfigError:
        return
    with system.store.write() as session:
        choose(session, fresh, reaching, visitor().actor, request_now())


@pages.post("/sops/draft")
def draft() -> str:
    """The fields again after a button was pressed (`do`); nothing is saved."""
    refuse_unless(ADMIN)
    system = current_system()
    values = read_sop(request.form)
    steps, looked_at = act(values["steps"], request.form.get("do", "").split(":"))
    said = translate("现在是第 {n} 步，共 {m} 步", n=looked_at + 1, m=len(steps)) if looked_at is not None else ""
    context = _context(system, request.form.get("was", "")[:64], {**values, "steps": steps})
    return render_template("sop_body.html", **context, focus=looked_at, said=said)


@pages.post("/sops/draft/preview")
def draft_preview() -> str:
    """The draft on the phone, on the calendar, and whom it reaches; or what is still missing."""
    refuse_unless(ADMIN)
    system, now = current_system(), request_now()
    edited = _edited(system)
    try:
        fresh = parse_settings(edited.text, examples=False)
    except ConfigError as error:
        _, others = problems_by_field(error.problems, edited.index)
        problems = placed([one for one in error.problems if one not in others] or others, edited.text)
        return render_template("sop_draft.html", problems=problems[:5], missing=start_missing(edited.values))
    sop = fresh.sops[edited.id]
    shown = {one.id for one in fresh.tables.sops}
    without = [] if "beside" not in request.form else sorted(shown - set(request.form.getlist("beside")))
    view = look_at(fresh, sop, now, without)
    return render_template(
        "sop_draft.html",
        view=view,
        sop=sop,
        without=without,
        reach=_reach(system, edited.was, sop),
        reaching=request.form.get("reach") or _chosen(system, sop),
    )


def _chosen(system: System, sop: Sop) -> str:
    with system.store.read() as session:
        return reaching_of(session, sop)


def _reach(system: System, was: str, sop: Sop) -> Reach | None:
    """Whom the edit reaches; None for a new SOP, and while no config is in force."""
    try:
        old = system.settings.sops.get(was)
    except ConfigError:
        return None
    if old is None:
        return None
    with system.store.read() as session:
        return reach_of(session, old, sop)


def _form(system: System, was: str, values: Values, attempt: Attempt, edited: SopEdit | None = None) -> str:
    wrong, elsewhere = problems_by_field(attempt.problems, edited.index if edited else -2)
    if "start" in wrong and (missing := start_missing(values)):
        wrong["start"] = [missing]
    return render_template(
        "sop_edit.html",
        **_context(system, was, values, wrong),
        attempt=attempt,
        elsewhere=placed(elsewhere, edited.text if edited else ""),
        notice=write_notice(system),
        lost=edited.lost if edited else False,
        heading=str(values.get("title") or was) if was else translate("新跟进"),
        focus=None,
        said="",
    )


def _context(system: System, was: str, values: Values, wrong: dict[str, list[str]] | None = None) -> dict[str, Any]:
    """What the fields need: the values, and all that can be chosen."""
    settings = _in_force(system)
    steps = [{**step, "say": _texts(step), "attach": step.get("attach", [])} for step in values["steps"]]
    wrong = wrong or {}
    tables = settings.tables if settings else None
    groups = is_for_groups(values)
    fields = known_fields(tables.fields if tables else ())
    return {
        "was": was,
        "values": values,
        "steps": steps,
        "wrong": wrong,
        "first": first_wrong(wrong, len(steps)),
        "start": show_start(values),
        "start_kinds": KINDS,
        "events": GROUP_EVENTS if groups else EVENTS,
        "days": DAYS,
        "groups": groups,
        "pipelines": settings.pipelines if settings else (),
        "sops": [sop for sop in (tables.sops if tables else ()) if sop.id != was],
        "dates": [field for field in fields.values() if field.kind == "date"],
        "segments": list(settings.segments.values()) if settings else [],
        "declared": declared_tags(tables.tags, tables.pipelines) if tables else [],
        "files": list_files(folder_of(system), settings) if settings else [],
        "chips": _chips(groups, fields),
        "kinds": attachment_kinds(),
        "show_time": show_time,
        "show_length": show_length,
    }


def _chips(groups: bool, fields: Any) -> list[tuple[str, str]]:
    """The placeholders that may be put into a text: what is inserted, and its name."""
    usual = {name: translate(words) for name, words in NAMES.items()}
    company = ("{company}", usual["company"])
    if groups:
        return [("{group.name}", usual["group.name"]), company]
    facts = [(f"{{customer.{field.name}|}}", field.title or field.name) for field in fields.values()]
    return [
        ("{customer.name|您}", usual["customer.name"]),
        ("{agent.name}", usual["agent.name"]),
        ("{stage}", usual["stage"]),
        company,
        *facts,
    ]


def _texts(step: Values) -> list[str]:
    said = step.get("say", "")
    return [str(text) for text in said] if isinstance(said, list) else [str(said)]


def _in_force(system: System) -> Settings | None:
    try:
        return system.settings
    except ConfigError:
        return None
