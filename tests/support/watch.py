"""One customer under rules of behaviour: says and does things at times of the test's own."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count

from sqlalchemy import select

from bot.intake.events import apply_event
from bot.intake.messages import OpenedRow
from bot.intake.pipeline import process_batch
from bot.platform.config.settings import Settings, parse_settings
from bot.platform.database.store import Store
from bot.platform.models import (
    Agent,
    CallbackEvent,
    Customer,
    Follow,
    SopTask,
    Tagging,
)
from bot.platform.work import Work
from bot.sops.completion import close_windows
from bot.wecom.messages import read_message

WHO, AGENT, ROOM = "wmWATCHED0001", "LinXiaoyu", "wrROOM0001"
FRIDAY = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)  # ten in the morning in Shanghai
STEP = "课程分三档，先看看目录，再决定学哪一档。"
CONFIG = f"""
[workspace]
workdays = "everyday"

[[pipelines]]
name = "转化"
stages = [{{ name = "新线索", on = ["@added"] }}, {{ name = "有意向", on = ["发过图"] }}]

[[sops]]
id = "hello"
on = "@added"
stop = []
  [[sops.steps]]
  after = "0m"
  anytime = true
  say = "{STEP}"
  reply_window = "24h"
""" + "".join(
    f'\n[[rules]]\nid = "r{number}"\ntag = "{tag}"\non = ["{on}"]\n{more}\n'
    for number, (tag, on, more) in enumerate(
        [
            ("直播来的", "@added:live", ""),
            ("删过员工", "@deleted", ""),
            ("首次开口", "@first-message", ""),
            ("夜猫子", "@night:22-6", 'times = 2\nwithin = "7d"'),
            ("发过图", "kind:image", ""),
            ("看过对照表", "link:opened:对照表", ""),
            ("反复看", "link:opened", 'times = 3\nwithin = "1d"'),
            ("回了第一步", "reply:hello/1", ""),
            ("没回第一步", "no-reply:hello/1", ""),
            ("三天没话", "silence:3d", ""),
            ("进群", "@joined", ""),
            ("退群", "@left", ""),
        ]
    )
)


@dataclass
class Watch:
    """One customer watched: says and does things at times of the test's own; `tags` are what they then carry."""

    store: Store
    settings: Settings
    now: datetime = FRIDAY
    numbers: count[int] = field(default_factory=lambda: count(1))

    def event(self, event: str, change: str, rest: str) -> None:
        xml = (
            f"<xml><FromUserName>sys</FromUserName><CreateTime>{int(self.now.timestamp())}</CreateTime>"
            f"<MsgType>event</MsgType><Event>{event}</Event><ChangeType>{change}</ChangeType>{rest}</xml>"
        )
        digest = hashlib.sha1(xml.encode(), usedforsecurity=False).hexdigest()
        with self.store.write() as session:
            row = CallbackEvent(digest=digest, name=event, raw_xml=xml, created_at=self.now, received_at=self.now)
            session.add(row)
            session.flush()
            apply_event(Work(session, self.settings, self.now), row)

    def contact(self, change: str, state: str = "") -> None:
        people = f"<UserID>{AGENT}</UserID><ExternalUserID>{WHO}</ExternalUserID><State>{state}</State>"
        self.event("change_external_contact", change, people)

    def recall(self, msgid: str, sender: str = WHO) -> None:
        self.say("revoke", sender, "recall", pre_msgid=msgid)

    def say(self, kind: str = "text", sender: str = WHO, action: str = "send", **body: object) -> None:
        number = next(self.numbers)
        message = {
            "msgid": f"m{number}", "action": action, "from": sender, "tolist": [AGENT if sender == WHO else WHO],
            "roomid": "", "msgtime": int(self.now.timestamp() * 1000), "msgtype": kind, kind: body,
        }  # fmt: skip
        with self.store.write() as session:
            arrived = [OpenedRow(number, read_message(json.dumps(message).encode()))]
            process_batch(Work(session, self.settings, self.now), arrived)

    def later(self, **length: float) -> None:
        self.now += timedelta(**length)

    def close_windows(self) -> None:
        with self.store.write() as session:
            close_windows(Work(session, self.settings, self.now))

    @property
    def tags(self) -> set[str]:
        with self.store.read() as session:
            return set(session.scalars(select(Tagging.tag).where(Tagging.removed_at.is_(None))))


def watch_with_card(store: Store) -> Watch:
    """王海棠 is a customer of LinXiaoyu, whose first card has been delivered; 他人 is another agent's."""
    watch = Watch(store, parse_settings(CONFIG))
    watch.contact("add_external_contact")
    with store.write() as session:
        customer = session.scalars(select(Customer)).one()
        customer.name = "王海棠"
        task = session.scalars(select(SopTask)).one()
        task.state, task.delivered_at = "delivered", FRIDAY
        stranger = Customer(external_userid="wmOTHER", name="他人", created_at=FRIDAY)
        colleague = Agent(key="chenguoan", userid="ChenGuoan", created_at=FRIDAY)
        session.add(Follow(agent=colleague, customer=stranger, added_at=FRIDAY))
    return watch
