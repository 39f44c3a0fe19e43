"""Further chapters of the story: 稍后 pressed, a holiday skipped, a tag that another app changed repaired."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tomlkit
from sqlalchemy import select

from bot.platform import clock
from bot.platform.models import Customer, Placement, SopTask
from bot.sops.task_refs import card_name
from bot.sync.reconcile import compare_agents, start_comparison

if TYPE_CHECKING:
    from bot.commands.demo.steps import Story

AGENT = "LinXiaoyu"
PIPELINE, STAGE, ELSEWHERE = "课程转化", "考虑价格", "0元引流课"
_RELOAD_SECONDS = 2.5  # processes look at the file once a second, so an edit is in force within two


def own_config(config: Path, folder: Path) -> Path:
    """A copy of the config that the story may edit, with the files it refers to."""
    copy = folder / "config.toml"
    shutil.copy(config, copy)
    materials = tomlkit.parse(copy.read_text("utf-8")).get("workspace", {}).get("materials", "materials")
    if (config.parent / materials).is_dir():
        shutil.copytree(config.parent / materials, folder / materials)
    return copy


def later_pressed(story: Story) -> None:
    """The agent presses 稍后, says when, and the card comes again at that hour."""
    who, since, task = _asks(story, "孙悦")
    card = card_name(task)
    story.step("第三位客户问价格", "卡片出现", lambda: _arrived(story, since, card))
    story.control.press(AGENT, card, f"later:{task.ref}")
    story.step("员工按「稍后」", "卡片改成问推迟到什么时候", lambda: _changed(story, since, f"delay:{task.ref}"))
    story.control.press(AGENT, card, f"delay:{task.ref}", when=["3h"])
    due = story.step("员工选「3 小时后」", "任务改期，卡片写明", lambda: _put_off(story, task.id, task.due_at))
    story.control.move_clock((due - clock.now()).total_seconds() + 2)
    story.step("时间到了", "卡片再来一次", lambda: _arrived(story, since, f"{card}_2"))
    story.control.say(AGENT, who, task.text)


def holiday_skipped(story: Story, config: Path) -> None:
    """Tomorrow becomes a holiday in config.toml; a step of tomorrow goes to the day after, and says why."""
    zone = story.system.settings.zone
    tomorrow = clock.now().astimezone(zone).date() + timedelta(days=1)
    _add_holiday(config, tomorrow)
    edited = time.monotonic()
    story.step("config.toml 写上明天放假", "两秒内生效，不用重启", lambda: _reloaded(story, tomorrow, edited))
    who, _, _ = _asks(story, "周航")
    story.step("第四位客户问价格", f"{tomorrow:%m-%d} 的一步顺延到假后", lambda: _shifted(story, who, tomorrow))


def drift_repaired(story: Story) -> None:
    """Another app changes a stage tag, of which WeCom sends no notification; the comparison finds and repairs it."""
    who, since, _ = _asks(story, "吴敏")
    system = story.system
    story.step("第五位客户问价格", "手机标签是 考虑价格", lambda: _phone(story, since, who, [STAGE]))
    since = story.control.last_effect()
    ids = {tag["name"]: tag["id"] for group in system.wecom.corp_tags() if group["group_name"] == PIPELINE
           for tag in group["tag"]}  # fmt: skip
    system.wecom.mark_tag(AGENT, who, add=[ids[ELSEWHERE]], remove=[ids[STAGE]])
    story.step(
        "别的应用改了标签", f"手机上成了 {ELSEWHERE}，没有通知", lambda: _phone(story, since, who, [ELSEWHERE])
    )
    since = story.control.last_effect()
    run = start_comparison(system, "ours", clock.now())
    system.queue.enqueue_for("deliver", compare_agents(system, run, [AGENT]))
    found = [drift for drift in run.drift if drift.external_userid == who]
    words = "；".join(f"看板 {drift.ours}，手机 {drift.theirs}，{drift.repair}" for drift in found)
    story.step("核对（flask wecom reconcile）", "查出不一致", lambda: (found, words) if found else "没有查出")
    story.step("修复", f"手机标签改回 {STAGE}", lambda: _phone(story, since, who, [STAGE]))
    story.step("看板", f"仍在 {STAGE}", lambda: _board(story, who))


def _asks(story: Story, name: str) -> tuple[str, int, SopTask]:
    """A customer adds the agent and asks for the price; returns their id, the effect before, and the first task."""
    since = story.control.last_effect()
    who: str = story.control.add_customer(AGENT, name)["external_userid"]
    story.control.say(who, AGENT, "课程多少钱呀")
    tasks = story.step(f"{name}添加员工并问价格", "计划好跟进", lambda: _planned(story, who))
    return who, since, tasks[0]


def _planned(story: Story, who: str) -> tuple[Sequence[SopTask], str] | str:
    with story.system.store.read() as session:
        mine = select(SopTask).join(Customer, Customer.id == SopTask.customer_id)
        tasks = [t for t in session.scalars(mine.where(Customer.external_userid == who).order_by(SopTask.id))
                 if t.enrolment.sop_id == "price-nurture"]  # fmt: skip
    return (tasks, f"{len(tasks)} 步") if tasks else "还没有任务"


def _arrived(story: Story, since: int, card: str) -> tuple[None, str] | str:
    sent = story.effect("message", since, lambda e: e.get("template_card", {}).get("task_id") == card)
    return (None, f"{sent['userid']} 收到 {card}") if sent else f"手机上没有 {card}"


def _changed(story: Story, since: int, key: str) -> tuple[None, str] | str:
    changes = [e for e in story.control.effects(since) if key in str(e) and e["kind"] not in ("pressed", "message")]
    return (None, f"卡片上可选：{'、'.join(_options(changes[-1]))}") if changes else "卡片没有变"


def _options(value: Any) -> list[str]:
    """The texts of all options in an effect."""
    if isinstance(value, dict):
        if "option_list" in value:
            return [str(option["text"]) for option in value["option_list"]]
        return [text for inner in value.values() for text in _options(inner)]
    return [text for inner in value for text in _options(inner)] if isinstance(value, list) else []


def _put_off(story: Story, task_id: int, before: datetime) -> tuple[datetime, str] | str:
    with story.system.store.read() as session:
        task = session.get_one(SopTask, task_id)
        local = task.due_at.astimezone(story.system.settings.zone)
        said = f"{task.state}，{local:%m-%d %H:%M}（{task.shifts[-1][0] if task.shifts else '没有改期'}）"
        return (task.due_at, said) if task.state == "planned" and task.due_at > before else said


def _add_holiday(config: Path, day: date) -> None:
    document = tomlkit.parse(config.read_text("utf-8"))
    workspace: Any = document.setdefault("workspace", tomlkit.table())
    workspace["holidays"] = [*workspace.get("holidays", []), day]
    config.write_text(tomlkit.dumps(document), "utf-8")


def _reloaded(story: Story, day: date, edited: float) -> tuple[None, str] | str:
    settings = story.system.settings
    if day not in settings.workspace.holidays or time.monotonic() - edited < _RELOAD_SECONDS:
        return f"仍按版本 {settings.version} 运行"
    return None, f"版本 {settings.version}，{day:%m-%d} 放假"


def _shifted(story: Story, who: str, holiday: date) -> tuple[None, str] | str:
    zone, found = story.system.settings.zone, _planned(story, who)
    if isinstance(found, str):
        return found
    tasks = found[0]
    days = [task.due_at.astimezone(zone) for task in tasks]
    reasons = [shift[0] for task in tasks for shift in task.shifts]
    seen = "、".join(f"{day:%m-%d %H:%M}" for day in days) + f"；{'、'.join(reasons) or '没有顺延'}"
    good = any("假期顺延" in reason for reason in reasons) and holiday not in {day.date() for day in days}
    return (None, seen) if good else seen


def _phone(story: Story, since: int, who: str, wanted: list[str]) -> tuple[None, str] | str:
    marked = [e for e in story.control.effects(since, "tags") if e["external_userid"] == who]
    now = list(marked[-1]["now"]) if marked else []
    return (None, f"手机标签：{'、'.join(now)}") if now == wanted else f"手机标签：{'、'.join(now) or '没有变化'}"


def _board(story: Story, who: str) -> tuple[None, str] | str:
    with story.system.store.read() as session:
        here = select(Placement.stage).join(Customer).where(Customer.external_userid == who)
        stage = session.scalar(here)
    return (None, str(stage)) if stage == STAGE else f"在 {stage}"
