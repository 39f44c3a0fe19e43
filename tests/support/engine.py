"""Engine for tests of SOPs: customers and agents as rows, events, messages, and a time of the test's own."""

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
from bot.platform.models import Customer, CustomerField, Outbox, SopEnrolment, SopTask, Tagging
from bot.platform.work import Work
from bot.sops.follow_up import CustomerEvent, follow_up
from bot.system import System, use_system
from bot.wecom.messages import read_message
from bot.worker.handlers import deliver
from tests.support.archived import text_message
from tests.support.rows import Rows, known_agent

ZONE = ZoneInfo("Asia/Shanghai")


def local(text: str) -> datetime:
    """A time in Shanghai."""
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


@dataclass
class Engine:
    """One database under one config, at a time that the test sets."""

    store: Store
    settings: Settings
    now: datetime
    userid: str = "LinXiaoyu"
    seq: count[int] = field(default_factory=lambda: count(1))

    def agent(self, userid: str = "LinXiaoyu") -> int:
        with self.store.write() as session:
            return known_agent(session, userid, "林小雨", self.now).id

    def customer(self, userid: str = "LinXiaoyu", key: str = "", **fields: str) -> str:
        """A customer of the agent, with these fields; returns the external_userid, `key` where one is given."""
        with self.store.write() as session:
            agent = known_agent(session, userid, "林小雨", self.now)
            given = {"external_userid": key} if key else {}
            customer = Rows(session, self.now).customer("陈静", None, agent, **given)
            session.add_all(CustomerField(customer_id=customer.id, name=n, value=v) for n, v in fields.items())
            return customer.external_userid

    def happen(self, who: str, cause: str = "test", **what: Any) -> list[int]:
        """Have something happen to a customer; returns the ids of the outbox rows that result."""
        with self.store.write() as session:
            work = Work(session, self.settings, self.now)
            state = load_customer(
                session, session.scalars(select(Customer).where(Customer.external_userid == who)).one()
            )
            follow_up(work, state, CustomerEvent(cause, **what))
        return work.outbox_ids

    def say(self, sender: str, to: str, text: str, room: str = "") -> None:
        """Take in one archived text, said in a group where `room` names one."""
        number = next(self.seq)
        raw = {**text_message(f"m{number}", sender, to, text, self.now), "roomid": room}
        message = read_message(json.dumps(raw).encode(), msgid=f"m{number}")
        with self.store.write() as session:
            process_batch(Work(session, self.settings, self.now), [OpenedRow(number, message)])

    def tasks(self, who: str, sop: str | None = None) -> Sequence[SopTask]:
        with self.store.read() as session:
            query = select(SopTask).join(Customer).join(SopEnrolment, SopEnrolment.id == SopTask.enrolment_id)
            query = query.where(Customer.external_userid == who).order_by(SopTask.id)
            return session.scalars(query if sop is None else query.where(SopEnrolment.sop_id == sop)).all()

    def tags(self, who: str) -> set[str]:
        with self.store.read() as session:
            query = select(Tagging.tag).join(Customer, Customer.id == Tagging.customer_id)
            return set(session.scalars(query.where(Customer.external_userid == who, Tagging.removed_at.is_(None))))

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
    """Deliver the outbox rows that are due; returns the outcome of each."""
    use_system(system)
    return [deliver(system, row_id) for row_id in waiting(system)]


def waiting(system: System, ahead: timedelta = timedelta(0)) -> Sequence[int]:
    """The ids of the outbox rows that are due now, or `ahead` of now."""
    with system.store.read() as session:
        return waiting_ids(session, clock.now() + ahead)
