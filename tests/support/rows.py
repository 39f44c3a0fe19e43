"""Rows for tests: people, messages, evidence, tags, planned tasks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.platform.models import (
    Agent,
    Customer,
    Evidence,
    Follow,
    Message,
    Model,
    Placement,
    SopEnrolment,
    SopTask,
    StageMove,
    Tagging,
)

Row = TypeVar("Row", bound=Model)
_NUMBERS = count(1)


@dataclass
class Rows:
    """Adds rows to a session; `now` is the time at which they come about."""

    session: Session
    now: datetime

    def agent(self, name: str = "王老师") -> Agent:
        number = next(_NUMBERS)
        return self._add(Agent(key=f"agent{number}", userid=f"Agent{number}", name=name, created_at=self.now))

    def customer(
        self, name: str = "李女士", stage: str | None = "新线索", agent: Agent | None = None, **values: Any
    ) -> Customer:
        values = {"external_userid": f"wm{next(_NUMBERS):030}", **values}
        customer = self._add(Customer(name=name, created_at=self.now, **values))
        if stage is not None:
            self.place(customer, stage)
        if agent is not None:
            self._add(Follow(agent_id=agent.id, customer_id=customer.id, added_at=self.now))
        return customer

    def place(
        self, customer: Customer, stage: str, pipeline: str = "课程转化", ago: timedelta = timedelta(0)
    ) -> None:
        at = self.now - ago
        self._add(Placement(customer_id=customer.id, pipeline=pipeline, stage=stage, entered_at=at))
        self._add(
            StageMove(
                customer_id=customer.id, pipeline=pipeline, serial=1, from_stage=None, to_stage=stage,
                cause="event", trigger="@added", version="v1", moved_at=at,
            )
        )  # fmt: skip

    def message(
        self, customer: Customer, text: str, agent: Agent | None = None, ago: timedelta = timedelta(0), line: str = ""
    ) -> Message:
        number = next(_NUMBERS)
        return self._add(
            Message(
                msgid=f"m{number}", seq=number, action="send", kind="text" if text else "image",
                sender=agent.userid if agent else customer.external_userid,
                role="agent" if agent else "customer",
                customer_id=customer.id, agent_id=agent.id if agent else None,
                sent_at=self.now - ago, stored_at=self.now, text=text, line=line or text, raw="{}",
            )
        )  # fmt: skip

    def evidence(
        self, message: Message, spans: Sequence[list[object]], tag: str, reason: str, rule: str = "ask-price"
    ) -> Evidence:
        assert message.customer_id is not None
        return self._add(
            Evidence(
                customer_id=message.customer_id, message_id=message.id, occasion=message.msgid,
                rule_id=rule, tag=tag, version="v1", spans=list(spans), reason=reason, hit_at=self.now,
            )
        )  # fmt: skip

    def tag(self, customer: Customer, tag: str, **values: Any) -> Tagging:
        given = {"by": "rule", "version": "v1", "tagged_at": self.now, **values}
        return self._add(Tagging(customer_id=customer.id, tag=tag, **given))

    def task(self, customer: Customer, agent: Agent, text: str, steps: int = 1, **values: Any) -> SopTask:
        """An enrolment of `steps` tasks a day apart; the first has `values` and is returned."""
        number = next(_NUMBERS)
        enrolment = self._add(
            SopEnrolment(
                customer_id=customer.id, agent_id=agent.id, sop_id="price-nurture", cause=f"move:{number}", stop=[],
                version="v1", enrolled_at=self.now,
            )
        )  # fmt: skip
        tasks = [self._step(enrolment, step, text, values if step == 0 else {}) for step in range(steps)]
        return tasks[0]

    def _step(self, enrolment: SopEnrolment, step: int, text: str, values: dict[str, Any]) -> SopTask:
        due_at = self.now + timedelta(days=step)
        given = {
            "due_at": due_at,
            "expires_at": due_at + timedelta(days=3),
            "wording": text,
            "text": text,
            "why": "价格跟进：进入「考虑价格」",
            "customer_id": enrolment.customer_id,
            "agent_id": enrolment.agent_id,
        }
        return self._add(SopTask(enrolment_id=enrolment.id, step=step, **(given | values)))

    def _add(self, row: Row) -> Row:
        self.session.add(row)
        self.session.flush()
        return row


def known_agent(session: Session, userid: str, name: str, now: datetime) -> Agent:
    """The agent of this userid, created unless there is one."""
    agent = session.scalar(select(Agent).where(Agent.key == userid.casefold()))
    if agent is None:
        agent = Agent(key=userid.casefold(), userid=userid, name=name, created_at=now)
        session.add(agent)
        session.flush()
    return agent
