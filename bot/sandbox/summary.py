"""Summaries of the sandbox for the remote control: the log of effects, and the whole state."""

from __future__ import annotations

import json

from bot.platform import clock
from bot.sandbox.api.tags import tags_of
from bot.sandbox.state import SWITCHES, Json, Sandbox

COUNTED = ("archive", "talk", "app_messages", "inbox", "tags", "group_sends", "media")


def effects(sandbox: Sandbox, since: int, kinds: list[str], limit: int) -> Json:
    """Effects after `since`, oldest first, and the id of the newest effect of any kind."""
    marks = ",".join("?" * len(kinds))
    chosen = f"AND kind IN ({marks})" if kinds else ""
    rows = sandbox.ledger.rows(
        f"SELECT * FROM effects WHERE id > ? {chosen} ORDER BY id LIMIT ?",  # noqa: S608 - question marks only
        since,
        *kinds,
        limit,
    )
    listed = [{**json.loads(row["data"]), "id": row["id"], "at": row["at"], "kind": row["kind"]} for row in rows]
    return {"effects": listed, "last": last_effect(sandbox)}


def last_effect(sandbox: Sandbox) -> int:
    return int(sandbox.ledger.scalar("SELECT max(id) FROM effects") or 0)


def state_of(sandbox: Sandbox) -> Json:
    ledger = sandbox.ledger
    return {
        "now": clock.now().isoformat(),
        "can_move_clock": clock.can_move(),
        "corp_id": sandbox.corp.corp_id,
        "callback_url": sandbox.callback_url,
        "archive_callback_url": sandbox.archive_callback_url,
        "publickey_ver": sandbox.public_key()[0],
        "last_seq": ledger.scalar("SELECT max(seq) FROM archive") or 0,
        "last_effect": last_effect(sandbox),
        "counts": {name: ledger.scalar(f"SELECT count(*) FROM {name}") for name in COUNTED},  # noqa: S608
        "callbacks": {
            row["state"]: row["n"] for row in ledger.rows("SELECT state, count(*) AS n FROM callbacks GROUP BY state")
        },
        "members": [dict(row) for row in ledger.rows("SELECT * FROM members ORDER BY rowid LIMIT 200")],
        "customers": [dict(row) for row in ledger.rows("SELECT * FROM customers ORDER BY rowid DESC LIMIT 200")],
        "follows": [
            follow(sandbox, dict(row)) for row in ledger.rows("SELECT * FROM follows ORDER BY rowid DESC LIMIT 200")
        ],
        "switches": {name: sandbox.switch(name) for name in SWITCHES},
        "faults": [dict(row) for row in ledger.rows("SELECT * FROM faults WHERE times <> 0")],
    }


def follow(sandbox: Sandbox, row: Json) -> Json:
    tags = tags_of(sandbox, row["userid"], row["external_userid"])
    return row | {"tags": [tag["tag_name"] for tag in tags]}
