"""Pair: the board and the phones of one customer, WeCom's events, and the work that follows, done step by step."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.agents.manual_moves import move_by_hand
from bot.customers.marks import shown_tags
from bot.customers.stages import move_by
from bot.customers.state import CustomerState, load_customer
from bot.platform import clock
from bot.platform.config.settings import Settings
from bot.platform.models import CallbackEvent, Customer, Outbox, Placement, StageMove, Tagging
from bot.platform.work import Work
from bot.sandbox.control import SandboxControl
from bot.system import System, use_system
from bot.worker import jobs
from bot.worker.handlers import deliver
from tests.support.engine import waiting
from tests.support.parts import AGENT, COLLEAGUE

PIPELINE = "课程转化"
STAGES = ("新线索", "考虑价格", "试听", "成交")
CONFIG = """
[[tags]]
group = "意向"
exclusive = true
names = ["高意向", "低意向", "已约试听"]

[[rules]]
id = "ask-price"
tag = "考虑价格"
any = ["多少钱"]
match = "text"

[[pipelines]]
name = "课程转化"
hold = "24h"
stages = [
  { name = "新线索", on = ["@added"] },
  { name = "考虑价格" },
  { name = "试听", on = ["已约试听"] },
  { name = "成交", on = [], won = true },
]

[[pipelines.moves]]
from = "试听"
to = "成交"
after = "1h"

[sync]
policy = "newest"
"""
_EVENT = """<xml><ToUserName>corp</ToUserName><FromUserName>sys</FromUserName><CreateTime>{at}</CreateTime>
<MsgType>event</MsgType><Event>{event}</Event><ChangeType>{change}</ChangeType>{rest}</xml>"""


@dataclass
class Pair:
    """The board of `system` and the phones of its WeCom; `who` is the customer on both."""

    system: System
    phone: SandboxControl
    who: str = ""
    numbers: count[int] = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        use_system(self.system)

    @property
    def settings(self) -> Settings:
        return self.system.settings

    def meet(self, name: str = "李女士", userid: str = AGENT, **given: object) -> str:
        """Have a customer add an agent; the event arrives and all that follows is done."""
        who: str = self.phone.add_customer(userid, name, welcome=False, **given)["external_userid"]
        self.tell("add", userid, who)
        self.work()
        self.who = self.who or who
        return who

    def edit(self, userid: str = AGENT, add: Sequence[str] = (), remove: Sequence[str] = (), who: str = "") -> None:
        """Change tags on the agent's phone; no event is sent yet."""
        self.phone.edit_customer(userid, who or self.who, add_tag=list(add), remove_tag=list(remove))

    def tell(self, change: str, userid: str = AGENT, who: str = "", at: datetime | None = None) -> None:
        """Deliver WeCom's event of a changed contact."""
        person = f"<UserID>{userid}</UserID><ExternalUserID>{who or self.who}</ExternalUserID>"
        changes = {"add": "add_external_contact", "edit": "edit_external_contact", "del": "del_external_contact"}
        self._event("change_external_contact", changes[change], person, at)

    def tell_transfer(self, userid: str = AGENT, who: str = "") -> None:
        """Deliver WeCom's event that the agent lost the customer by a transfer."""
        person = f"<UserID>{userid}</UserID><ExternalUserID>{who or self.who}</ExternalUserID>"
        rest = f"{person}<Source>DELETE_BY_TRANSFER</Source>"
        self._event("change_external_contact", "del_external_contact", rest, None)

    def tell_failed_transfer(self, taker: str, reason: str = "customer_refused") -> None:
        """Deliver WeCom's event that the transfer to this agent failed."""
        person = f"<UserID>{taker}</UserID><ExternalUserID>{self.who}</ExternalUserID>"
        self._event("change_external_contact", "transfer_fail", f"{person}<FailReason>{reason}</FailReason>", None)

    def tell_staff(self, change: str, userid: str) -> None:
        """Deliver WeCom's event of a changed directory."""
        self._event("change_contact", change, f"<UserID>{userid}</UserID>", None)

    def tell_library(self, change: str = "update") -> None:
        """Deliver WeCom's event of a changed tag library."""
        self._event("change_external_tag", change, "<Id>et1</Id><TagType>tag</TagType>", None)

    def _event(self, event: str, change: str, rest: str, at: datetime | None) -> None:
        stamp = (at or clock.now()).replace(microsecond=0)
        xml = _EVENT.format(at=int(stamp.timestamp()), event=event, change=change, rest=rest)
        with self.system.store.write() as session:
            session.add(
                CallbackEvent(
                    digest=hashlib.sha1(f"{next(self.numbers)}{xml}".encode()).hexdigest(), name=event,
                    change_type=change, raw_xml=xml, created_at=stamp, received_at=clock.now(), attempts=0,
                )
            )  # fmt: skip

    def work(self, rounds: int = 30) -> int:
        """Handle events and deliver until nothing is left; returns how many calls were made to WeCom."""
        sent = 0
        for _ in range(rounds):
            jobs.handle_events()
            ids = waiting(self.system, timedelta(seconds=30))
            if not ids:
                return sent
            sent += sum(self._deliver(row_id) == "sent" for row_id in ids)
        raise AssertionError("there is always more to do")

    def work_once(self) -> None:
        """Try once what is due; what fails stays."""
        for row_id in waiting(self.system):
            self._deliver(row_id)

    def _deliver(self, row_id: int) -> str | None:
        with self.system.store.write() as session:
            row = session.get_one(Outbox, row_id)
            row.not_before = min(row.not_before, clock.now())
        return deliver(self.system, row_id)

    def drag(self, to: str, who: str = "") -> StageMove:
        """Drag the card; the tag is not marked until `work`."""
        settings = self.settings
        with self.system.store.write() as session:
            row = move_by_hand(Work(session, settings, clock.now()), self.state(session, who), PIPELINE, to, "admin")
            return row.row

    def by_rule(self, trigger: str) -> None:
        """Move the card by a rule's tag, if that is allowed."""
        settings = self.settings
        with self.system.store.write() as session:
            move_by(Work(session, settings, clock.now()), self.state(session), [trigger])

    def state(self, session: Session, who: str = "") -> CustomerState:
        customer = session.scalars(select(Customer).where(Customer.external_userid == (who or self.who))).one()
        return load_customer(session, customer)

    def on_phone(self, userid: str = AGENT, who: str = "", group: str = PIPELINE) -> list[str]:
        """The names of a group's tags that the agent sees."""
        found = self.system.wecom.customer(who or self.who)
        ids = shown_tags(found, userid)
        return [tag["name"] for g in self.system.wecom.corp_tags() if g["group_name"] == group for tag in g["tag"]
                if tag["id"] in ids]  # fmt: skip

    def on_board(self, who: str = "") -> str | None:
        with self.system.store.read() as session:
            here = select(Placement.stage).join(Customer).where(Customer.external_userid == (who or self.who))
            return session.scalars(here.where(Placement.pipeline == PIPELINE)).one_or_none()

    def ledger(self, who: str = "") -> list[StageMove]:
        with self.system.store.read() as session:
            mine = Customer.external_userid == (who or self.who)
            moves = select(StageMove).join(Customer, Customer.id == StageMove.customer_id).where(mine)
            return list(session.scalars(moves.order_by(StageMove.serial)))

    def carried(self) -> dict[str, Tagging]:
        with self.system.store.read() as session:
            return dict(self.state(session).carried)

    def id_of(self, name: str, group: str = PIPELINE) -> str:
        """A tag's id in the library."""
        groups = [g for g in self.system.wecom.corp_tags() if g["group_name"] == group]
        found: str = next(tag["id"] for g in groups for tag in g["tag"] if tag["name"] == name)
        return found

    def other_app(self, add: Sequence[str] = (), remove: Sequence[str] = (), userid: str = AGENT) -> None:
        """Mark tags by the API as another app would, of which WeCom sends no event."""
        ids = [[self.id_of(name) for name in names] for names in (add, remove)]
        self.system.wecom.mark_tag(userid, self.who, add=ids[0], remove=ids[1])

    def marks(self, since: int = 0) -> list[dict[str, object]]:
        """The tag changes since an effect, by anybody."""
        return self.phone.effects(since, "tags")


def agree(pair: Pair, userids: Sequence[str] = (AGENT, COLLEAGUE)) -> None:
    """Assert that board and phones show the same, and that the ledger leads to it."""
    stage = pair.on_board()
    for userid in userids:
        assert pair.on_phone(userid) == [stage]
    assert replayed(pair.ledger()) == stage


def replayed(moves: Sequence[StageMove]) -> str | None:
    """The stage that the ledger leads to; each move must begin where the one before ended."""
    standing: str | None = None
    for serial, move in enumerate(moves, 1):
        assert (move.serial, move.from_stage) == (serial, standing)
        standing = move.to_stage
    return standing
