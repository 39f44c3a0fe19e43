"""Actions of an agent in the app's chat: pressing a card's button, writing to the app, confirming a mass message."""

from __future__ import annotations

import json
import secrets

from bot.sandbox.api.groupsends import CAPPED, NOT_A_FRIEND, SENT, UNSENT, within_cap
from bot.sandbox.api.messages import new_response_code
from bot.sandbox.api.welcomes import say_content
from bot.sandbox.callbacks import Fields, raise_event, raise_text
from bot.sandbox.corp import APP_ID
from bot.sandbox.people import ImpossibleError, need_agent
from bot.sandbox.state import Json, Sandbox


def press(sandbox: Sandbox, given: Json) -> Json:
    """Press a button, a menu item or submit. Given: userid; msgid or task_id; key; selected {question: [options]}."""
    agent = need_agent(sandbox, str(given.get("userid", "")))
    row = sandbox.ledger.one(
        "SELECT i.* FROM inbox i JOIN app_messages m USING (msgid) WHERE i.userid = ? AND NOT i.recalled"
        " AND (i.msgid = ? OR m.task_id = ?)",
        agent["userid"],
        str(given.get("msgid", "")),
        str(given.get("task_id", "")),
    )
    if row is None or row["msgtype"] != "template_card":
        raise ImpossibleError(f"{agent['name']} 的应用消息里没有这张卡片")
    card = json.loads(row["body"])
    key = str(given.get("key", ""))
    menu = key in [action["key"] for action in (card.get("action_menu") or {}).get("action_list") or []]
    if not menu and row["replaced"]:
        raise ImpossibleError(f"这张卡片的按钮已变成「{row['replaced']}」，不能再点")
    if not menu and key not in keys_of(card):
        raise ImpossibleError(f"卡片上没有这个按钮：{key}")
    with sandbox.ledger.transaction():
        code = new_response_code(sandbox, row["msgid"], agent["userid"], sandbox.now())
        fields: Fields = [
            ("EventKey", key),
            ("TaskId", card.get("task_id", "")),
            ("CardType", card["card_type"]),
            ("ResponseCode", code),
        ]
        selected = chosen(card, given.get("selected") or {})
        if selected and not menu:
            fields.append(("SelectedItems", selected))
        event = "template_card_menu_event" if menu else "template_card_event"
        sandbox.note("pressed", userid=agent["userid"], msgid=row["msgid"], key=key, task_id=card.get("task_id"))
        raise_event(sandbox, event, [*fields, ("AgentID", APP_ID)], sender=agent["userid"])
    return {"response_code": code, "event": event}


def keys_of(card: Json) -> list[str]:
    keys = [str(button["key"]) for button in card.get("button_list") or [] if button.get("type", 0) == 0]
    submit = card.get("submit_button")
    return [*keys, str(submit["key"])] if submit else keys


def chosen(card: Json, selected: Json) -> Fields:
    """SelectedItems for every question of the card: the option picked, else the preset one."""
    questions = [card.get("button_selection"), card.get("checkbox"), *(card.get("select_list") or [])]
    items: Fields = []
    for question in questions:
        if not question:
            continue
        preset = [question["selected_id"]] if question.get("selected_id") else []
        preset += [option["id"] for option in question.get("option_list", []) if option.get("is_checked")]
        options = selected.get(question["question_key"], preset)
        picked: Fields = [("OptionId", str(option)) for option in options]
        items.append(("SelectedItem", [("QuestionKey", question["question_key"]), ("OptionIds", picked)]))
    return items


def write_to_app(sandbox: Sandbox, given: Json) -> Json:
    """Send a text to the app."""
    agent = need_agent(sandbox, str(given.get("userid", "")))
    content = str(given.get("content", ""))
    if not content.strip():
        raise ImpossibleError("不能发送空白消息")
    msgid = 7 * 10**18 + secrets.randbelow(10**17)
    with sandbox.ledger.transaction():
        sandbox.ledger.run(
            "INSERT INTO inbox (msgid, userid, msgtype, body, created_at, mine, read_at)"
            " VALUES (?, ?, 'text', ?, ?, 1, ?)",
            str(msgid),
            agent["userid"],
            json.dumps({"content": content}),
            sandbox.now(),
            sandbox.now(),
        )
        sandbox.note("app_text", userid=agent["userid"], content=content)
        fields: Fields = [("Content", content), ("MsgId", msgid), ("AgentID", APP_ID)]
        raise_text(sandbox, fields, sender=agent["userid"])
    return {"msgid": str(msgid)}


def enter_app(sandbox: Sandbox, given: Json) -> Json:
    """Open the app's chat."""
    agent = need_agent(sandbox, str(given.get("userid", "")))
    raise_event(sandbox, "enter_agent", [("EventKey", ""), ("AgentID", APP_ID)], sender=agent["userid"])
    return {}


def click_menu(sandbox: Sandbox, given: Json) -> Json:
    """Tap an item of the app's menu. Given: userid, key, and event: click or view."""
    agent = need_agent(sandbox, str(given.get("userid", "")))
    event = "view" if given.get("event") == "view" else "click"
    fields: Fields = [("EventKey", str(given.get("key", ""))), ("AgentID", APP_ID)]
    raise_event(sandbox, event, fields, sender=agent["userid"])
    return {}


def confirm_group_send(sandbox: Sandbox, given: Json) -> Json:
    """Confirm a mass message; each target receives it, or not, with WeCom's status."""
    agent = need_agent(sandbox, str(given.get("userid", "")))
    row = sandbox.ledger.one("SELECT * FROM group_sends WHERE msgid = ?", str(given.get("msgid", "")))
    if row is None or row["cancelled_at"] is not None:
        raise ImpossibleError("没有这条群发，或已被取消")
    now, body, statuses = sandbox.now(), json.loads(row["body"]), []
    for target in sandbox.ledger.rows(
        "SELECT target FROM group_send_targets WHERE msgid = ? AND userid = ? AND status = ?",
        row["msgid"],
        agent["userid"],
        UNSENT,
    ):
        status = group_send_status(sandbox, row["chat_type"], agent["userid"], target["target"], now)
        if status == SENT:
            room = target["target"] if row["chat_type"] == "group" else ""
            receivers = others_in(sandbox, room, agent["userid"]) if room else [target["target"]]
            say_content(sandbox, agent["userid"], receivers, body, roomid=room)
        sandbox.ledger.run(
            "UPDATE group_send_targets SET status = ?, send_time = ? WHERE msgid = ? AND userid = ? AND target = ?",
            status,
            int(now),
            row["msgid"],
            agent["userid"],
            target["target"],
        )
        statuses.append({"target": target["target"], "status": status})
    sandbox.note("group_send_confirmed", msgid=row["msgid"], userid=agent["userid"], results=statuses)
    return {"results": statuses}


def others_in(sandbox: Sandbox, chat_id: str, userid: str) -> list[str]:
    rows = sandbox.ledger.rows("SELECT who FROM room_members WHERE chat_id = ? AND who <> ?", chat_id, userid)
    return [row["who"] for row in rows]


def group_send_status(sandbox: Sandbox, chat_type: str, userid: str, target: str, now: float) -> int:
    if chat_type == "single":
        friend = sandbox.ledger.one(
            "SELECT 1 FROM follows WHERE userid = ? AND external_userid = ? AND NOT blocked", userid, target
        )
        if not friend:
            return NOT_A_FRIEND
    return SENT if within_cap(sandbox, target, now) else CAPPED
