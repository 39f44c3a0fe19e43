"""A made-up archive of every kind of thing that happens in one, always the same for the same number."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import timedelta
from itertools import count
from typing import Any, TypeVar

from tests.support.archived import NOW, text_message

T = TypeVar("T")
AGENTS = ("LinXiaoyu", "ChenGuoan", "SunMei")
SAY = "课程分三档，先看看目录，再决定学哪一档，不着急。"
AGAIN = "第二天再问一句，目录看得怎么样了。"
THANKS = "谢谢您的回复，有什么想问的随时找我。"
CONFIG = f"""
[budget]
customer = "3/day"

[[tags]]
group = "意向"
exclusive = true
names = ["高意向", "再考虑"]

[[tags]]
group = "互动"
exclusive = true
names = ["已回复", "未回复"]

[[rules]]
id = "ask-price"
tag = "考虑价格"
any = ["多少钱"]
match = "text"
score = {{ activity = 1, conversion = 10 }}

[[rules]]
id = "asks-again"
tag = "追问"
any = ["多少钱"]
match = "text"
times = 3
within = "1d"

[[rules]]
id = "keeps-asking"
tag = "一直问"
any = ["多少钱", "在吗"]
match = "text"
times = 5
within = "2h"

[[rules]]
id = "eager"
tag = "高意向"
any = ["想报名"]
match = "text"
expires = "30d"

[[rules]]
id = "not-now"
tag = "再考虑"
any = ["想想"]
match = "text"

[[rules]]
id = "paid"
tag = "成交"
any = ["付好了"]
match = "text"

[[rules]]
id = "we-booked"
tag = "已登记"
any = ["已经登记"]
match = "text"
from = "agent"

[[rules]]
id = "sends-pictures"
tag = "爱发图"
on = ["kind:image"]
times = 2
within = "1d"

[[rules]]
id = "first-word"
tag = "开口了"
on = ["@first-message"]

[[rules]]
id = "answers"
tag = "有回应"
on = ["reply:price"]

[[pipelines]]
name = "课程转化"
stages = [
  {{ name = "新线索", on = ["@added", "@spoke"] }},
  {{ name = "考虑价格", aside = true }},
  {{ name = "高意向" }},
  {{ name = "成交", won = true }},
]

[[pipelines]]
name = "服务"
stages = [{{ name = "已登记" }}, {{ name = "追问" }}]

[[sops]]
id = "price"
stage = "考虑价格"
stop = ["moved"]

  [[sops.steps]]
  after = "0m"
  anytime = true
  say = "{SAY}"
  reply_window = "24h"
  on_reply = "已回复"
  on_silence = "未回复"

  [[sops.steps]]
  after = "1d"
  anytime = true
  say = "{AGAIN}"

[[sops]]
id = "eager"
on = "tag:高意向"
again = "always"
stop = ["won", "tag:再考虑", "reply"]

  [[sops.steps]]
  after = "0m"
  say = "报名的链接发您，有不懂的地方直接问我。"

[[sops]]
id = "answered"
on = "reply:price"

  [[sops.steps]]
  after = "2h"
  anytime = true
  say = "{THANKS}"
"""
_WORDS = (
    "多少钱", "这个多少钱呀", "多少钱，在吗", "在吗", "想报名", "我再想想", "付好了", "好的", "嗯嗯", "课程几点开始",
    "想报名，多少钱", "想想再说",
)  # fmt: skip
_OURS = (SAY, SAY + "亲", AGAIN, THANKS, "已经登记好了", "您好", "稍等我看看")
_ROOMS = ("wrMADEroom0000000000000000000001", "wrMADEroom0000000000000000000002")


class Chance:
    """Numbers that look drawn by lot, always the same ones for a seed."""

    def __init__(self, seed: int) -> None:
        self._drawn = (hashlib.sha256(f"{seed}:{n}".encode()).digest() for n in count())

    def random(self) -> float:
        """A number from 0 up to 1."""
        return int.from_bytes(next(self._drawn)[:6], "big") / 2**48

    def choice(self, among: Sequence[T]) -> T:
        """One of these."""
        return among[int(self.random() * len(among))]


class MadeArchive:
    """Messages of so many customers, as WeCom archives them."""

    def __init__(self, seed: int, customers: int) -> None:
        self._chance = Chance(seed)
        self._customers = [f"wm{number:030}" for number in range(customers)]
        self._told: list[dict[str, Any]] = []

    def messages(self, so_many: int) -> list[dict[str, Any]]:
        """The next so many, in the archive's order."""
        return [self._next() for _ in range(so_many)]

    def _next(self) -> dict[str, Any]:
        customer = self._chance.choice(self._customers)
        agent = AGENTS[self._customers.index(customer) % 2 if self._chance.random() < 0.9 else 2]
        ours = self._chance.random() < 0.35
        text = self._chance.choice(_OURS if ours else _WORDS)
        message = self._said(customer, agent, ours, text)
        kind = self._chance.random()
        if kind < 0.06:
            message |= {"msgtype": "image", "image": self._picture()}
        elif kind < 0.10:
            message["roomid"] = self._chance.choice(_ROOMS)
            message["tolist"] = [*AGENTS, customer]
        elif kind < 0.14 and self._told:
            message |= self._recall()
        elif kind < 0.15 and not ours:
            message["text"] = {"content": "别再发了"}
        elif kind < 0.18 and not ours:
            word = self._chance.choice(("agree", "agree", "disagree"))
            message |= {"msgtype": word, word: {"userid": customer, "agree_time": message["msgtime"]}}
        self._told.append(message)
        return message

    def _said(self, customer: str, agent: str, ours: bool, text: str) -> dict[str, Any]:
        number = len(self._told)
        sender, to = (agent, customer) if ours else (customer, agent)
        late = -30 if self._chance.random() < 0.05 else 0  # the archive is not quite in the order of the clock
        return text_message(
            f"golden{number}_external", sender, to, text, NOW + timedelta(minutes=number + late - 600)
        )

    def _picture(self) -> dict[str, Any]:
        return {
            "md5sum": f"{len(self._told):032x}",
            "filesize": 100,
            "sdkfileid": f"f{len(self._told)}",
        }

    def _recall(self) -> dict[str, Any]:
        told = self._chance.choice(self._told[-40:])
        return {"action": "recall", "msgtype": "revoke", "revoke": {"pre_msgid": told["msgid"]}, "from": told["from"],
                "tolist": told["tolist"], "roomid": told["roomid"]}  # fmt: skip
