"""Tables of calls to WeCom: the outbox, call counts, quotas and circuit breakers."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from bot.platform.models.columns import Key, Model
from bot.platform.models.sealed import SealedJson


class Outbox(Model):
    """A call to make to WeCom, written in the transaction that decided it."""

    __tablename__ = "outbox"
    __table_args__ = (Index("ix_outbox_open", "state", "not_before"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    key: Mapped[str] = mapped_column(String(120), unique=True)  # the same thing is never sent twice
    kind: Mapped[str] = mapped_column(String(16))  # a key of bot.worker.handlers.HANDLERS
    state: Mapped[str] = mapped_column(String(16), default="waiting")
    payload: Mapped[dict[str, Any]] = mapped_column(SealedJson("outbox.payload"))
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customer.id"))
    agent_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))
    task_id: Mapped[int | None] = mapped_column(ForeignKey("sop_task.id"))
    created_at: Mapped[datetime]
    not_before: Mapped[datetime]
    deadline: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    first_tried_at: Mapped[datetime | None]
    lease_owner: Mapped[str | None] = mapped_column(String(64))
    lease_until: Mapped[datetime | None]
    done_at: Mapped[datetime | None]
    result: Mapped[dict[str, Any]] = mapped_column(SealedJson("outbox.result"), default=dict)
    error: Mapped[str | None] = mapped_column(String(500))


class ApiCalls(Model):
    """Calls of one WeCom API with one outcome in one minute; old minutes are added up under the year 1970."""

    __tablename__ = "api_tally"

    api: Mapped[str] = mapped_column(String(64), primary_key=True)
    errcode: Mapped[str] = mapped_column(String(16), primary_key=True)  # "0", "45009", "http", "held", ...
    minute: Mapped[datetime] = mapped_column(primary_key=True, index=True)
    calls: Mapped[int] = mapped_column(BigInteger, default=0)


class Allowance(Model):
    """How much of a quota (such as messages to one member) was used lately; the row is locked while it is spent."""

    __tablename__ = "allowance"

    name: Mapped[str] = mapped_column(String(128), primary_key=True)
    spent: Mapped[dict[str, Any]] = mapped_column(default=dict)  # window -> [[unix second, how many], ...]
    hint_at: Mapped[datetime | None]  # the last turn promised to a waiting caller
    used_at: Mapped[datetime]


class Breaker(Model):
    """A circuit breaker for a secret, a group of APIs or one API: held until `until`, then one process tries."""

    __tablename__ = "breaker"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    failures: Mapped[int] = mapped_column(default=0)  # in a row
    failed_at: Mapped[datetime]
    until: Mapped[datetime | None]
    errcode: Mapped[int | None]
    why: Mapped[str] = mapped_column(String(500), default="")
