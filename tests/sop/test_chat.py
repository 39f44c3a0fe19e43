"""What agents type to the app, and what it is taken for."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from sop.chat import help_text, read_order, split_shift
from sop.chat_orders import Delay, Done, Help, Lookup, MoveToStage, Order, Pick, Remind, TakeBack, Today, WriteNote
from sop.when import read_when
from sop.workcalendar import Workcalendar
from sop.workspace import Workspace

CALENDAR = Workcalendar(Workspace())
SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 18, 14, 30, tzinfo=SHANGHAI).astimezone(UTC)  # a Wednesday


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI).astimezone(UTC)


@pytest.mark.parametrize(
    ("typed", "order"),
    [
        ("今日", Today()),
        (" 今天 ", Today()),
        ("待办", Today()),
        ("ＴＯＤＡＹ", Today()),
        ("客户 张三", Lookup("张三")),
        ("客户：张三", Lookup("张三")),
        ("查张三", Lookup("张三")),
        ("完成3", Done(3)),
        ("完成 第三个", Done(3)),
        ("完成十二", Done(12)),
        ("完成 张三", Done(0, "张三")),
        ("完成：王 女士", Done(0, "王 女士")),
        ("3 完成", Done(3)),
        ("张三 已发", Done(0, "张三")),
        ("3", Pick(3)),
        ("第三个", Pick(3)),
        ("３。", Pick(3)),
        ("十二号", Pick(12)),
        ("撤销", TakeBack()),
        ("撤回！", TakeBack()),
        ("undo", TakeBack()),
        ("推迟 张三 明天", Delay(0, local("2026-11-19 09:00"), "张三")),
        ("推迟张三下午4点半", Delay(0, local("2026-11-18 16:30"), "张三")),
        ("推迟 Anna Lee 周五", Delay(0, local("2026-11-20 09:00"), "anna lee")),
        ("稍后 张三", Delay(0, local("2026-11-19 09:00"), "张三")),
        ("已发送 ２", Done(2)),
        ("推迟 3 明天", Delay(3, local("2026-11-19 09:00"))),
        ("推迟3明天下午3点", Delay(3, local("2026-11-19 15:00"))),
        ("推迟 1", Delay(1, local("2026-11-19 09:00"))),
        ("稍后 2 2小时后", Delay(2, local("2026-11-18 16:30"))),
        ("推迟 3 半小时", Delay(3, local("2026-11-18 15:00"))),
        ("移动 张三 体验课", MoveToStage("张三 体验课")),
        ("移动张三到体验课", MoveToStage("张三到体验课")),
        ("请提醒 张三 明天", Remind("张三 明天")),
        ("（帮我备注：张三 预算三万", WriteNote("张三 预算三万")),
        ("张三完成了", Done(0, "张三")),
        ("已完成 3", Done(3)),
        ("把 3 完成了", Done(3)),
        ("3.", Pick(3)),
        ("#3", Pick(3)),
        ("帮我撤消", TakeBack()),
        ("3推迟到明天下午3点", Delay(3, local("2026-11-19 15:00"))),
        ("把张三推迟到周五", Delay(0, local("2026-11-20 09:00"), "张三")),
        ("把张三移到体验课", MoveToStage("张三 体验课")),
        ("完成 1、3", Help("一次写一个编号，例如：完成 3")),
        ("帮助", Help()),
        ("？", Help()),
        ("「撤销」", TakeBack()),
        ("“今日”", Today()),
        ("『完成 3』", Done(3)),
        ("「提醒 张三 明天10点 发合同」", Remind("张三 明天10点 发合同")),
        ("帮 助", Help()),
        ("今 日", Today()),
        ("查一下张三", Lookup("张三")),
        ("完成 @张三", Done(0, "张三")),
        ("@张三 完成", Done(0, "张三")),
        ("完成3了", Done(3)),
        ("写错了", TakeBack()),
        ("刚才点错了", TakeBack()),
        ("取消", TakeBack()),
    ],
)
def test_orders_are_read_with_patience(typed: str, order: Order) -> None:
    assert read_order(typed, NOW, CALENDAR) == order


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "天气怎么样",
        "取消订单怎么说",
        "他说错了价格",
        "完成",
        "0",
        "推迟",
        "推迟 3 很久以后",
        "推迟 张三 很久以后",
        "客户",
        "移动",
        "完" * 5000,
    ],
)
def test_what_is_not_understood_gets_help_that_says_so(typed: str) -> None:
    order = read_order(typed, NOW, CALENDAR)
    assert isinstance(order, Help)
    assert bool(order.hint) == bool(typed)
    assert len(order.hint) < 80


@pytest.mark.parametrize(
    ("said", "at"),
    [
        ("明天", "2026-11-19 09:00"),
        ("明早", "2026-11-19 09:00"),
        ("明晚8点", "2026-11-19 20:00"),
        ("后天上午", "2026-11-20 10:00"),
        ("大后天 10:15", "2026-11-21 10:15"),
        ("下午4点半", "2026-11-18 16:30"),
        ("10点", "2026-11-19 10:00"),  # past today
        ("今晚七点", "2026-11-18 19:00"),
        ("周五", "2026-11-20 09:00"),
        ("周三", "2026-11-25 09:00"),  # today is Wednesday: the next one
        ("下周一10点一刻", "2026-11-23 10:15"),
        ("11-25 10:00", "2026-11-25 10:00"),
        ("11月20号下午2点", "2026-11-20 14:00"),
        ("1月5日", "2027-01-05 09:00"),  # past this year
        ("30分钟后", "2026-11-18 15:00"),
        ("三天后", "2026-11-21 14:30"),
    ],
)
def test_times_as_people_say_them(said: str, at: str) -> None:
    assert read_when(said, NOW, CALENDAR) == local(at)


@pytest.mark.parametrize("said", ["", "很快", "25点", "13月40日", "今天8点", "昨天", "明天后天", "99:99"])
def test_what_is_no_time_to_come_is_none(said: str) -> None:
    assert read_when(said, NOW, CALENDAR) is None


@pytest.mark.parametrize(
    ("words", "split"),
    [
        ("张三 体验课", ("张三", "体验课")),
        ("张三到体验课", ("张三", "体验课")),
        ("张三9.9元培育课", ("张三", "9.9元培育课")),
        ("李课 2999 vip课", ("李课", "2999 VIP课")),
        ("体验课", None),
        ("张三 火星", None),
    ],
)
def test_the_stage_is_told_from_the_name(words: str, split: tuple[str, str] | None) -> None:
    assert split_shift(words, ["体验课", "课", "9.9元培育课", "2999 VIP课"]) == split


@pytest.mark.parametrize("typed", ["帮助", "移动", "天气怎么样"])
def test_examples_are_the_readers_own(typed: str) -> None:
    order = read_order(typed, NOW, CALENDAR)
    assert isinstance(order, Help)
    said = help_text(order.hint, "王海棠", "到店")
    assert ("移动 王海棠 到店" in said, "张三" in said, "{" in said) == (True, False, False)
