"""Mass: an agent whose customers get mass messages by an SOP; work done and time moved by hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from bot.customers.identity import find_agents, find_customers, start_follow
from bot.customers.state import load_customer
from bot.intake.pull import pull
from bot.platform import clock
from bot.platform.models import Customer, GroupSend, Lease, Outbox, SopEnrolment, SopTask
from bot.platform.work import Work
from bot.sandbox.control import SandboxControl
from bot.sops.follow_up import CustomerEvent, follow_up
from bot.sops.stopping import end_enrolment
from bot.system import System, use_system
from bot.worker import timed_work
from tests.support.engine import send_all
from tests.support.parts import AGENT

TEXT = "本周六上午有一节公开课，想来听的回复「来」就行。"
LINK = "https://example.com/open-class"
PICTURE = bytes.fromhex("89504e470d0a1a0a") + b"tici test picture"
CONFIG = f"""
[workspace]
workdays = "everyday"
work_hours = "00:00-23:59"

[budget]
customer = "9/day"
talk_hold = "0m"

[overdue]
remind_after = "2h"
reminders = 5

[[tags]]
group = "活动"
names = ["公开课", "已回复", "未回复"]

[[sops]]
id = "open-class"
on = "tag:公开课"
stop = ["reply", "left"]
channel = "group-send"

  [[sops.steps]]
  after = "0m"
  say = "{TEXT}"
  attach = [
    {{ kind = "link", title = "公开课", url = "{LINK}" }},
    {{ kind = "image", file = "poster.png" }},
  ]
  valid_for = "2d"
  reply_window = "24h"
  on_reply = "已回复"

[[sops]]
id = "by-name"
on = "tag:未回复"
channel = "group-send"

  [[sops.steps]]
  say = "{{customer.name|您}}好，公开课的回放给您留好了。"
"""


@dataclass
class Mass:
    """One agent, their customers in `who`, and the phones of the sandbox."""

    system: System
    phone: SandboxControl
    who: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        use_system(self.system)

    def meet(self, number: int) -> None:
        """Have this many customers add the agent, in WeCom and in our database."""
        for _ in range(number):
            name = f"客户{len(self.who) + 1}"
            self.who.append(self.phone.add_customer(AGENT, name, welcome=False)["external_userid"])
        with self.system.store.write() as session:
            agent = find_agents(session, [AGENT], clock.now())[AGENT.casefold()]
            for customer in find_customers(session, self.who, clock.now()).values():
                start_follow(session, agent, customer, clock.now())

    def start(self, *who: str, tag: str = "公开课", cause: str = "test") -> None:
        """Begin the SOP for these customers, or for all; the first card or mass message is written to the outbox."""
        for person in who or self.who:
            with self.system.store.write() as session:
                customer = self.customer(session, person)
                happened = CustomerEvent(f"{cause}:{person}", tags=[tag], fresh=[tag])
                follow_up(
                    Work(session, self.system.settings, clock.now()), load_customer(session, customer), happened
                )

    def customer(self, session: Session, who: str) -> Customer:
        return session.scalars(select(Customer).where(Customer.external_userid == who)).one()

    def stop(self, who: str, reason: str = "客户已回复") -> None:
        with self.system.store.write() as session:
            customer = self.customer(session, who)
            for enrolment in session.scalars(select(SopEnrolment).where(SopEnrolment.customer_id == customer.id)):
                end_enrolment(Work(session, self.system.settings, clock.now()), enrolment, reason)

    def later(self, **span: float) -> None:
        clock.move_forward(timedelta(**span))

    def work(self) -> None:
        """Run the scheduler's jobs, and deliver all that is due by now."""
        pull(self.system)
        timed_work.due_chunk(self.system)
        timed_work.watch_sends(self.system)
        for _ in range(20):
            if not send_all(self.system):
                return
        raise AssertionError("there is always more to do")

    def leave(self) -> GroupSend:
        """Begin for all: the poster is uploaded, the mass message is created and old enough to be polled."""
        self.work()
        self.start()
        self.later(seconds=20)
        self.work()
        self.later(seconds=5)
        return self.sends()[-1]

    def confirm(self, group: GroupSend) -> None:
        """Confirm on the agent's phone."""
        assert group.msgid is not None
        self.phone.confirm_group_send(AGENT, group.msgid)

    def leases_end(self) -> None:
        """Expire all leases, as if a worker that held rows had died long ago."""
        long_ago = clock.now() - timedelta(days=3650)
        with self.system.store.write() as session:
            session.execute(update(Outbox).where(Outbox.state == "sending").values(lease_until=long_ago))
            session.execute(update(Lease).values(until=long_ago))

    def sends(self) -> list[GroupSend]:
        with self.system.store.read() as session:
            return list(session.scalars(select(GroupSend).order_by(GroupSend.id)))

    def task(self, who: str) -> SopTask:
        """The customer's last task."""
        with self.system.store.read() as session:
            mine = select(SopTask).join(Customer, Customer.id == SopTask.customer_id)
            task = session.scalars(mine.where(Customer.external_userid == who).order_by(SopTask.id.desc())).first()
            assert task is not None
            return task

    def rows(self, kind: str) -> list[Outbox]:
        with self.system.store.read() as session:
            return list(session.scalars(select(Outbox).where(Outbox.kind == kind).order_by(Outbox.id)))

    def made(self) -> list[dict[str, object]]:
        """The mass messages that WeCom was asked to create."""
        return self.phone.effects(0, "group_send")


def prepare_files(folder: Path) -> None:
    """Write the config and its material library."""
    (folder / "config.toml").write_text(CONFIG, encoding="utf-8")
    (folder / "materials").mkdir()
    (folder / "materials" / "poster.png").write_bytes(PICTURE)
