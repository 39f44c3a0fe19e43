"""Gathers what the playground page shows: chats, conversations, profiles, tags."""

from __future__ import annotations

import json
import sqlite3
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from bot.platform import clock
from bot.sandbox.api.tags import tags_of
from bot.sandbox.company import name_of
from bot.sandbox.state import Json, Sandbox

CHINA = ZoneInfo("Asia/Shanghai")
SHOWN = 120
PAUSE = 5 * 60_000
PREVIEWS = {
    "image": "[图片]",
    "voice": "[语音]",
    "video": "[视频]",
    "file": "[文件]",
    "location": "[位置]",
    "link": "[链接]",
    "weapp": "[小程序]",
    "chatrecord": "[聊天记录]",
    "emotion": "[表情]",
    "card": "[名片]",
    "mixed": "[图文]",
    "revoke": "撤回了一条消息",
    "agree": "同意存档会话内容",
    "disagree": "不同意存档会话内容",
    "template_card": "[卡片]",
    "textcard": "[卡片]",
    "markdown": "[消息]",
    "news": "[图文]",
}


@dataclass(frozen=True)
class PhoneView:
    """The agent and the customer whose phones are shown, and the view on the agent's phone."""

    userid: str
    external_userid: str
    view: str = "chat"
    draft: str = ""


def choose(sandbox: Sandbox, agent: str, customer: str, view: str) -> PhoneView:
    """The people asked for, or the pair that wrote last."""
    ledger = sandbox.ledger
    row = ledger.one(
        "SELECT userid, external_userid FROM follows WHERE (userid = ? OR ? = '') AND (external_userid = ? OR ? = '')"
        " ORDER BY talked_at DESC, createtime DESC, rowid",
        agent,
        agent,
        customer,
        customer,
    )
    if row is None:
        first = ledger.scalar("SELECT userid FROM members WHERE userid = ? ORDER BY rowid", agent)
        known = first or ledger.scalar("SELECT userid FROM members ORDER BY rowid") or ""
        return PhoneView(str(known), "", "app" if view == "app" else "list")
    return PhoneView(row["userid"], row["external_userid"], view if view in ("list", "chat", "app") else "chat")


def conversation(sandbox: Sandbox, choice: PhoneView, me: str) -> list[Json]:
    """The last messages between the two, as `me` sees them; a time is shown after long pauses."""
    pair = (choice.userid, choice.external_userid)
    rows = sandbox.ledger.rows(
        "SELECT * FROM (SELECT * FROM talk WHERE sender = ? AND receiver = ? AND roomid = '' UNION ALL"
        " SELECT * FROM talk WHERE sender = ? AND receiver = ? AND roomid = '') ORDER BY id DESC LIMIT ?",
        *pair,
        *reversed(pair),
        SHOWN,
    )[::-1]
    messages = [json.loads(row["message"]) for row in rows]
    revoked = {message["revoke"]["pre_msgid"] for message in messages if message.get("msgtype") == "revoke"}
    shown, before = [], 0
    for row, message in zip(rows, messages, strict=True):
        if message["msgid"] in revoked:
            continue
        kind = message["msgtype"]
        shown.append(
            {
                "msgid": message["msgid"],
                "mine": row["sender"] == me,
                "kind": kind,
                "body": message.get(kind) or message.get("info") or {},
                "sender": name_of(sandbox, row["sender"]),
                "time": moment(row["msgtime"] / 1000) if row["msgtime"] - before > PAUSE else "",
                "unarchived": row["seq"] is None,
            }
        )
        before = row["msgtime"]
    return shown


def conversations(sandbox: Sandbox, userid: str) -> list[Json]:
    """The agent's customers, the one who talked last first."""
    rows = sandbox.ledger.rows(
        "SELECT f.*, c.name, c.type FROM follows f JOIN customers c USING (external_userid)"
        " WHERE f.userid = ? ORDER BY max(f.talked_at, f.createtime * 1000) DESC LIMIT 60",
        userid,
    )
    return [
        {
            "external_userid": row["external_userid"],
            "name": row["remark"] or row["name"],
            "type": row["type"],
            "blocked": row["blocked"],
            **last_words(sandbox, row),
        }
        for row in rows
    ]


def last_words(sandbox: Sandbox, follow: sqlite3.Row) -> Json:
    pair = (follow["userid"], follow["external_userid"])
    row = sandbox.ledger.one(
        "SELECT * FROM talk WHERE roomid = '' AND ((sender = ? AND receiver = ?) OR (sender = ? AND receiver = ?))"
        " ORDER BY id DESC LIMIT 1",
        *pair,
        *reversed(pair),
    )
    if row is None:
        return {"preview": "你们已是好友", "time": moment(follow["createtime"])}
    message = json.loads(row["message"])
    text = message["text"]["content"] if row["msgtype"] == "text" else PREVIEWS.get(row["msgtype"], "[消息]")
    return {"preview": text, "time": moment(row["msgtime"] / 1000)}


def profile(sandbox: Sandbox, choice: PhoneView) -> Json:
    """Both people of the open chat, their relation and the customer's tags."""
    ledger = sandbox.ledger
    agent = ledger.one("SELECT * FROM members WHERE userid = ?", choice.userid)
    customer = ledger.one("SELECT * FROM customers WHERE external_userid = ?", choice.external_userid)
    follow = ledger.one(
        "SELECT * FROM follows WHERE userid = ? AND external_userid = ?", choice.userid, choice.external_userid
    )
    held = tags_of(sandbox, choice.userid, choice.external_userid)
    return {
        "agent": dict(agent) if agent else {},
        "customer": dict(customer) if customer else {},
        "follow": dict(follow) if follow else {},
        "held": [tag["tag_name"] for tag in held],
        "library": [dict(row) for row in ledger.rows("SELECT tag_id, name FROM tags ORDER BY rowid LIMIT 200")],
    }


def unread(sandbox: Sandbox, userid: str) -> int:
    return int(
        sandbox.ledger.scalar(
            "SELECT count(*) FROM inbox WHERE userid = ? AND read_at IS NULL AND NOT recalled", userid
        )
    )


def people(sandbox: Sandbox) -> Json:
    """The people whose phones can be shown."""
    ledger = sandbox.ledger
    return {
        "agents": [
            dict(row) | {"unread": unread(sandbox, row["userid"])}
            for row in ledger.rows("SELECT userid, name, position FROM members ORDER BY rowid LIMIT 50")
        ],
        "pairs": [
            dict(row)
            for row in ledger.rows(
                "SELECT f.userid, f.external_userid, c.name, m.name AS agent FROM follows f"
                " JOIN customers c USING (external_userid) JOIN members m ON m.userid = f.userid"
                " ORDER BY f.talked_at DESC, f.createtime DESC LIMIT 60"
            )
        ],
    }


def tag_panel(sandbox: Sandbox) -> list[Json]:
    """Each customer with their agent and their tags in WeCom."""
    rows = sandbox.ledger.rows(
        "SELECT f.*, c.name, c.type, m.name AS agent FROM follows f JOIN customers c USING (external_userid)"
        " JOIN members m ON m.userid = f.userid ORDER BY max(f.talked_at, f.createtime * 1000) DESC LIMIT 40"
    )
    return [
        {
            "userid": row["userid"],
            "external_userid": row["external_userid"],
            "name": row["name"],
            "agent": row["agent"],
            "blocked": row["blocked"],
            "tags": tags_of(sandbox, row["userid"], row["external_userid"]),
            **last_words(sandbox, row),
        }
        for row in rows
    ]


def moment(seconds: float) -> str:
    """A time as a chat shows it: without the date if it is today."""
    then, today = datetime.fromtimestamp(seconds, CHINA), clock.now().astimezone(CHINA).date()
    days = (today - then.date()).days
    if days == 0:
        return f"{then:%H:%M}"
    return f"昨天 {then:%H:%M}" if days == 1 else f"{then.month}月{then.day}日 {then:%H:%M}"


def clock_face() -> str:
    present = clock.now().astimezone(CHINA)
    return f"{present.month}月{present.day}日 周{'一二三四五六日'[present.weekday()]} {present:%H:%M}"


def seconds_until_tomorrow_ten() -> float:
    present = clock.now().astimezone(CHINA)
    ten = (present + timedelta(days=1)).replace(hour=10, minute=0, second=0, microsecond=0)
    return (ten.astimezone(UTC) - present.astimezone(UTC)).total_seconds()


def colour(who: str) -> int:
    """Which of eight colours a person's avatar has."""
    return zlib.crc32(who.encode()) % 8
