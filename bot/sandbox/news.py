"""Headlines of what just happened between Tici and the sandbox, in plain Chinese."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime

from bot.sandbox.company import name_of
from bot.sandbox.state import Json, Sandbox
from bot.sandbox.views import CHINA

SHOWN = 40
CALLS = {
    "message/send": "发送应用消息",
    "message/update_template_card": "更新卡片",
    "message/getchatdata": "拉取会话存档",
    "externalcontact/mark_tag": "打标签",
    "externalcontact/add_corp_tag": "新建标签",
    "externalcontact/send_welcome_msg": "发送欢迎语",
    "externalcontact/get": "读取客户详情",
    "externalcontact/batch/get_by_user": "批量读取客户",
    "externalcontact/add_msg_template": "创建企业群发",
    "user/list": "读取成员",
    "department/list": "读取部门",
    "gettoken": "获取 access_token",
}
EVENTS = {
    "msgaudit_notify": "有新的会话存档",
    "change_external_contact": "客户变更",
    "template_card_event": "点了卡片按钮",
    "template_card_menu_event": "点了卡片菜单",
    "change_external_chat": "客户群变更",
    "text": "员工发给应用的消息",
}

FAILURES = {
    "ConnectionRefusedError": "那边没有在运行",
    "TimeoutError": "5 秒没有应答",
    "lost by the switch": "按开关丢弃",
    "no address": "没有配置回调地址",
}


def call(_: Sandbox, effect: Json) -> tuple[str, str]:
    name = CALLS.get(effect["path"], effect["path"])
    code = effect.get("errcode")
    if code == 0:
        rows = f"，{effect['rows']} 条" if "rows" in effect else ""
        return "call", f"提词调用：{name}{rows}"
    return "bad", f"提词调用：{name}，被拒 {code if code is not None else effect.get('staged')}"


def callback(_: Sandbox, effect: Json) -> tuple[str, str]:
    name = EVENTS.get(effect["event"], effect["event"])
    if effect["state"] == "delivered":
        return "back", f"回调送达：{name}"
    why = FAILURES.get(effect["outcome"], effect["outcome"])
    return "bad", f"回调{'放弃' if effect['state'] == 'failed' else '未送达'}：{name}（{why}）"


def tags(sandbox: Sandbox, effect: Json) -> tuple[str, str]:
    signs = [f"+{name}" for name in effect["added"]] + [f"-{name}" for name in effect["removed"]]
    return "tag", f"{name_of(sandbox, effect['external_userid'])} 的标签：{'、'.join(signs) or '未变'}"


def message(sandbox: Sandbox, effect: Json) -> tuple[str, str]:
    return "card", f"{name_of(sandbox, effect['userid'])} 收到应用消息"


def dropped(sandbox: Sandbox, effect: Json) -> tuple[str, str]:
    return "bad", f"发给 {name_of(sandbox, effect['userid'])} 的应用消息超过频率，被静默丢弃"


def welcome(sandbox: Sandbox, effect: Json) -> tuple[str, str]:
    return "card", f"欢迎语已发给 {name_of(sandbox, effect['external_userid'])}（{effect['after']:.1f} 秒）"


def said(sandbox: Sandbox, effect: Json) -> tuple[str, str]:
    kept = f"存档 seq {effect['seq']}" if effect["seq"] else "未存档"
    return "said", f"{name_of(sandbox, effect['sender'])} 发出一条消息，{kept}"


def pressed(sandbox: Sandbox, effect: Json) -> tuple[str, str]:
    return "said", f"{name_of(sandbox, effect['userid'])} 点了卡片上的按钮"


def added(sandbox: Sandbox, effect: Json) -> tuple[str, str]:
    return "said", f"{effect['name']} 添加了 {name_of(sandbox, effect['userid'])}"


def bulk(_: Sandbox, effect: Json) -> tuple[str, str]:
    return "said", f"批量写入会话存档 {effect['count']} 条"


def moved_clock(_: Sandbox, effect: Json) -> tuple[str, str]:
    return "said", f"时间拨快 {effect['seconds'] / 3600:.1f} 小时"


WORDS: dict[str, Callable[[Sandbox, Json], tuple[str, str]]] = {
    "api": call,
    "callback": callback,
    "tags": tags,
    "message": message,
    "message_dropped": dropped,
    "welcome": welcome,
    "said": said,
    "pressed": pressed,
    "customer_added": added,
    "bulk": bulk,
    "clock": moved_clock,
}


def headlines(sandbox: Sandbox) -> list[Json]:
    """The latest headlines, newest first."""
    marks = ",".join("?" * len(WORDS))
    rows = sandbox.ledger.rows(
        f"SELECT * FROM effects WHERE kind IN ({marks}) ORDER BY id DESC LIMIT ?",  # noqa: S608 - question marks
        *WORDS,
        SHOWN * 3,
    )
    happened = [(row["at"], row["kind"], json.loads(row["data"])) for row in rows]
    told = [headline(sandbox, *item) for item in happened if not routine(item[2])]
    return together(told)[:SHOWN]


def routine(effect: Json) -> bool:
    """Whether an effect is left out: empty pulls and tokens happen all the time."""
    return effect.get("rows") == 0 or (effect.get("path") == "gettoken" and effect.get("errcode") == 0)


def together(told: list[Json]) -> list[Json]:
    """Merge equal neighbours into one line with a count."""
    lines: list[Json] = []
    for item in told:
        if lines and lines[-1]["text"] == item["text"]:
            lines[-1]["count"] += 1
        else:
            lines.append(item)
    return lines


def headline(sandbox: Sandbox, at: str, kind: str, effect: Json) -> Json:
    style, text = WORDS[kind](sandbox, effect)
    time = f"{datetime.fromisoformat(at).astimezone(CHINA):%H:%M:%S}"
    return {"time": time, "style": style, "text": text, "count": 1}
