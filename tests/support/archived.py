"""An archive by hand: recorded or made messages put through the path, and the rows that came of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any, TypeVar

from sqlalchemy import inspect, select

from bot.intake.messages import OpenedRow
from bot.intake.pipeline import process_batch
from bot.platform.config.settings import Settings, parse_settings
from bot.platform.database.store import Store
from bot.platform.models import Message, Model
from bot.platform.work import Work
from bot.wecom.messages import read_message

NOW = datetime(2026, 1, 5, 4, 0, tzinfo=UTC)
Row = TypeVar("Row", bound=Model)
LIN, CHEN = "LinXiaoyu", "ChenGuoan"
WANG, ZHAO = "wmTEST0AAexternalcontact000000A1", "woTEST0AAexternalcontact000000B2"
ROOM = "wrTEST0AAgroupchat0000000000000D"
CONFIG = """
[[rules]]
id = "ask-price"
tag = "考虑价格"
any = ["多少钱"]
match = "text"

[[rules]]
id = "any-words"
tag = "说过话"
any = ["位置", "加200元", "八点", "海景房", "名片"]
match = "text"

[[pipelines]]
name = "课程转化"
stages = [{ name = "新线索", on = ["@spoke"] }, { name = "考虑价格" }]

[[sops]]
id = "price"
stage = "考虑价格"
stop = ["left"]

  [[sops.steps]]
  after = "1d"
  anytime = true
  say = "明天再聊。"
"""


@dataclass
class Archived:
    """A database and the messages that arrive in it, in the order of the calls."""

    store: Store
    settings: Settings = field(default_factory=lambda: parse_settings(CONFIG, examples=False))
    now: datetime = NOW
    seqs: count[int] = field(default_factory=lambda: count(1))

    def arrive(self, *plains: bytes) -> None:
        """One batch of decrypted messages."""
        arrived = [OpenedRow(next(self.seqs), read_message(plain)) for plain in plains]
        with self.store.write() as session:
            process_batch(Work(session, self.settings, self.now), arrived)

    def say(self, text: str, at: float = 0, **changes: Any) -> str:
        """A text, from the customer to the agent unless changed, at so many minutes after the hour; its msgid."""
        plain = said(text, at, **changes)
        self.arrive(plain)
        return str(json.loads(plain)["msgid"])

    def send(self, kind: str, body: dict[str, Any], at: float = 0, **changes: Any) -> str:
        """Any other kind."""
        return self.say("", at, msgtype=kind, **{kind: body}, **changes)

    def rows(self, model: type[Row], *where: Any) -> Sequence[Row]:
        """All rows of a table, in their order."""
        with self.store.read() as session:
            return session.scalars(select(model).where(*where).order_by(*inspect(model).primary_key)).all()

    def message(self, msgid: str) -> Message:
        with self.store.read() as session:
            return session.scalars(select(Message).where(Message.msgid == msgid)).one()


_NUMBERS = count(1)


def said(text: str, at: float = 0, **changes: Any) -> bytes:
    """The decrypted JSON of a message."""
    moment = int((NOW.timestamp() + at * 60) * 1000)
    message = {"msgid": f"made{next(_NUMBERS)}_external", "action": "send", "from": WANG, "tolist": [LIN],
               "roomid": "", "msgtime": moment, "msgtype": "text", "text": {"content": text}}  # fmt: skip
    return json.dumps(message | changes, ensure_ascii=False).encode("utf-8", "surrogatepass")
