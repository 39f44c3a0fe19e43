"""The story's chapter on facts: a due date that a customer mentions is written down, and its SOP is planned."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import tomlkit
from sqlalchemy import select

from bot.commands.demo.steps import Story, has_settled
from bot.platform import clock
from bot.platform.models import Customer, CustomerField, SopEnrolment, SopTask, ToldFact

AGENT, SOP, FIELD = "LinXiaoyu", "story-due", "due_date"
_AHEAD = 30  # the SOP begins so many days before the date


def due_date_heard(story: Story, config: Path) -> None:
    """What a customer says in passing fills a field with its words as evidence, and the date starts an SOP."""
    _add_tables(config)
    story.step("config.toml 加预产期字段和规则", "两秒内生效", lambda: _taken(story, config))
    who = str(story.control.add_customer(AGENT, "周敏")["external_userid"])
    story.step("客户添加员工", "已入库", lambda: _known(story, who))
    due = clock.now().astimezone(story.system.settings.zone).date() + timedelta(days=_AHEAD)
    story.control.say(who, AGENT, f"对了，宝宝预产期{due.year}年{due.month}月{due.day}号")
    story.step("客户说到预产期", "记进资料，附原话", lambda: _field(story, who, due))
    story.step("预产期前 30 天的跟进", "已经排好", lambda: _planned(story, who))


def _add_tables(config: Path) -> None:
    document = tomlkit.parse(config.read_text("utf-8"))
    sop = {
        "id": SOP, "title": "预产期前一个月", "on": f"date:预产期-{_AHEAD}d",
        "steps": [{"after": "0m", "say": "离{customer.due_date}还有一个月，待产清单发您看看。"}],
    }  # fmt: skip
    document["sops"].append(tomlkit.item(sop))
    document["rules"].append(tomlkit.item({"id": "story-due", "field": "预产期", "any": ["预产期"], "match": "text"}))
    fields = tomlkit.aot()
    fields.append(tomlkit.item({"name": FIELD, "title": "预产期", "kind": "date"}))
    document.append("fields", fields)
    config.write_text(tomlkit.dumps(document), "utf-8")


def _taken(story: Story, config: Path) -> tuple[None, str] | str:
    settings = story.system.settings
    taken = SOP in settings.sops and has_settled(config)
    return (None, f"版本 {settings.version}") if taken else f"仍按版本 {settings.version} 运行"


def _known(story: Story, who: str) -> tuple[None, str] | str:
    with story.system.store.read() as session:
        found = session.scalar(select(Customer).where(Customer.external_userid == who))
        return (None, found.name) if found is not None and found.name else "还没有"


def _field(story: Story, who: str, due: date) -> tuple[None, str] | str:
    with story.system.store.read() as session:
        query = (
            select(CustomerField.value, ToldFact)
            .join(Customer, Customer.id == CustomerField.customer_id)
            .join(ToldFact, (ToldFact.customer_id == Customer.id) & (ToldFact.field == CustomerField.name))
            .where(Customer.external_userid == who, CustomerField.name == FIELD)
        )
        found = session.execute(query).first()
    if found is None:
        return "资料里还没有"
    value, told = found
    return (None, f"{value}（{told.rule_id}：「{told.words}」）") if value == due.isoformat() else value


def _planned(story: Story, who: str) -> tuple[None, str] | str:
    with story.system.store.read() as session:
        query = select(SopTask).join(Customer).join(SopEnrolment, SopEnrolment.id == SopTask.enrolment_id)
        task = session.scalar(query.where(Customer.external_userid == who, SopEnrolment.sop_id == SOP))
        zone = story.system.settings.zone
        return (None, f"{task.due_at.astimezone(zone):%m-%d %H:%M}") if task is not None else "没有任务"
