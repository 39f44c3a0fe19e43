"""Export: everything that is stored of a customer, as JSON and CSV."""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import Any

import orjson
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.platform.csv_cells import as_csv, local_time
from bot.platform.models import Customer, GroupChat, GroupMember, SearchToken, ViewEntry
from bot.privacy.dependent_rows import dependent_rows_of, rows_of

_LEFT_OUT = {SearchToken.__tablename__}  # keyed hashes, which mean nothing outside the database


class NobodyToExportError(LookupError):
    """There is no such customer."""


def export(session: Session, external_userid: str, now: datetime) -> dict[str, Any]:
    """All rows about a customer, by table, decrypted: {customer, exported_at, tables: {name: [row, ...]}}."""
    customer = session.scalar(select(Customer).where(Customer.external_userid == external_userid))
    if customer is None:
        raise NobodyToExportError(f"没有客户 {external_userid}（或已经删除）/ no such customer, or erased before")
    dependent = dependent_rows_of(session, Customer, [customer.id])
    tables = {
        table.name: list(rows_of(session, table, keys))
        for table, keys in dependent.items()
        if table.name not in _LEFT_OUT
    }
    # Until ids stopped returning, readings of an erased customer could name the id of the next one.
    mine = ViewEntry.customer_id == customer.id, ViewEntry.at >= customer.created_at
    views = select(ViewEntry).where(*mine).order_by(ViewEntry.id)
    tables["view_entry"] = [
        {"at": view.at, "actor": view.actor, "page": view.page} for view in session.scalars(views)
    ]
    rooms = (
        select(GroupChat.chat_id, GroupChat.name, GroupMember.name, GroupMember.joined_at, GroupMember.left_at)
        .join(GroupMember, GroupMember.group_id == GroupChat.id)
        .where(GroupMember.person == external_userid)
    )
    names = ("chat_id", "room", "called", "joined_at", "left_at")
    tables["group_member"] = [dict(zip(names, row, strict=True)) for row in session.execute(rooms)]
    return {"customer": external_userid, "exported_at": now, "tables": {k: v for k, v in tables.items() if v}}


def as_json(exported: dict[str, Any]) -> bytes:
    """The export as indented UTF-8 JSON; moments as ISO 8601 in UTC."""
    return orjson.dumps(exported, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS, default=str)


def messages_csv(exported: dict[str, Any], zone: tzinfo) -> str:
    """The conversation alone as CSV for a spreadsheet, its times in this zone; no cell is taken for a formula."""
    rows = exported["tables"].get("message", ())
    cells = [
        [local_time(row["sent_at"], zone), row["role"], row["sender"], row["kind"], row["text"] or row["line"]]
        for row in rows
    ]
    return as_csv((f"sent_at ({zone})", "role", "sender", "kind", "text"), cells)
