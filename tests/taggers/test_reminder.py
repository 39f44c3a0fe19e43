"""Reminders: when and of what an agent wants to be reminded, and which messages show that it is done."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from sop.workcalendar import calendar_of
from sop.workspace import Workspace
from taggers.follow_up_end import Said, Wanted, ending
from taggers.reminder import read_wish, time_last

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 18, 14, 30, tzinfo=SHANGHAI)  # a Wednesday
CALENDAR = calendar_of(Workspace())


@pytest.mark.parametrize(
    ("typed", "at", "what"),
    [
        ("明天10点 发合同", "2026-11-19 10:00", "发合同"),
        ("明天10点发合同", "2026-11-19 10:00", "发合同"),
        ("发合同 明天10点", "2026-11-19 10:00", "发合同"),
        ("明天 回访", "2026-11-19 09:00", "回访"),
        ("后天上午 打电话确认到店", "2026-11-20 10:00", "打电话确认到店"),
        ("明天下午", "2026-11-19 16:00", ""),
        ("下午3点半 问问考虑得怎么样", "2026-11-18 15:30", "问问考虑得怎么样"),
        ("周五10点 提醒我发报价", "2026-11-20 10:00", "发报价"),
        ("半小时后 回电话", "2026-11-18 15:00", "回电话"),
        ("2小时后，催付款", "2026-11-18 16:30", "催付款"),
        ("下班前 发发票", "2026-11-18 20:30", "发发票"),
        ("11月25日10点 发iPhone 15报价单", "2026-11-25 10:00", "发iPhone 15报价单"),
    ],
)
def test_a_time_and_what_is_to_be_done(typed: str, at: str, what: str) -> None:
    wish = read_wish(typed, NOW, CALENDAR)
    assert wish.at is not None
    assert (f"{wish.at.astimezone(SHANGHAI):%Y-%m-%d %H:%M}", wish.what) == (at, what)


@pytest.mark.parametrize("typed", ["发合同", "", "有空的话"])
def test_no_time_is_no_time(typed: str) -> None:
    assert read_wish(typed, NOW, CALENDAR).at is None


def test_a_time_that_comes_first_is_put_behind() -> None:
    assert time_last("明天10点给张三发合同", NOW, CALENDAR) == "张三发合同 明天10点"


@pytest.mark.parametrize(
    ("what", "by", "text", "kind", "ended"),
    [
        ("发合同", "agent", "", "file", "evidence"),
        ("发合同", "agent", "合同发您了，请查收", "text", "evidence"),
        ("发合同", "agent", "合同我明天发您", "text", None),
        ("发合同", "agent", "您方便的时候看下课表", "text", None),
        ("发合同", "agent", "", "image", None),
        ("发现场照片", "agent", "", "image", "evidence"),
        ("发合同", "agent", "", "emotion", None),
        ("发合同", "customer", "合同什么时候发我", "text", None),
        ("打电话确认到店时间", "agent", "刚给您打了电话没接", "text", "evidence"),
        ("打电话", "agent", "什么时候方便给您打电话", "text", None),
        ("打电话", "agent", "", "meeting_voice_call", "evidence"),
        ("问孩子几年级", "agent", "孩子现在几年级啦", "text", "evidence"),
        ("等客户回复", "customer", "我考虑好了，就报这个", "text", "reply"),
        ("问问考虑得怎么样", "customer", "还在和家里商量", "text", "reply"),
        ("等客户回复", "customer", "好的谢谢", "text", None),
        ("", "customer", "在吗", "text", "reply"),
        ("回访", "agent", "您好，最近用得怎么样", "text", "evidence"),
    ],
)
def test_what_ends_a_follow_up(what: str, by: str, text: str, kind: str, ended: str | None) -> None:
    wanted = Wanted(what, NOW, NOW + timedelta(hours=2))
    said = Said(by, text, kind, NOW + timedelta(hours=1))  # type: ignore[arg-type]
    assert ending(wanted, said, CALENDAR) == ended


def test_what_came_before_ends_nothing_and_a_bare_follow_up_waits_for_its_day() -> None:
    wanted = Wanted("回访", NOW, NOW + timedelta(days=2))
    for hours, ended in ((-1, None), (1, None), (47, "evidence")):
        said = Said("agent", "您好，最近用得怎么样", "text", NOW + timedelta(hours=hours))
        assert ending(wanted, said, CALENDAR) == ended
