"""Names of stages and pipelines: a stage renamed with all that follows it, and a new pipeline begun."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import abort, redirect, render_template, request, url_for
from sqlalchemy.orm import Session

from bot.customers.stage_renaming import StageName, rename, touched
from bot.platform import clock
from bot.platform.config.file import read_config_text
from bot.platform.config.pipeline_text import add_pipeline, pipeline_blocks
from bot.platform.config.rule_text import UnknownRuleError
from bot.platform.config.settings import Settings
from bot.platform.config.stage_names import RenamedText, rename_stage
from bot.platform.work import Work
from bot.system import System
from bot.web.layout.requests import current_system
from bot.web.rules.config_saving import Attempt, Draft, sure_of, try_to_save, write_notice
from bot.web.rules.form_values import line_of, lines_of
from bot.web.rules.pipelines import Answer, pages
from bot.web.rules.places import placed
from taggers.translatable import Translatable

_MOST_STAGES = 50
_LONGEST = 30
WHERE = {
    "pipelines": "流程自己",
    "rules": "规则",
    "sops": "跟进",
    "waiting": "等回复的提醒",
    "answers": "知识库",
    "segments": "分群",
}
TEXTS = tuple(WHERE.values())
"""Texts that do not stand in a call of translate, for the catalogues."""


@pages.get("/pipelines/rename")
def ask_rename() -> Answer:
    """What renaming a stage would reach, and its new name; without a stage the list, where one is chosen."""
    if "stage" not in request.args:
        return redirect(url_for("pipelines.show"))
    pipeline, stage = request.args.get("pipeline", "")[:60], request.args.get("stage", "")[:60]
    system = current_system()
    file = read_config_text(system.environment.config)
    if not _stands(file.text, pipeline, stage):
        abort(404)
    return _rename_form(system, StageName(pipeline, stage, stage), Attempt(file.stamp))


@pages.post("/pipelines/rename")
def save_rename() -> Answer:
    """Rename: cards, history and config in one transaction; the tag in WeCom some seconds later."""
    system = current_system()
    name = StageName(line_of(request.form, "pipeline"), line_of(request.form, "stage"), line_of(request.form, "name"))
    file, stamp = read_config_text(system.environment.config), request.form.get("stamp", "")
    if not _stands(file.text, name.pipeline, name.old):
        abort(404)
    refused = _why_not(file.text, name)
    try:
        made = RenamedText(file.text, {}) if refused else rename_stage(file.text, name.pipeline, name.old, name.new)
    except UnknownRuleError as special:
        made, refused = RenamedText(file.text, {}), str(special)
    if refused:
        return _rename_form(system, name, Attempt(stamp, reason=refused, status=422)), 422
    what = f"阶段「{name.old}」改名为「{name.new}」"
    done: list[int] = []

    def rows(session: Session, settings: Settings) -> None:
        done.append(rename(Work(session, settings, clock.now()), name))

    attempt = try_to_save(system, Draft(made.text, stamp, what, sure_of(made.text), also=rows))
    if attempt.saved is None:
        return _rename_form(system, name, attempt, made.text), attempt.status
    return redirect(url_for("pipelines.show", renamed=name.new, customers=sum(done)))


@pages.get("/pipelines/new")
def new() -> str:
    """The form of a new pipeline: its name and its stages."""
    system = current_system()
    return _new_form(system, Attempt(read_config_text(system.environment.config).stamp))


@pages.post("/pipelines/new")
def add() -> Answer:
    """Put the new pipeline behind the last one; everything else about it is edited afterwards."""
    system, stamp = current_system(), request.form.get("stamp", "")
    file = read_config_text(system.environment.config)
    name, stages = line_of(request.form, "name"), lines_of(request.form, "stages")[:_MOST_STAGES]
    refused = _why_no_pipeline(file.text, name, stages)
    if refused:
        return _new_form(system, Attempt(stamp, reason=refused, status=422)), 422
    text = add_pipeline(file.text, name, stages)
    attempt = try_to_save(system, Draft(text, stamp, f"加流程「{name}」", sure_of(text)))
    if attempt.saved is None:
        return _new_form(system, attempt, text), attempt.status
    number = [block.name for block in pipeline_blocks(text)].index(name) + 1
    return redirect(url_for("pipelines.edit", number=number))


def _stands(source: str, pipeline: str, stage: str) -> bool:
    found = next((block.values for block in pipeline_blocks(source) if block.name == pipeline), None)
    return found is not None and any(one.get("name") == stage for one in found.get("stages", []))


def _why_not(source: str, name: StageName) -> str:
    if not name.new:
        return Translatable("写上新名字")
    if name.new == name.old:
        return Translatable("新名字和原来的一样")
    if len(name.new) > _LONGEST or "/" in name.new:
        return Translatable("名字最多 {n} 个字，不能有斜杠", n=_LONGEST)
    if _stands(source, name.pipeline, name.new):
        return Translatable("已经有阶段「{name}」了，换一个名字", name=name.new)
    return ""


def _why_no_pipeline(source: str, name: str, stages: list[str]) -> str:
    if not name or not stages:
        return Translatable("写上流程的名字，和至少一个阶段")
    if len(name) > _LONGEST or "/" in name or any(len(one) > _LONGEST or "/" in one for one in stages):
        return Translatable("名字最多 {n} 个字，不能有斜杠", n=_LONGEST)
    if len(set(stages)) < len(stages):
        return Translatable("有两个阶段同名")
    if any(block.name == name for block in pipeline_blocks(source)):
        return Translatable("已经有流程「{name}」了，换一个名字", name=name)
    return ""


def _rename_form(system: System, name: StageName, attempt: Attempt, text: str = "") -> str:
    with system.store.read() as session:
        reached = touched(session, name.pipeline, name.old)
    return render_template(
        "stage_rename.html", name=name, attempt=attempt, reached=reached, where=_where(system, name), words=WHERE,
        problems=placed(attempt.problems[:10], text), notice=write_notice(system),
    )  # fmt: skip


def _where(system: System, name: StageName) -> Mapping[str, int]:
    """What in the config names the stage; nothing where it cannot be told."""
    try:
        text = read_config_text(system.environment.config).text
        return rename_stage(text, name.pipeline, name.old, f"{name.old}?").where
    except UnknownRuleError:
        return {}


def _new_form(system: System, attempt: Attempt, text: str = "") -> str:
    values: dict[str, Any] = {"name": request.form.get("name", ""), "stages": request.form.get("stages", "")}
    return render_template(
        "pipeline_new.html", values=values, attempt=attempt, problems=placed(attempt.problems[:10], text),
        notice=write_notice(system),
    )  # fmt: skip
