"""The story's chapter on promises: what an agent promises becomes a task, which the file's arrival closes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from bot.platform.models import Customer, OpenQuestion, Promise

if TYPE_CHECKING:
    from bot.commands.demo.steps import Story

AGENT = "LinXiaoyu"
ASKED, PROMISED = "你们的发票怎么开", "好的，合同明天上午十点发您"


def promise_kept(story: Story) -> None:
    """A promise is heard in the archive with its due time; the contract comes, and the task closes by itself."""
    who = str(story.control.add_customer(AGENT, "郑楠")["external_userid"])
    story.control.say(who, AGENT, ASKED)
    story.control.say(AGENT, who, PROMISED)
    story.step("员工答应客户", "成了一件任务，附原话和时间", lambda: _owed(story, who))
    story.step("客户的问题", "还没有回答，列着", lambda: _asked(story, who, answered=False))
    story.control.send(AGENT, who, "file", filename="服务合同.pdf")
    story.step("合同发到客户那里", "任务自己关上", lambda: _kept(story, who))
    story.control.say(AGENT, who, "发票在小程序里点开票就行")
    story.step("员工说了发票怎么开", "问题关上", lambda: _asked(story, who, answered=True))


def _promise(story: Story, who: str) -> Promise | None:
    with story.system.store.read() as session:
        query = select(Promise).join(Customer, Customer.id == Promise.customer_id).options(joinedload(Promise.agent))
        return session.scalar(query.where(Customer.external_userid == who))


def _owed(story: Story, who: str) -> tuple[None, str] | str:
    row = _promise(story, who)
    if row is None or row.due_at is None:
        return "还没有任务"
    due = row.due_at.astimezone(story.system.settings.zone)
    return None, f"{row.agent.shown_name}答应了「{row.words}」，{due:%m-%d %H:%M} 前"


def _kept(story: Story, who: str) -> tuple[None, str] | str:
    row = _promise(story, who)
    if row is None or row.kept_at is None:
        return "任务还开着"
    return None, f"{row.kept_at.astimezone(story.system.settings.zone):%H:%M:%S} 的文件关上了它"


CONFIDENCE = {"high": "高", "medium": "中"}


def _asked(story: Story, who: str, *, answered: bool) -> tuple[None, str] | str:
    with story.system.store.read() as session:
        query = select(OpenQuestion).join(Customer, Customer.id == OpenQuestion.customer_id)
        row = session.scalar(query.where(Customer.external_userid == who))
    if row is None:
        return "没有记下问题"
    seen = f"「{row.words}」" + (
        "有回答了" if row.closed_at is not None else f"还没有回答，把握{CONFIDENCE[row.confidence]}"
    )
    return (None, seen) if (row.closed_at is not None) is answered else seen
