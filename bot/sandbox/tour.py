"""Tour: five things to try in a demo, each ticked off by what was seen to happen since the demo began."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot.sandbox.company import is_outsider
from bot.sandbox.state import Json, Sandbox

SINCE = "tour_since"  # setting: the last effect of before the tour
_DENIED = re.compile(r"(不|别|先不)(谈|问|聊|说|看|提|考虑)")
_KINDS = ("said", "message", "clock", "customer_parted")

Seen = Callable[[Sandbox, Sequence[Json]], bool]


@dataclass(frozen=True)
class Thing:
    """One thing to try: what, how, and how it is seen to have been done."""

    title: str
    how: str
    seen: Seen


def _asked(sandbox: Sandbox, happened: Sequence[Json]) -> bool:
    """A customer said something, and an agent was prompted with a card after that."""
    first = next((effect["id"] for effect in happened if _by_customer(sandbox, effect)), None)
    return first is not None and any(
        effect["kind"] == "message" and effect["id"] > first and "template_card" in effect for effect in happened
    )


def _denied(sandbox: Sandbox, happened: Sequence[Json]) -> bool:
    return any(_by_customer(sandbox, effect) and _DENIED.search(effect["text"]) for effect in happened)


def _sent(sandbox: Sandbox, happened: Sequence[Json]) -> bool:
    """An agent said something to a customer."""
    return any(effect["kind"] == "said" and not is_outsider(sandbox, effect["sender"]) for effect in happened)


def _by_customer(sandbox: Sandbox, effect: Json) -> bool:
    return effect["kind"] == "said" and is_outsider(sandbox, effect["sender"])


def _kind(kind: str) -> Seen:
    return lambda _sandbox, happened: any(effect["kind"] == kind for effect in happened)


THINGS = (
    Thing(
        "问一次价格",
        "点「+ 新客户」加一位，以客户的身份说「多少钱？」。几秒后员工手机收到提醒，右边的卡片移动。",
        _asked,
    ),
    Thing("说反话", "再加一位新客户，说「先不谈价格」。没有标签，卡片不动：否定不算。", _denied),
    Thing("按建议发送", "在员工手机点「‹」→ 提词助手 → 按建议发送，改几个字再发。任务自己完成，不用打勾。", _sent),
    Thing("拨到明天", "点右上角「明天 10 点」，看第二天的提醒自己来。", _kind("clock")),
    Thing("删掉员工", "客户手机「⋯」→ 删除这位员工。卡片移到流失，后面的提醒都停下。", _kind("customer_parted")),
)


def tour(sandbox: Sandbox) -> Json:
    """The things with what is done: {"things": [{title, how, done}], "done": how many}."""
    marks = ",".join("?" * len(_KINDS))
    rows = sandbox.ledger.rows(
        f"SELECT id, kind, data FROM effects WHERE id > ? AND kind IN ({marks}) ORDER BY id LIMIT 2000",  # noqa: S608
        int(sandbox.ledger.setting(SINCE, 0)),
        *_KINDS,
    )
    happened = [{**json.loads(row["data"]), "id": row["id"], "kind": row["kind"]} for row in rows]
    things = [{"title": t.title, "how": t.how, "done": t.seen(sandbox, happened)} for t in THINGS]
    return {"things": things, "done": sum(thing["done"] for thing in things)}
