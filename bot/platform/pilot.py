"""The pilot's gate: the one place where what nobody asked for is kept from agents outside the pilot."""

from __future__ import annotations

from bot.platform.models import Agent, Outbox
from bot.platform.work import Work
from sop.pilot import is_outside_pilot

MARKS = "mark_tag"
UNASKED = {
    "card": "提醒卡片",
    "digest": "合在一起的提醒",
    "day_list": "今日清单",
    "nudge": "催办",
    "waiting": "等回复提醒",
    "waiting_leader": "等回复告诉组长",
    "group_waiting": "群里等回复提醒",
    "promise": "承诺提醒",
    "promise_leader": "承诺告诉组长",
    "returning": "流失客户回来了",
    "welcome": "欢迎新客户",
    "group_send": "群发",
    "group_remind": "催群发",
    "group_prompt": "群跟进提醒",
    "handover": "接手客户的提醒",
    "conduct": "员工言行告诉组长",
    "conduct_agent": "员工言行告诉本人",
    MARKS: "手机上的标签",
}
"""What leaves of itself, by kind of outbox row, with its name for people."""


def is_withheld(work: Work, row: Outbox) -> bool:
    """Whether a row must not leave, since a pilot is on and its agent is not of it.

    A row that was tried before the pilot began goes on: WeCom may have it already, and its outcome has to be known.
    """
    pilot = work.settings.workspace.pilot
    if pilot is None or row.kind not in UNASKED or row.agent_id is None:
        return False
    begun = row.first_tried_at is not None and row.first_tried_at < work.now
    return not begun and is_outside_pilot(pilot, work.session.get_one(Agent, row.agent_id).key)
