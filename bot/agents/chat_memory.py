"""Memory of an agent's chat with the app: the list last shown, what was asked back, and the last deed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from bot.agents.manual_moves import MoveRefusedError, undo_move
from bot.customers.state import load_customer
from bot.platform.database.store import get_status, set_status
from bot.platform.models import Agent, Customer, SopTask, StageMove
from bot.platform.work import Work

CAN_BE_TAKEN_BACK = timedelta(hours=12)
_TOO_LATE = "之后又有变化，收不回来了；需要的话在看板上改"


class ChatMemory:
    """What one agent's messages refer to. deeds: done | delay | move."""

    def __init__(self, work: Work, agent: Agent) -> None:
        self.work, self.agent = work, agent
        self._name = f"chat:{agent.id}"
        known = get_status(work.session, self._name)
        self._value: dict[str, Any] = dict(known.value) if known is not None else {}

    @property
    def tasks(self) -> list[int] | None:
        """The ids of the list last shown, by their numbers; None where none was."""
        return self._value.get("tasks")

    def show(self, tasks: Sequence[SopTask], question: Mapping[str, Any] | None = None) -> None:
        """Keep a list as the agent saw it, and what is to be done with the one they pick."""
        self._keep(tasks=[task.id for task in tasks], question=dict(question or {}))

    def take_question(self) -> dict[str, Any]:
        """What was asked back, once; {} where nothing was."""
        question: dict[str, Any] = self._value.get("question") or {}
        if question:
            self._keep(question={})
        return question

    def did(self, deed: str, subject: int, before: Mapping[str, Any] | None = None) -> None:
        """Keep what was done last, and how it was before."""
        self._keep(
            last={"deed": deed, "subject": subject, "before": dict(before or {})}, at=self.work.now.isoformat()
        )

    def take_back(self) -> str:
        """Take back what was done last, where nothing has followed from it; says what came of it."""
        last = self._value.get("last")
        if not last or self.work.now - datetime.fromisoformat(self._value["at"]) > CAN_BE_TAKEN_BACK:
            return "没有可以撤销的。能撤销的是刚才在这里写的完成、推迟或移动"
        self._keep(last=None)
        return _UNDO[last["deed"]](self, last["subject"], last["before"])

    def back_as_it_was(self, task_id: int, before: Mapping[str, Any]) -> str:
        """Undo 完成 or 推迟 as long as the step still is what these words made of it."""
        task = self.work.session.get_one(SopTask, task_id, with_for_update=True)
        followed = task.replied_at or task.window_closed_at or task.sent_msgid or task.enrolment.ended_at
        if task.state != before["became"] or followed:
            return _TOO_LATE
        for name in ("state", "outcome", "timing", "sent_by_id"):
            setattr(task, name, before[name])
        for name in ("due_at", "expires_at", "delivered_at", "completed_at", "window_until", "told_leader_at"):
            setattr(task, name, datetime.fromisoformat(before[name]) if before[name] else None)
        task.shifts, task.reminded = before["shifts"], before["reminded"]
        if task.state == "queued":  # its card has been called off: it is prompted anew
            task.state = "planned"
        return f"收回了：{task.customer.name or '（未知姓名）'} 这一步又在单子里了。"

    def move_back(self, move_id: int, before: Mapping[str, Any]) -> str:
        """Undo 移动."""
        move = self.work.session.get_one(StageMove, move_id)
        if move.from_stage is None:
            return "这是客户进入流程的第一步，没有更早的阶段可退"
        state = load_customer(self.work.session, self.work.session.get_one(Customer, move.customer_id))
        try:
            undone = undo_move(self.work, state, move_id, self.agent.userid)
        except MoveRefusedError as refused:
            return str(refused)
        return f"收回了：{state.customer.name or '（未知姓名）'} 回到「{undone.row.to_stage}」。"

    def _keep(self, **values: Any) -> None:
        self._value |= values
        set_status(self.work.session, self._name, self._value, self.work.now)


def as_it_is(task: SopTask, became: str) -> dict[str, Any]:
    """What 完成 or 推迟 changes of a step, to be restored; `became`: its state afterwards."""
    times = ("due_at", "expires_at", "delivered_at", "completed_at", "window_until", "told_leader_at")
    plain = ("state", "outcome", "timing", "sent_by_id")
    moments = {name: at.isoformat() if (at := getattr(task, name)) else None for name in times}
    return {
        **{name: getattr(task, name) for name in plain},
        **moments,
        "shifts": list(task.shifts),
        "reminded": list(task.reminded),
        "became": became,
    }


_UNDO: dict[str, Callable[[ChatMemory, int, Mapping[str, Any]], str]] = {
    "done": ChatMemory.back_as_it_was,
    "delay": ChatMemory.back_as_it_was,
    "move": ChatMemory.move_back,
}
