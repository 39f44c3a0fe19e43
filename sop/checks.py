"""Checks of pipelines and SOPs before they come into force: everything that is wrong, all at once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date, time, timedelta
from itertools import pairwise

from rapidfuzz import fuzz, process

from sop.business import is_business, what_is_wrong
from sop.fields import known_fields, names_of
from sop.group_sops import check_group_sop
from sop.playbook import Audience, FieldDefinition, Pipeline, Sop, Step, Welcome, Workspace
from sop.problems import PlaybookProblem, Where
from sop.stopping import HAPPENINGS
from sop.translatable import Translatable
from sop.triggers import EVENTS, GROUP_EVENTS, TriggerError, trigger_of
from sop.wording import PLACEHOLDERS, check_wording


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
        problems += _check_stages(("pipelines", i), pipeline, known_tags, facts)
        problems += _check_wanted(("pipelines", i), pipeline, facts)
        problems += _check_moves(("pipelines", i), pipeline)
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


def _check_wanted(where: Where, pipeline: Pipeline, facts: Collection[str]) -> Iterator[PlaybookProblem]:
    for k, name in enumerate(pipeline.fields):
        yield from _check_known((*where, "fields", k), name, facts, "字段「{name}」")


def _check_stages(
    where: Where, pipeline: Pipeline, known_tags: Collection[str], facts: Collection[str] = ()
) -> Iterator[PlaybookProblem]:
    names = [stage.name for stage in pipeline.stages]
    taken: dict[str, str] = {}
    for j, stage in enumerate(pipeline.stages):
        at = (*where, "stages", j)
        if stage.name in names[:j]:
            yield PlaybookProblem(
                (*at, "name"),
                Translatable("阶段「{name}」在「{pipeline}」里重复了", name=stage.name, pipeline=pipeline.name),
            )
        if stage.won and stage.lost:
            yield PlaybookProblem(
                (*at, "lost"), Translatable("阶段「{name}」不能既是成交（won）又是流失（lost）", name=stage.name)
            )
        if stage.on is None and stage.name not in known_tags and not _entered_in_time(pipeline, stage.name):
            yield PlaybookProblem(
                (*at, "name"),
                Translatable(
                    "没有什么能让客户进入「{name}」：声明同名标签，或写 on；只由人工移动就写 on = []", name=stage.name
                ),
            )
        for k, trigger in enumerate(stage.on or ()):
            yield from _check_trigger_name((*at, "on", k), trigger, known_tags)
        for trigger in dict.fromkeys(stage.entered_by):
            other = taken.setdefault(trigger, stage.name)
            if other != stage.name:
                yield PlaybookProblem(
                    (*at, "on"),
                    Translatable(
                        "「{trigger}」已经用来进入「{other}」，一个条件只能进一个阶段", trigger=trigger, other=other
                    ),
                )
        for k, name in enumerate(stage.only_from):
            yield from _check_known((*at, "only_from", k), name, names, "阶段「{name}」")
        for k, tag in enumerate(stage.needs):
            yield from _check_known((*at, "needs", k), tag, {*known_tags, *facts}, "标签或字段「{name}」")
        if stage.min_profile is not None and not pipeline.fields:
            yield PlaybookProblem((*at, "min_profile"), "流程没有写要知道哪些资料（fields），min_profile 无从算起")


def _entered_in_time(pipeline: Pipeline, name: str) -> bool:
    return any(move.to == name for move in pipeline.moves)


def _check_trigger_name(where: Where, trigger: str, known_tags: Collection[str]) -> Iterator[PlaybookProblem]:
    if is_business(trigger):
        yield from (PlaybookProblem(where, wrong) for wrong in [what_is_wrong(trigger)] if wrong)
    elif trigger.startswith("@"):
        yield from _check_known(where, trigger, EVENTS, "事件「{name}」")
    else:
        yield from _check_known(where, trigger, known_tags, "标签「{name}」")


def _check_moves(where: Where, pipeline: Pipeline) -> Iterator[PlaybookProblem]:
    names = [stage.name for stage in pipeline.stages]
    for j, move in enumerate(pipeline.moves):
        at = (*where, "moves", j)
        yield from _check_known((*at, "from"), move.from_, names, "阶段「{name}」")
        yield from _check_known((*at, "to"), move.to, names, "阶段「{name}」")
        if not move.after:
            yield PlaybookProblem((*at, "after"), "after 要大于 0，例如 7d")
        if any(m.from_ == move.from_ and m.after <= move.after for m in pipeline.moves[:j]):
            yield PlaybookProblem(
                (*at, "after"),
                Translatable("从「{stage}」出发已有一条更早到期的移动，这一条永远轮不到", stage=move.from_),
            )
        path = _loop(pipeline, move.to, move.from_)
        if path:
            yield PlaybookProblem(
                (*at, "to"),
                Translatable("定时移动绕成了圈：{way}，客户会来回移动", way=" → ".join((move.from_, *path))),
            )


def _loop(pipeline: Pipeline, start: str, goal: str) -> tuple[str, ...]:
    """The stages by which the clock alone carries a card from `start` to `goal`; empty if it does not."""
    next_of: dict[str, str] = {}
    for move in sorted(pipeline.moves, key=lambda move: move.after):
        next_of.setdefault(move.from_, move.to)
    path = [start]
    while path[-1] != goal:
        following = next_of.get(path[-1])
        if following is None or following in path:
            return ()
        path.append(following)
    return tuple(path)


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
        yield from _check_known((*where, "stage"), sop.stage, stages, "阶段「{name}」")
        if stages.count(sop.stage) > 1:
            yield PlaybookProblem(
                (*where, "stage"),
                Translatable("有不止一个流程含阶段「{stage}」，请给它们不同的名字", stage=sop.stage),
            )
    else:
        yield from _check_on((*where, "on"), sop, known_tags, sops, dates)
    audience = sop.audience if isinstance(sop.audience, Audience) else Audience()
    for j, tag in enumerate(audience.tags):
        yield from _check_known((*where, "audience", "tags", j), tag, known_tags, "标签「{name}」")
    for j, stage in enumerate(audience.stages):
        yield from _check_known((*where, "audience", "stages", j), stage, stages, "阶段「{name}」")
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
        yield from _check_known(where, trigger.name, known_tags, "标签「{name}」")
    if trigger.kind == "date" and trigger.day is None:
        yield from _check_known(where, trigger.name, dates, "日期字段「{name}」")
    if trigger.kind in ("reply", "no-reply"):
        yield from _check_known(where, trigger.name, [other.id for other in sops], "跟进「{name}」")
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
        yield from _check_known(where, name, known_tags, "标签「{name}」")
    else:
        yield from _check_known(
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
            yield from _check_known((*where, key), tag, known_tags, "标签「{name}」")
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


def _check_known(where: Where, name: str, known: Iterable[str], what: str) -> Iterator[PlaybookProblem]:
    names = sorted(set(known))
    if name in names:
        return
    near = process.extractOne(name, names, scorer=fuzz.ratio, score_cutoff=50)
    if near:
        hint = Translatable("是不是「{name}」？", name=near[0])
    elif len(names) <= 12:
        hint = Translatable("可用的有：{names}", names=names or Translatable("（一个也没有）"))
    else:
        hint = Translatable("请先声明它")
    yield PlaybookProblem(where, Translatable("没有{what}，{hint}", what=Translatable(what, name=name), hint=hint))
