"""The app's chat on an agent's phone: its messages, the newest prompt, mass messages to confirm."""

from __future__ import annotations

import json
import sqlite3

from bot.sandbox.company import name_of
from bot.sandbox.rendering import markdown_lines, text_pieces, textcard_pieces
from bot.sandbox.state import Json, Sandbox
from bot.sandbox.views import PhoneView, moment


def app_messages(sandbox: Sandbox, userid: str) -> list[Json]:
    """The app's chat on the agent's phone, oldest first."""
    rows = sandbox.ledger.rows("SELECT * FROM inbox WHERE userid = ? ORDER BY id DESC LIMIT 40", userid)[::-1]
    people = followed(sandbox, userid)
    return [app_message(row, people) for row in rows]


def app_message(row: sqlite3.Row, people: list[tuple[str, str]]) -> Json:
    body = json.loads(row["body"])
    kind = row["msgtype"]
    shown: Json = {
        "id": row["id"],
        "msgid": row["msgid"],
        "kind": kind,
        "body": body,
        "mine": row["mine"],
        "replaced": row["replaced"],
        "recalled": row["recalled"],
        "unread": row["read_at"] is None,
        "time": moment(row["created_at"]),
        "suggestion": suggestion(kind, body),
        "customer": customer_of_card(row["body"], people),
    }
    if kind == "text":
        shown["pieces"] = text_pieces(body["content"])
    if kind == "textcard":
        shown["pieces"] = textcard_pieces(body["description"])
    if kind == "markdown":
        shown["lines"] = markdown_lines(body["content"])
    return shown


def suggestion(kind: str, body: Json) -> str:
    """The words a card proposes: its quote."""
    quote = body.get("quote_area") if kind == "template_card" else None
    return str(quote.get("quote_text", "")) if isinstance(quote, dict) else ""


def followed(sandbox: Sandbox, userid: str) -> list[tuple[str, str]]:
    rows = sandbox.ledger.rows(
        "SELECT f.external_userid, f.remark, c.name FROM follows f JOIN customers c USING (external_userid)"
        " WHERE f.userid = ? ORDER BY f.talked_at DESC LIMIT 200",
        userid,
    )
    return [(row["external_userid"], name) for row in rows for name in (row["remark"], row["name"]) if name]


def customer_of_card(body: str, people: list[tuple[str, str]]) -> str:
    """The customer a card is about: found by id in it, else by name; empty if it names none."""
    text = json.dumps(json.loads(body), ensure_ascii=False)
    by_id = next((customer for customer, _ in people if customer in text), "")
    return by_id or next((customer for customer, name in people if name in text), "")


def latest_prompt(sandbox: Sandbox, choice: PhoneView) -> Json | None:
    """The newest unread card with a suggestion, for the banner over the chat."""
    rows = sandbox.ledger.rows(
        "SELECT * FROM inbox WHERE userid = ? AND read_at IS NULL AND NOT recalled AND replaced = '' AND NOT mine"
        " ORDER BY id DESC LIMIT 20",
        choice.userid,
    )
    people = followed(sandbox, choice.userid)
    shown = [app_message(row, people) for row in rows]
    mine = [message for message in shown if message["customer"] == choice.external_userid]
    found = next((message for message in mine + shown if message["suggestion"]), None)
    if found:
        found["about"] = name_of(sandbox, found["customer"]) if found["customer"] else ""
    return found


def group_sends(sandbox: Sandbox, userid: str) -> list[Json]:
    """Mass messages that wait for this agent's confirmation."""
    rows = sandbox.ledger.rows(
        "SELECT g.msgid, g.body, count(*) AS targets FROM group_sends g JOIN group_send_targets t USING (msgid)"
        " WHERE t.userid = ? AND t.status = 0 AND g.cancelled_at IS NULL GROUP BY g.msgid ORDER BY g.created_at",
        userid,
    )
    return [
        {
            "msgid": row["msgid"],
            "targets": row["targets"],
            "text": (json.loads(row["body"]).get("text") or {}).get("content", "[附件]"),
        }
        for row in rows
    ]
