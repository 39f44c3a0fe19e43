"""Tables of privacy: consent to archiving, erasures and tombstones of erased persons, tokens of the search index."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, SmallInteger, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from bot.platform.models.columns import Key, Model
from bot.platform.models.sealed import Hashed, Sealed


class Consent(Model):
    """Whether a customer agreed that conversations with one agent, or in one room, are archived, as WeCom told us.

    whom: the agent's key, or the roomid. Where they refused and agreed in turn, a message is judged by its time.
    `decided` is what a colleague entered (agreed | refused); it takes precedence over WeCom's.
    """

    __tablename__ = "consent"
    __table_args__ = (UniqueConstraint("customer_id", "kind", "whom"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))
    kind: Mapped[str] = mapped_column(String(8))  # agent | room
    whom: Mapped[str] = mapped_column(String(64))
    agreed_at: Mapped[datetime | None]
    refused_at: Mapped[datetime | None]
    source: Mapped[str] = mapped_column(String(16), default="")  # message | event | poll
    checked_at: Mapped[datetime | None]  # when WeCom was last asked
    decided: Mapped[str | None] = mapped_column(String(16))
    decided_by: Mapped[str] = mapped_column(String(64), default="")
    decided_at: Mapped[datetime | None]


class Tombstone(Model):
    """A person erased on request, by a keyed hash of the external_userid: no message or event may create them again.

    lifted_at: an agent added them anew; what was said before that moment stays out for good.
    """

    __tablename__ = "tombstone"

    hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    erased_at: Mapped[datetime]
    lifted_at: Mapped[datetime | None]


class Erasure(Model):
    """A person whose erasure was asked for: tried until done. What was done stays as a receipt without them."""

    __tablename__ = "erasure"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    stone: Mapped[str] = mapped_column(String(64))  # their tombstone
    person: Mapped[str] = mapped_column(Sealed("erasure.person"))  # external_userid; empty once it is done
    actor: Mapped[str] = mapped_column(String(80))
    asked_at: Mapped[datetime]
    not_before: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    error: Mapped[str] = mapped_column(String(200), default="")  # why the last attempt ended
    done_at: Mapped[datetime | None] = mapped_column(index=True)
    receipt: Mapped[dict[str, Any]] = mapped_column(default=dict)  # how many rows of which table; files yet to go


class SearchToken(Model):
    """A keyed hash of a search term that occurs in a customer's names or messages."""

    __tablename__ = "search_token"
    __table_args__ = (Index("ix_search_token_customer", "customer_id", "kind"), {"sqlite_with_rowid": False})

    kind: Mapped[int] = mapped_column(SmallInteger, primary_key=True)  # 1 names and remarks, 2 words of messages
    token: Mapped[str] = mapped_column(Hashed, primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"), primary_key=True)
