"""People and moments for tests of what follows: rows by hand, jobs by name, the clock moved."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from bot.customers.state import load_customer
from bot.delivery.rows import waiting_ids
from bot.intake.messages import OpenedRow
from bot.intake.pipeline import process_batch
from bot.platform import clock
from bot.platform.config.settings import Settings, parse_settings
from bot.platform.database.store import Store
from bot.platform.models import Agent, Customer, CustomerField, Follow, Outbox, SopEnrolment, SopTask
from bot.platform.work import Work
from bot.sops.follow_up import CustomerEvent, follow_up
from bot.system import System, use_system
from bot.wecom.messages import ArchivedMessage, read_message
from bot.worker.handlers import deliver

ZONE = ZoneInfo("Asia/Shanghai")
_NUMBERS = count(1)


def local(text: str) -> datetime:
    """A moment in Shanghai."""
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


@dataclass
class Engine:
    """The rows of one database under one config, at a moment of the test's own."""

    store: Store
    settings: Settings
    now: datetime
    userid: str = "LinXiaoyu"
    seq: count[int] = field(default_factory=lambda: count(1))

    def agent(self, userid: str = "LinXiaoyu") -> int:
        with self.store.write() as session:
            known = session.scalar(select(Agent).where(Agent.key == userid.casefold()))
            row = known or Agent(key=userid.casefold(), userid=userid, name="林小雨", created_at=self.now)
            session.add(row)
            session.flush()
            return row.id

    def customer(self, userid: str = "LinXiaoyu", **fields: str) -> str:
        """A customer whom the agent has; `fields` are his own."""
        who = f"wm{next(_NUMBERS):030}"
        agent = self.agent(userid)
        with self.store.write() as session:
            customer = Customer(external_userid=who, name="陈静", created_at=self.now)
            session.add(customer)
            session.flush()
            session.add(Follow(agent_id=agent, customer_id=customer.id, added_at=self.now))
            session.add_all(CustomerField(customer_id=customer.id, name=n, value=v) for n, v in fields.items())
        return who

    def happen(self, who: str, cause: str = "test", **what: Any) -> list[int]:
        """Let something happen to a customer; the ids of what was put out."""
        with self.store.write() as session:
            work = Work(session, self.settings, self.now)
            state = load_customer(
                session, session.scalars(select(Customer).where(Customer.external_userid == who)).one()
            )
            follow_up(work, state, CustomerEvent(cause, **what))
        return work.outbox_ids

    def say(self, sender: str, to: str, text: str) -> None:
        """One archived text."""
        number = next(self.seq)
        raw = {"msgid": f"m{number}", "action": "send", "from": sender, "tolist": [to], "roomid": "",
               "msgtime": int(self.now.timestamp() * 1000), "msgtype": "text", "text": {"content": text}}  # fmt: skip
        message: ArchivedMessage = read_message(_json(raw), msgid=f"m{number}")
        with self.store.write() as session:
            process_batch(Work(session, self.settings, self.now), [OpenedRow(number, message)])

    def tasks(self, who: str, sop: str | None = None) -> Sequence[SopTask]:
        with self.store.read() as session:
            query = select(SopTask).join(Customer).join(SopEnrolment, SopEnrolment.id == SopTask.enrolment_id)
            query = query.where(Customer.external_userid == who).order_by(SopTask.id)
            return session.scalars(query if sop is None else query.where(SopEnrolment.sop_id == sop)).all()

    def enrolled(self, who: str) -> list[str]:
        with self.store.read() as session:
            query = select(SopEnrolment.sop_id).join(Customer, Customer.id == SopEnrolment.customer_id)
            return list(session.scalars(query.where(Customer.external_userid == who).order_by(SopEnrolment.id)))

    def change(self, task_id: int, **values: Any) -> None:
        with self.store.write() as session:
            for name, value in values.items():
                setattr(session.get_one(SopTask, task_id), name, value)

    def outbox(self, kind: str) -> Sequence[Outbox]:
        with self.store.read() as session:
            return session.scalars(select(Outbox).where(Outbox.kind == kind).order_by(Outbox.id)).all()

    def later(self, **span: float) -> None:
        self.now += timedelta(**span)


def engine(store: Store, config: str, now: str) -> Engine:
    """An engine on an empty database."""
    return Engine(store, parse_settings(config, examples=False), local(now))


def send_all(system: System) -> list[str | None]:
    """Deliver what waits to leave now."""
    use_system(system)
    with system.store.read() as session:
        ids = waiting_ids(session, clock.now())
    return [deliver(system, row_id) for row_id in ids]


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()
