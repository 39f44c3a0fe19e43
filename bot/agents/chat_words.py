"""Words of the chat: how a list, a customer and an answer are put when an agent writes to the app."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.agents.suggestions import Suggestion
from bot.platform.config.settings import Settings
from bot.platform.models import Customer, Follow, OwnFollowUp, Promise, SopTask
from bot.sops.enrolment import MoveEffects, titles_of
from sop.quotes import along, quoted
from sop.workcalendar import Workcalendar

Item = SopTask | OwnFollowUp | Promise
"""What stands on an agent's list: a step of an SOP, what they wrote down themselves, or what was promised."""

MOST_WORDINGS = 3
_LATE = timedelta(hours=1)
OWN = "自己记的"
_SAID_BY = {"agent": "您答应的", "customer": "客户说的"}


def name_of(customer: Customer) -> str:
    """What a customer is called in the chat."""
    return customer.name or "（未知姓名）"


def called(follow: Follow) -> str:
    """The same by the agent's own remark, with the name behind it where that is another one."""
    name = follow.customer.name
    if not follow.remark or follow.remark == name:
        return name_of(follow.customer)
    return f"{follow.remark}（{name}）" if name else follow.remark


def when(at: datetime, now: datetime, calendar: Workcalendar) -> str:
    """A time as the agent reads it: of today the clock alone."""
    local, today = calendar.local(at), calendar.local(now).date()
    return f"{local:%H:%M}" if local.date() == today else f"{local.month}月{local.day}日 {local:%H:%M}"


def due_of(item: Item) -> datetime:
    """When it is to be done; of a promise without a time when it was said."""
    return (item.until or item.said_at) if isinstance(item, Promise) else item.due_at


def _when_due(item: Item, now: datetime, calendar: Workcalendar) -> str:
    if isinstance(item, Promise) and item.until is None:
        return "没说时间"
    told = when(due_of(item), now, calendar)
    if isinstance(item, Promise) and item.wide and item.put_off_to is None:
        return told[:-6] or "今天"  # a day was named, no hour
    return told


def lines(items: Sequence[Item], now: datetime, calendar: Workcalendar) -> list[str]:
    """What is to be done, as numbered lines."""
    return [f"{number}. {_line(item, now, calendar)}" for number, item in enumerate(items, 1)]


def _line(item: Item, now: datetime, calendar: Workcalendar) -> str:
    head = f"{_when_due(item, now, calendar)} {name_of(item.customer)}{quoted(item.customer.last_words, 16)}"
    is_timed = not isinstance(item, Promise) or item.until is not None
    late = "（已过时间）" if is_timed and due_of(item) < now - _LATE else ""
    if isinstance(item, Promise):
        return f"{head}：「{item.words[:30]}」（{_SAID_BY[item.by]}）{late}"
    if isinstance(item, OwnFollowUp):
        return f"{head}：{item.words or '跟进一下'}（{OWN}）{late}"
    return f"{head}：{item.text[:30]}{_goes_along(item)}{late}"


def _goes_along(task: SopTask) -> str:
    return along(task.attach)


def shown(number: int, item: Item, now: datetime, calendar: Workcalendar) -> str:
    """One thing of the list, whole, with what may be answered."""
    if isinstance(item, SopTask):
        words, done = item.text + _goes_along(item), "发过了"
    else:
        words, done = item.words or "跟进一下", "做好了"
    return (
        f"第 {number} 件，{_when_due(item, now, calendar)} {name_of(item.customer)}：\n{words}\n"
        f"{done}就回复「完成 {number}」，也可以「推迟 {number} 明天」"
    )


def which_item(items: Sequence[Item], now: datetime, calendar: Workcalendar) -> str:
    """Ask which of several things to do is meant."""
    return "有好几件：\n" + "\n".join(lines(items, now, calendar)) + "\n回复编号，例如：1"


def which_customer(name: str, follows: Sequence[Follow], *, near: bool, more: bool) -> str:
    """Ask which customer is meant: several have this name, or nobody has and these are like it."""
    listed = [f"{number}. {called(follow)}" for number, follow in enumerate(follows, 1)]
    head = f"您的客户里没有「{name}」，是不是：" if near else f"叫「{name}」的有好几位："
    rest = ["还有更多，也可以把名字写得更全一些"] if more else []
    return "\n".join([head, *listed, *rest, "回复编号，例如：1"])


def nobody(name: str) -> str:
    """Say that no customer of the agent's own has this name."""
    return f"您的客户里没有「{name}」。请写企业微信里的名字或备注"


def found_words(words: str, found: Sequence[tuple[str, str]]) -> str:
    """Wordings that were looked for, each with its question, whole, so that they can be copied."""
    if not found:
        return f"知识库里没有找到「{words[:20]}」，换个说法试试"
    listed = [f"{number}. {asked}\n{said}" for number, (asked, said) in enumerate(found[:MOST_WORDINGS], 1)]
    more = ["还有更多，把要找的写得更细一些"] if len(found) > MOST_WORDINGS else []
    return "\n\n".join([*listed, *more])


def effect_lines(settings: Settings, effects: MoveEffects) -> list[str]:
    """What a move started, stopped and took up again, a line each."""
    told = (("开始", effects.started), ("停止", effects.stopped), ("恢复", effects.revived))
    return [f"{what}：{'、'.join(titles_of(settings, some))}" for what, some in told if some]


def best_words(name: str, offers: Sequence[Suggestion], last_words: str) -> str:
    """The best words for a customer, whole, so that they can be copied."""
    if not offers:
        return f"{name} 现在没有合适的话术{quoted(last_words, 40)}。客户说到规则里的话，或到了 SOP 的时间，就会有"
    said = [f"{number}. {offer.text}{along(offer.attach)}" for number, offer in enumerate(offers, 1)]
    return "\n\n".join([f"可以对 {name} 说{quoted(last_words, 40)}：", *said])
