"""Checks of pipelines and SOPs before they come into force: everything that is wrong, all at once."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import date, time, timedelta
from itertools import pairwise

from sop.business import is_business, what_is_wrong
from sop.fields import known_fields, names_of
from sop.group_sops import check_group_sop
from sop.known_names import check_known
from sop.pipeline import Pipeline
from sop.pipeline_checks import check_pipeline
from sop.playbook import Audience, Sop, Step
from sop.problems import PlaybookProblem, Where
from sop.stopping import HAPPENINGS
from sop.translatable import Translatable
from sop.triggers import GROUP_EVENTS, TriggerError, trigger_of
from sop.wording import PLACEHOLDERS, check_wording
from sop.workspace import FieldDefinition, Welcome, Workspace


def check_playbook(
    pipelines: Sequence[Pipeline],
    sops: Sequence[Sop],
    known_tags: Collection[str],
    welcome: Welcome | None = None,
    workspace: Workspace | None = None,
    fields: Sequence[FieldDefinition] = (),
) -> list[PlaybookProblem]:
    """Check the tables against each other; `known_tags` are the declared tags and those that rules set."""
    known = known_fields(fields)
    dates = [name for field in known.values() if field.kind == "date" for name in names_of(field)]
    facts = [name for field in known.values() for name in names_of(field)]
    blanks = [f"customer.{name}" for name in known]
    problems = list(_repeated("pipelines", "name", [pipeline.name for pipeline in pipelines], "流程「{name}」"))
    for i, pipeline in enumerate(pipelines):
        problems += check_pipeline(("pipelines", i), pipeline, known_tags, facts)
    problems += _repeated("sops", "id", [sop.id for sop in sops], "SOP「{name}」")
    stages = [stage.name for pipeline in pipelines for stage in pipeline.stages]
    for i, sop in enumerate(sops):
        if sop.for_groups:
            problems += check_group_sop(("sops", i), sop)
            continue
        problems += _check_sop(("sops", i), sop, stages, known_tags, sops, dates)
        for j, step in enumerate(sop.steps):
            problems += _check_step(("sops", i, "steps", j), step, known_tags, workspace, blanks)
    if welcome is not None:
        problems += [PlaybookProblem(("welcome", "say"), m) for m in check_wording(welcome.say, blanks)]
    problems += _repeated("fields", "name", [field.name for field in fields], "字段「{name}」")
    problems += _check_fields(fields)
    if workspace is not None:
        problems += _check_workspace(workspace)
    return problems


def _repeated(table: str, key: str, names: Sequence[str], what: str) -> Iterator[PlaybookProblem]:
    for i, name in enumerate(names):
        if name in names[:i]:
            yield PlaybookProblem(
                (table, i, key),
                Translatable(
                    "{what}重复了，第 {n} 个已经用了这个名字",
                    what=Translatable(what, name=name),
                    n=names.index(name) + 1,
                ),
            )


def _check_fields(fields: Sequence[FieldDefinition]) -> Iterator[PlaybookProblem]:
    for i, field in enumerate(fields):
        if f"customer.{field.name}" in PLACEHOLDERS:
            yield PlaybookProblem(
                ("fields", i, "name"), Translatable("{{customer.{name}}} 已有别的意思，请换一个名字", name=field.name)
            )
        if field.yearly and field.kind != "date":
            yield PlaybookProblem(("fields", i, "yearly"), '每年一次（yearly）只用于日期：kind = "date"')
        if field.past and field.kind not in ("date", "month"):
            yield PlaybookProblem(("fields", i, "past"), 'past 只用于日期和月份：kind = "date" 或 "month"')
        if bool(field.choices) != (field.kind == "choice"):
            yield PlaybookProblem(("fields", i, "choices"), 'kind = "choice" 的字段写 choices，别的字段不写')


def _check_sop(
    where: Where,
    sop: Sop,
    stages: Sequence[str],
    known_tags: Collection[str],
    sops: Sequence[Sop],
    dates: Collection[str],
) -> Iterator[PlaybookProblem]:
    if sop.stage is not None:
        yield from check_known((*where, "stage"), sop.stage, stages, "阶段「{name}」")
        if stages.count(sop.stage) > 1:
            yield PlaybookProblem(
                (*where, "stage"),
                Translatable("有不止一个流程含阶段「{stage}」，请给它们不同的名字", stage=sop.stage),
            )
    else:
        yield from _check_on((*where, "on"), sop, known_tags, sops, dates)
    audience = sop.audience if isinstance(sop.audience, Audience) else Audience()
    for j, tag in enumerate(audience.tags):
        yield from check_known((*where, "audience", "tags", j), tag, known_tags, "标签「{name}」")
    for j, stage in enumerate(audience.stages):
        yield from check_known((*where, "audience", "stages", j), stage, stages, "阶段「{name}」")
    for j, happening in enumerate(sop.stop):
        yield from _check_stop((*where, "stop", j), happening, known_tags)
    yield from _check_order(where, sop)


def _check_order(where: Where, sop: Sop) -> Iterator[PlaybookProblem]:
    relative = [(j, step.after) for j, step in enumerate(sop.steps) if step.on_date is None]
    dated = [(j, step.on_date) for j, step in enumerate(sop.steps) if step.on_date is not None]
    for (_, earlier), (j, later) in pairwise(relative):
        if later < earlier:
            yield PlaybookProblem((*where, "steps", j, "after"), "步骤要按 after 从小到大排列，这一步比上一步还早")
    for (_, before), (j, day) in pairwise(dated):
        if day < before:
            yield PlaybookProblem(
                (*where, "steps", j, "on_date"), "步骤要按 on_date 从早到晚排列，这一步比上一步还早"
            )


def _check_on(
    where: Where, sop: Sop, known_tags: Collection[str], sops: Sequence[Sop], dates: Collection[str]
) -> Iterator[PlaybookProblem]:
    try:
        trigger = trigger_of(sop)
    except TriggerError as error:
        yield PlaybookProblem(where, str(error))
        return
    if trigger.name in GROUP_EVENTS:
        yield PlaybookProblem(
            where, Translatable('{event} 只用于群跟进：再写 audience = "group"', event=trigger.name)
        )
    if trigger.kind == "tag":
        yield from check_known(where, trigger.name, known_tags, "标签「{name}」")
    if trigger.kind == "date" and trigger.day is None:
        yield from check_known(where, trigger.name, dates, "日期字段「{name}」")
    if trigger.kind in ("reply", "no-reply"):
        yield from check_known(where, trigger.name, [other.id for other in sops], "跟进「{name}」")
        if trigger.name == sop.id:
            yield PlaybookProblem(where, "一份跟进不能由它自己的回复启动")
        steps = next((len(other.steps) for other in sops if other.id == trigger.name), 0)
        if steps and trigger.step is not None and trigger.step >= steps:
            yield PlaybookProblem(
                where,
                Translatable(
                    "「{name}」只有 {steps} 步，没有第 {n} 步",
                    name=trigger.name,
                    steps=steps,
                    n=trigger.step + 1,
                ),
            )


def _check_stop(where: Where, happening: str, known_tags: Collection[str]) -> Iterator[PlaybookProblem]:
    kind, colon, name = happening.partition(":")
    if is_business(happening):
        yield from (PlaybookProblem(where, wrong) for wrong in [what_is_wrong(happening)] if wrong)
    elif kind == "tag" and colon:
        yield from check_known(where, name, known_tags, "标签「{name}」")
    else:
        yield from check_known(
            where,
            happening,
            (*HAPPENINGS, Translatable("tag:标签名"), Translatable("order:产品")),
            "停止条件「{name}」",
        )


def _check_step(
    where: Where, step: Step, known_tags: Collection[str], workspace: Workspace | None, blanks: Collection[str]
) -> Iterator[PlaybookProblem]:
    for k, text in enumerate(step.say):
        at = (*where, "say", k) if len(step.say) > 1 else (*where, "say")
        if not text.strip():
            yield PlaybookProblem(at, "话术是空的")
        yield from (PlaybookProblem(at, message) for message in check_wording(text, blanks))
    for key, tag in (("on_reply", step.on_reply), ("on_silence", step.on_silence)):
        if tag is not None:
            yield from check_known((*where, key), tag, known_tags, "标签「{name}」")
    if step.on_reply is not None and step.on_reply == step.on_silence:
        yield PlaybookProblem(
            (*where, "on_silence"),
            Translatable("回复与否都打「{tag}」，就分不出客户有没有回复了", tag=step.on_silence),
        )
    if step.reply_window < timedelta(minutes=1):
        yield PlaybookProblem((*where, "reply_window"), "reply_window 至少 1m")
    if workspace is not None and step.at is not None and not workspace.work_hours.holds(step.at):
        yield PlaybookProblem(
            (*where, "at"),
            Translatable(
                "{at} 不在工作时间 {work_hours} 里，会被顺延", at=f"{step.at:%H:%M}", work_hours=workspace.work_hours
            ),
        )


def _check_workspace(workspace: Workspace) -> Iterator[PlaybookProblem]:
    for j, day in enumerate(workspace.extra_workdays):
        if day in workspace.holidays:
            yield PlaybookProblem(
                ("workspace", "extra_workdays", j), Translatable("{day} 既写成了假期又写成了上班", day=_day(day))
            )
    hours, quiet = workspace.work_hours, workspace.quiet_hours
    if quiet is not None and all(quiet.holds(at) for at in _every_minute() if hours.holds(at)):
        yield PlaybookProblem(
            ("workspace", "quiet_hours"),
            Translatable("免打扰 {quiet} 盖住了整个工作时间 {hours}，就没有时间提醒了", quiet=quiet, hours=hours),
        )


def _every_minute() -> Iterator[time]:
    return (time(minute // 60, minute % 60) for minute in range(24 * 60))


def _day(day: date) -> str:
    return Translatable("{year} 年 {month} 月 {day} 日", year=day.year, month=day.month, day=day.day)
