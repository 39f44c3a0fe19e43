"""Tables of the customer list: views that were saved, deeds done to many customers at once, and whom each reached."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from bot.platform.models.columns import Key, Model
from bot.platform.models.sealed import SealedJson


class SavedView(Model):
    """Conditions, order and columns of the customer list under a name; a shared one is everybody's to open."""

    __tablename__ = "saved_view"
    __table_args__ = (Index("ix_saved_view_owner", "owner", "id"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    owner: Mapped[str] = mapped_column(String(80))
    name: Mapped[str] = mapped_column(String(40))
    shared: Mapped[bool] = mapped_column(default=False)
    asked: Mapped[list[Any]] = mapped_column(default=list)  # [name, value] as they stand in the address
    created_at: Mapped[datetime]


class BulkDeed(Model):
    """One deed done to many customers, by a job, a piece at a time; it can be undone for a day.

    kind: a key of bot.agents.bulk_deeds.DEEDS, or export (the cells of each row are in what the item was given).
    state: draft (a table that is being looked at), running, done, cancelled, undoing, undone, gone (an export whose
    rows are deleted). asker: account and role of who asked, so that each piece looks again at whom they may
    see. per_day: at most so many customers a day; 0: all at once.
    """

    __tablename__ = "bulk_deed"
    __table_args__ = (Index("ix_bulk_deed_open", "state", "id"), Index("ix_bulk_deed_actor", "actor", "id"))

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(16), default="running")
    actor: Mapped[str] = mapped_column(String(80))
    asker: Mapped[dict[str, Any]]
    what: Mapped[dict[str, Any]] = mapped_column(SealedJson("bulk_deed.what"), default=dict)
    per_day: Mapped[int] = mapped_column(default=0)
    asked: Mapped[int] = mapped_column(default=0)  # how many customers there were
    created_at: Mapped[datetime]
    touched_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class BulkItem(Model):
    """One customer of a deed. state: waiting, done, skipped (so already), failed, undone, kept (undo failed).

    turn: the place in the order of the deed, from 0. why: why it failed, or could not be undone. undo: what is needed
    to take it back.
    """

    __tablename__ = "bulk_item"
    __table_args__ = (
        Index("ix_bulk_item_turn", "deed_id", "state", "turn"),
        Index("ix_bulk_item_customer", "customer_id"),
    )

    deed_id: Mapped[int] = mapped_column(ForeignKey("bulk_deed.id"), primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"), primary_key=True)
    turn: Mapped[int]
    state: Mapped[str] = mapped_column(String(10), default="waiting")
    why: Mapped[str] = mapped_column(String(300), default="")
    given: Mapped[dict[str, Any] | None] = mapped_column(SealedJson("bulk_item.given"))  # of an import, an export
    undo: Mapped[dict[str, Any] | None] = mapped_column(SealedJson("bulk_item.undo"))
