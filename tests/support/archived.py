"""Archived messages, recorded or made, put through the intake, and the rows that result."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count, permutations
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
    """A database, and messages that arrive in it in the order of the calls."""

    store: Store
    settings: Settings = field(default_factory=lambda: parse_settings(CONFIG, examples=False))
    now: datetime = NOW
    seqs: count[int] = field(default_factory=lambda: count(1))

    def arrive(self, *plains: bytes) -> None:
        """Take in one batch of decrypted messages."""
        arrived = [OpenedRow(next(self.seqs), read_message(plain)) for plain in plains]
        with self.store.write() as session:
            process_batch(Work(session, self.settings, self.now), arrived)

    def say(self, text: str, at: float = 0, **changes: Any) -> str:
        """Take in a text, by default from the customer to the agent, `at` minutes after NOW; returns its msgid."""
        plain = said(text, at, **changes)
        self.arrive(plain)
        return str(json.loads(plain)["msgid"])

    def send(self, kind: str, body: dict[str, Any], at: float = 0, **changes: Any) -> str:
        """Take in a message of any other kind; returns its msgid."""
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
    """The decrypted JSON of a message, `at` minutes after NOW."""
    message = text_message(f"made{next(_NUMBERS)}_external", WANG, LIN, text, NOW + timedelta(minutes=at))
    return json.dumps(message | changes, ensure_ascii=False).encode("utf-8", "surrogatepass")


def text_message(msgid: str, sender: str, to: str, text: str, at: datetime) -> dict[str, Any]:
    """A text as WeCom archives it."""
    return {"msgid": msgid, "action": "send", "from": sender, "tolist": [to], "roomid": "",
            "msgtime": int(at.timestamp() * 1000), "msgtype": "text", "text": {"content": text}}  # fmt: skip


def arrive_in_every_order(archived: Archived, talk: Sequence[bytes]) -> None:
    """Take in a talk with WANG in every order, each with another customer; then everything twice more.

    Of every second order each message comes in a batch after the one before, the others come all in one batch.
    """
    talks = [[_of_another(one, number) for one in order] for number, order in enumerate(permutations(talk))]
    for batch in zip(*talks[1::2], strict=True):
        archived.arrive(*batch)
    for start in range(0, len(talks), 12):
        archived.arrive(*(plain for own in talks[start : start + 12] for plain in (*own, *own)))


def _of_another(plain: bytes, number: int) -> bytes:
    """The same message in the talk with another customer."""
    message = json.loads(plain.decode().replace(WANG, f"{WANG[:-4]}{number:04}"))
    if "revoke" in message:
        message["revoke"]["pre_msgid"] = f"{number}-{message['revoke']['pre_msgid']}"
    return json.dumps(message | {"msgid": f"{number}-{message['msgid']}"}, ensure_ascii=False).encode()
