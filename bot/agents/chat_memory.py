"""Memory of an agent's chat with the app: the list last shown, what was asked back, and the last deed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from bot.agents.chat_words import Item, effect_lines
from bot.agents.manual_moves import MoveRefusedError, undo_move
from bot.agents.own_follow_ups import end, restore
from bot.agents.promises import restore_promise
from bot.customers.state import load_customer
from bot.platform.database.store import get_status, set_status
from bot.platform.models import Agent, Customer, Note, OwnFollowUp, Promise, SopTask, StageMove
from bot.platform.work import Work

CAN_BE_TAKEN_BACK = timedelta(hours=12)
_TOO_LATE = "之后又有变化，收不回来了；需要的话在看板上改"


class ChatMemory:
    """What one agent's messages refer to. deeds: done | delay | move | own | promise | remind | note."""

    def __init__(self, work: Work, agent: Agent) -> None:
        self.work, self.agent = work, agent
        self._name = f"chat:{agent.id}"
        known = get_status(work.session, self._name)
        self._value: dict[str, Any] = dict(known.value) if known is not None else {}

    @property
    def items(self) -> list[int | str] | None:
        """What the list last shown named, by its numbers, as `mark` tells them; None where none was shown."""
        return self._value.get("tasks")

    @property
    def people(self) -> list[int]:
        """The customers about whom was asked back last, by their numbers."""
        return self._value.get("people") or []

    @property
    def question(self) -> dict[str, Any]:
        """What was asked back last; {} where nothing was."""
        return self._value.get("question") or {}

    @staticmethod
    def mark(item: Item) -> int | str:
        """How a thing to do is remembered: a step by its id, others as "own:<id>" and "promise:<id>"."""
        if isinstance(item, SopTask):
            return item.id
        return f"{'own' if isinstance(item, OwnFollowUp) else 'promise'}:{item.id}"

    def item(self, mark: int | str) -> Item | None:
        """What was remembered so; None where it is gone."""
        if not isinstance(mark, str):
            return self.work.session.get(SopTask, mark)
        kind, _, key = mark.partition(":")
        found: Item | None = (
            self.work.session.get(OwnFollowUp, int(key))
            if kind == "own"
            else self.work.session.get(Promise, int(key))
        )
        return found

    def show(self, items: Sequence[Item], question: Mapping[str, Any] | None = None) -> None:
        """Keep a list as the agent saw it, and what is to be done with the one they pick."""
        self._keep(tasks=[self.mark(item) for item in items], question=dict(question or {}), people=[])

    def ask_who(self, customers: Sequence[int], question: Mapping[str, Any]) -> None:
        """Keep the customers among whom the agent is to choose, and what is to be done then."""
        self._keep(people=list(customers), question=dict(question))

    def take_question(self) -> dict[str, Any]:
        """What was asked back, once; {} where nothing was."""
        question = self.question
        if question or self.people:
            self._keep(question={}, people=[])
        return question

    def did(self, deed: str, subject: int, before: Mapping[str, Any] | None = None) -> None:
        """Keep what was done last, and how it was before."""
        last = {"deed": deed, "subject": subject, "before": dict(before or {})}
        self._keep(last=last, at=self.work.now.isoformat(), question={}, people=[])

    def take_back(self) -> str:
        """Take back what was done last, where nothing has followed from it; says what came of it."""
        last = self._value.get("last")
        if not last or self.work.now - datetime.fromisoformat(self._value["at"]) > CAN_BE_TAKEN_BACK:
            return "没有可以撤销的。能撤销的是刚才在这里写的完成、推迟、移动、提醒或备注"
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
        told = f"收回了：{state.customer.name or '（未知姓名）'} 回到「{undone.row.to_stage}」。"
        return "\n".join([told, *effect_lines(self.work.settings, undone.effects)])

    def own_as_it_was(self, row_id: int, before: dict[str, Any]) -> str:
        """Undo 完成 or 推迟 of an own follow-up."""
        row = self.work.session.get(OwnFollowUp, row_id)
        if row is None:
            return _TOO_LATE
        restore(row, before, self.work.now)
        return f"收回了：{row.customer.name or '（未知姓名）'} {row.words or '跟进'} 又在单子里了。"

    def promise_as_it_was(self, row_id: int, before: dict[str, Any]) -> str:
        """Undo 完成 or 推迟 of what was promised."""
        row = self.work.session.get(Promise, row_id)
        if row is None:
            return _TOO_LATE
        restore_promise(self.work, row, before)
        return f"收回了：{row.customer.name or '（未知姓名）'} 「{row.words[:30]}」 又在单子里了。"

    def drop_own(self, row_id: int, before: Mapping[str, Any]) -> str:
        """Undo 提醒."""
        row = self.work.session.get(OwnFollowUp, row_id)
        if row is None or row.state != "open":
            return "这个提醒已经结束了，没有什么可收回的"
        end(row, self.work.now, "hand", state="dropped")
        return f"收回了：不再提醒 {row.customer.name or '（未知姓名）'} {row.words}。"

    def remove_note(self, note_id: int, before: Mapping[str, Any]) -> str:
        """Undo 备注."""
        note = self.work.session.get(Note, note_id)
        if note is None or note.removed_at is not None:
            return "这条备注已经删掉了"
        note.removed_at, note.text = self.work.now, ""
        return "收回了：刚才的备注删掉了。"

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


_UNDO: dict[str, Callable[[ChatMemory, int, dict[str, Any]], str]] = {
    "done": ChatMemory.back_as_it_was,
    "delay": ChatMemory.back_as_it_was,
    "move": ChatMemory.move_back,
    "own": ChatMemory.own_as_it_was,
    "promise": ChatMemory.promise_as_it_was,
    "remind": ChatMemory.drop_own,
    "note": ChatMemory.remove_note,
}
