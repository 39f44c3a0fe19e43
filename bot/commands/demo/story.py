"""`flask demo --story`: plays the main job without a person; each step counts only if it was observed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from rich.console import Console
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.commands.demo.chapters import drift_repaired, holiday_skipped, later_pressed
from bot.commands.demo.fact_chapter import due_date_heard
from bot.commands.demo.mass_chapter import mass_message
from bot.commands.demo.promise_chapter import promise_kept
from bot.commands.demo.stack import Stack
from bot.commands.demo.steps import AGENT, PIPELINE_TAG, QUESTION, SOP, NotSeenError, StepResult, Story
from bot.commands.demo.waiting_chapter import left_alone, word_in_a_group
from bot.commands.terminal import Table
from bot.platform import clock
from bot.platform.models import Customer, Placement, SopEnrolment, SopTask, StageMove, Tagging


def tell_story(stack: Stack, console: Console) -> bool:
    """Play it; prints each step as it is seen and a table at the end. True if nothing was missing.

    It edits the config, so the stack must run on a copy (own_config).
    """
    if stack.config.parent != stack.folder:
        raise ValueError(f"the story would edit {stack.config}; give the stack a copy of its own")
    story = Story(stack.system, stack.control, console)
    failure = ""
    try:
        _first_customer(story)
        _silent_customer(story)
        later_pressed(story)
        holiday_skipped(story, stack.config)
        drift_repaired(story)
        mass_message(story, stack.config)
        due_date_heard(story, stack.config)
        left_alone(story, stack.config)
        word_in_a_group(story)
        promise_kept(story)
    except NotSeenError as error:
        failure = str(error)
    console.print(_table(story.results), soft_wrap=False)
    if failure:
        console.print(f"故事没有走完。{failure}", style="red", markup=False)
    else:
        console.print(f"{len(story.results)} 步全部在沙盒或数据库里看到了。", style="green")
    return not failure


def _first_customer(story: Story) -> None:
    control = story.control
    since = control.last_effect()
    who = control.add_customer(AGENT, "陈静")["external_userid"]
    story.step("客户添加员工", "欢迎语已在 20 秒内发给客户", lambda: _welcome(story, since, who))
    story.step("客户上看板", "阶段 新线索", lambda: _stage(story, who, "新线索"))
    since = control.last_effect()
    control.say(who, AGENT, QUESTION)
    story.step(
        f"客户说「{QUESTION}」", f"5 秒内带上标签 {PIPELINE_TAG}，附证据", lambda: _tag(story, who, PIPELINE_TAG), 5
    )
    story.step("卡片移动", f"新线索 → {PIPELINE_TAG}", lambda: _move(story, who, PIPELINE_TAG))
    story.step(
        "企业微信标签", f"打上 {PIPELINE_TAG}，去掉 新线索", lambda: _wecom_tag(story, since, who, PIPELINE_TAG)
    )
    tasks = story.step("计划 SOP", "三个任务", lambda: _tasks(story, who, 3))
    card = story.step("提醒员工", "卡片出现在员工手机上", lambda: _card(story, since, who, tasks[0].id))
    said = card["quote"][: len(card["quote"]) * 3 // 4] + "……您主要想拍什么？我帮您挑一档合适的"
    control.say(AGENT, who, said)
    story.step("员工改了几个字发出", "任务完成：edited，附相似度", lambda: _completed(story, who, 0, "edited"))
    control.say(who, AGENT, "好的，我先看看，谢谢")
    story.step("客户回复", "剩余步骤停止，并说明原因", lambda: _stopped(story, who))
    story.step("回复打标签", "已回复", lambda: _tag(story, who, "已回复"))


def _silent_customer(story: Story) -> None:
    control = story.control
    since = control.last_effect()
    who = control.add_customer(AGENT, "赵磊")["external_userid"]
    story.step("第二位客户添加员工", "欢迎语已发出", lambda: _welcome(story, since, who))
    control.say(who, AGENT, "课程怎么收费")
    tasks = story.step("问价格", "三个任务", lambda: _tasks(story, who, 3))
    card = story.step("提醒员工", "卡片出现在员工手机上", lambda: _card(story, since, who, tasks[0].id))
    control.say(AGENT, who, card["quote"])
    story.step("员工照原文发出", "任务完成：exact", lambda: _completed(story, who, 0, "exact"))
    since = control.last_effect()
    due = _due_at(story, tasks[1].id)
    control.move_clock(_until(due))
    local = due.astimezone(story.system.settings.zone)
    story.step(
        "客户没有说话",
        f"第二步在 {local:%m-%d %H:%M} 提醒（时间已拨到那时）",
        lambda: _card(story, since, who, tasks[1].id),
    )
    control.move_clock(_until(_window_end(story, tasks[0].id)))
    story.step("24 小时没有回复", "打上标签 未回复", lambda: _tag(story, who, "未回复"))


def _until(at: datetime) -> float:
    return max((at - clock.now()).total_seconds(), 0.0) + 2


def _welcome(story: Story, since: int, who: str) -> tuple[None, str] | str:
    sent = story.effect("welcome", since, lambda e: e["external_userid"] == who)
    return (None, f"添加后 {sent['after']} 秒：{sent['text']['content'][:24]}…") if sent else "客户手机上没有欢迎语"


def _stage(story: Story, who: str, stage: str) -> tuple[None, str] | str:
    with story.system.store.read() as session:
        placement = session.scalar(select(Placement).join(Customer).where(Customer.external_userid == who))
        if placement is None:
            return "看板上没有这位客户"
        return (None, f"{placement.pipeline} / {placement.stage}") if placement.stage == stage else placement.stage


def _tag(story: Story, who: str, tag: str) -> tuple[None, str] | str:
    with story.system.store.read() as session:
        carried = session.scalars(select(Tagging).join(Customer, Customer.id == Tagging.customer_id).where(
            Customer.external_userid == who, Tagging.removed_at.is_(None))).all()  # fmt: skip
        found = next((tagging for tagging in carried if tagging.tag == tag), None)
        if found is None:
            return f"客户的标签：{'、'.join(t.tag for t in carried) or '无'}"
        return None, f"{tag}（{found.rule_id or found.by}：{found.reason}）"


def _move(story: Story, who: str, stage: str) -> tuple[None, str] | str:
    with story.system.store.read() as session:
        moves = session.scalars(select(StageMove).join(Customer, Customer.id == StageMove.customer_id).where(
            Customer.external_userid == who).order_by(StageMove.id)).all()  # fmt: skip
        road = " → ".join([moves[0].from_stage or "无", *(m.to_stage for m in moves)]) if moves else "没有移动"
        return (None, road) if moves and moves[-1].to_stage == stage and moves[-1].msgid else road


def _wecom_tag(story: Story, since: int, who: str, tag: str) -> tuple[None, str] | str:
    marked = [e for e in story.control.effects(since, "tags") if e["external_userid"] == who]
    if not marked or tag not in marked[-1]["now"]:
        return f"企业微信里的标签：{marked[-1]['now'] if marked else '没有变化'}"
    last = marked[-1]
    return None, f"一次调用：加 {'、'.join(last['added'])}，减 {'、'.join(last['removed']) or '无'}"


def _tasks(story: Story, who: str, count: int) -> tuple[Sequence[SopTask], str] | str:
    with story.system.store.read() as session:
        tasks = _of(session, who)
        if len(tasks) != count:
            return f"{len(tasks)} 个任务"
        zone = story.system.settings.zone
        return tasks, "、".join(f"{task.due_at.astimezone(zone):%m-%d %H:%M}" for task in tasks)


def _of(session: Session, who: str) -> Sequence[SopTask]:
    query = (
        select(SopTask)
        .join(SopEnrolment, SopEnrolment.id == SopTask.enrolment_id)
        .join(Customer, Customer.id == SopTask.customer_id)
        .where(Customer.external_userid == who, SopEnrolment.sop_id == SOP)
        .order_by(SopTask.step)
    )
    return session.scalars(query).all()


def _card(story: Story, since: int, who: str, task_id: int) -> tuple[dict[str, str], str] | str:
    """The card as the sandbox delivered it, with the whole text of the task (the card may cut it)."""
    with story.system.store.read() as session:
        wanted = f"task_{session.get_one(SopTask, task_id).ref}"
    sent = story.effect("message", since, lambda e: e.get("template_card", {}).get("task_id") == wanted)
    if sent is None:
        return f"员工手机上没有 {wanted} 的卡片"
    card = sent["template_card"]
    with story.system.store.read() as session:
        text = session.get_one(SopTask, task_id).text
    rows = "，".join(row["value"] for row in card.get("horizontal_content_list", []))
    return {"quote": text}, f"{sent['userid']} 收到：{card['main_title']['title']}（{rows}）"


def _completed(story: Story, who: str, step: int, outcome: str) -> tuple[None, str] | str:
    with story.system.store.read() as session:
        task = _of(session, who)[step]
        if task.state not in ("completed", "replied"):
            return f"任务状态 {task.state}"
        said = f"{task.outcome}，相似度 {task.similarity:.2f}，{task.timing}"
        return (None, said) if task.outcome == outcome else said


def _stopped(story: Story, who: str) -> tuple[None, str] | str:
    with story.system.store.read() as session:
        rest = _of(session, who)[1:]
        states = "、".join(f"第 {t.step + 1} 步 {t.state}（{t.ended_because or '—'}）" for t in rest)
        return (None, states) if all(t.state == "cancelled" and t.ended_because for t in rest) else states


def _due_at(story: Story, task_id: int) -> datetime:
    with story.system.store.read() as session:
        return session.get_one(SopTask, task_id).due_at


def _window_end(story: Story, task_id: int) -> datetime:
    with story.system.store.read() as session:
        until = session.get_one(SopTask, task_id).window_until
        return until or clock.now() + timedelta(days=1)


def _table(told: Sequence[StepResult]) -> Table:
    table = Table("步骤", "应当", "看到", "秒", title="提词的一天", title_justify="left", show_lines=False)
    for row in told:
        style = None if row.good else "red"
        table.add_row(row.step, row.expected, row.seen, f"{row.seconds:.1f}", style=style)
    return table
