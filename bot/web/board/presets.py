"""Presets: what an agent asks the board for most often, by one tap each."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bot.web.board.filter import Filter

SORTS = {
    "due": "下一个任务最早的在前",
    "waiting": "等得最久的在前",
    "score": "意向最高的在前",
    "word": "刚说过话的在前",
}
TITLES = {"waiting": "等回复", "today": "今日到期", "over": "逾期", "hot": "高意向未跟进"}
_ASKED = {
    "waiting": Filter(waiting=1, sort="waiting"),
    "today": Filter(due="today", sort="due"),
    "over": Filter(due="over", sort="due"),
    "hot": Filter(hot=1, sort="score"),
}
TOLD = {
    "waiting": "在等我们回话的客户",
    "today": "今天有一步到时间的客户",
    "over": "有一步已过时间的客户",
    "hot": "意向 30 分以上，我们三天没说过话",
}


@dataclass(frozen=True)
class Preset:
    """A chip: what it is called and means, whether it is on, and the address's filter after a tap on it."""

    title: str
    told: str
    is_on: bool
    then: dict[str, str]


def offered(asked: Filter) -> list[Preset]:
    """All of them beside what else is asked for; a tap on one that is on takes it off again."""
    chips = []
    for name, one in _ASKED.items():
        mine = replace(asked, waiting=one.waiting, due=one.due, hot=one.hot, sort=one.sort)
        off = replace(asked, waiting=0, due="", hot=0, sort="")
        chips.append(Preset(TITLES[name], TOLD[name], mine == asked, (off if mine == asked else mine).args))
    return chips
