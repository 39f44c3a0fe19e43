"""Behaviour tags by the same table of rules as words: each kind of occurrence, through the code that sees it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from sqlalchemy import select

from bot.intake.events import apply_event
from bot.intake.messages import OpenedRow
from bot.intake.pipeline import process_batch
from bot.platform.config.settings import Settings, parse_settings
from bot.platform.database.store import Store
from bot.platform.models import CallbackEvent, Evidence, LinkOpening, Placement, SopTask, Tagging
from bot.platform.work import Work
from bot.sops.behaviour import observe_openings, observe_silences
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
    """One customer watched: says and does things at times of the test's own; `tags` are what he then carries."""

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

    def say(self, kind: str = "text", sender: str = WHO, **body: object) -> None:
        number = next(self.numbers)
        message = {
            "msgid": f"m{number}", "action": "send", "from": sender, "tolist": [AGENT if sender == WHO else WHO],
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


@pytest.fixture
def watch(store: Store) -> Watch:
    """A customer who has just come by the live stream's code."""
    watch = Watch(store, parse_settings(CONFIG))
    watch.contact("add_external_contact", "live")
    return watch


def test_the_channel_by_which_he_came(watch: Watch) -> None:
    assert watch.tags == {"直播来的"}


def test_the_first_word_ever_and_only_that(watch: Watch) -> None:
    watch.say(content="你好")
    assert "首次开口" in watch.tags
    with watch.store.read() as session:
        before = len(session.scalars(select(Evidence.id)).all())
    watch.say(content="在吗")
    with watch.store.read() as session:
        assert len(session.scalars(select(Evidence.id)).all()) == before


def test_two_nights_within_a_week_not_one(watch: Watch) -> None:
    watch.now = FRIDAY.replace(hour=15)  # eleven at night in Shanghai
    watch.say(content="睡了吗")
    assert "夜猫子" not in watch.tags
    watch.later(hours=11)  # ten in the morning
    watch.say(content="早")
    assert "夜猫子" not in watch.tags
    watch.later(hours=13)
    watch.say(content="还没睡")
    assert "夜猫子" in watch.tags


def test_a_picture_tags_and_the_tag_moves_the_card(watch: Watch) -> None:
    watch.say("image", md5sum="0" * 32, filesize=10, sdkfileid="x")
    assert "发过图" in watch.tags
    with watch.store.read() as session:
        assert session.scalars(select(Placement.stage)).all() == ["有意向"]


def test_links_opened_by_name_and_how_often(watch: Watch) -> None:
    for title, expected in (("别的", set()), ("对照表", {"看过对照表"}), ("对照表", {"看过对照表", "反复看"})):
        with watch.store.write() as session:
            task = session.scalars(select(SopTask)).first()
            assert task is not None
            session.add(LinkOpening(task_id=task.id, title=title, opened_at=watch.now))
            session.flush()
            assert observe_openings(Work(session, watch.settings, watch.now)) == 1
            assert observe_openings(Work(session, watch.settings, watch.now)) == 0  # seen once
        assert watch.tags - {"直播来的"} == expected
        watch.later(minutes=5)


def test_an_answer_within_the_window(watch: Watch) -> None:
    watch.later(minutes=1)
    watch.say(sender=AGENT, content=STEP)
    watch.later(hours=2)
    watch.say(content="好的")
    assert "回了第一步" in watch.tags
    watch.later(days=2)
    watch.close_windows()
    assert "没回第一步" not in watch.tags


def test_silence_until_the_window_closes(watch: Watch) -> None:
    watch.later(minutes=1)
    watch.say(sender=AGENT, content=STEP)
    watch.later(hours=23)
    watch.close_windows()
    assert "没回第一步" not in watch.tags
    watch.later(hours=2)
    watch.close_windows()
    assert "没回第一步" in watch.tags


def test_silence_of_three_days_is_seen_once_for_each_silence(watch: Watch) -> None:
    watch.say(content="你好")
    for days, seen in ((2.9, 0), (0.2, 1), (1, 0)):
        watch.later(days=days)
        with watch.store.write() as session:
            assert observe_silences(Work(session, watch.settings, watch.now)) == seen
    assert "三天没话" in watch.tags
    watch.say(content="又来了")
    watch.later(days=3.1)
    with watch.store.write() as session:
        assert observe_silences(Work(session, watch.settings, watch.now)) == 1


def test_joining_and_leaving_a_group(watch: Watch) -> None:
    for detail, tag in (("add_member", "进群"), ("del_member", "退群")):
        rest = f"<ChatId>{ROOM}</ChatId><UpdateDetail>{detail}</UpdateDetail><MemChangeList><Item>{WHO}</Item>"
        watch.event("change_external_chat", "update", rest + "<Item>wmSTRANGER</Item></MemChangeList>")
        assert tag in watch.tags


def test_a_customer_who_deletes_his_agent(watch: Watch) -> None:
    watch.later(minutes=1)
    watch.contact("del_follow_user")
    assert "删过员工" in watch.tags
