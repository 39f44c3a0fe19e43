"""Tables of the running system: leases, config versions, studies, audit log, alarms and cached reports."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from bot.platform.models.columns import Key, Model
from bot.platform.models.sealed import SealedJson


class Lease(Model):
    """The exclusive right to do one thing, until when (database time); the fence grows with every new holder."""

    __tablename__ = "lease"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    owner: Mapped[str] = mapped_column(String(64))
    until: Mapped[datetime]
    fence: Mapped[int] = mapped_column(default=1)


class ConfigVersion(Model):
    """Every config.toml that was ever in force, whole, by the hash of its text."""

    __tablename__ = "config_version"

    version: Mapped[str] = mapped_column(String(16), primary_key=True)
    text: Mapped[str] = mapped_column(Text)
    loaded_at: Mapped[datetime]


class ConfigChange(Model):
    """A config version coming into force, and by whom. `follows` is the id of the change before it (0: none)."""

    __tablename__ = "config_change"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    follows: Mapped[int] = mapped_column(BigInteger, unique=True)  # of two concurrent changes one fails
    version: Mapped[str] = mapped_column(String(16))
    author: Mapped[str] = mapped_column(String(80), default="")  # empty: the file was edited by hand
    what: Mapped[str] = mapped_column(String(200), default="")
    at: Mapped[datetime]


class Study(Model):
    """A long analysis of past messages, run in pieces beside the daily work.

    kind: backtest (`draft` against `version`: who would gain or lose which tag) | mine (proposals for new rules).
    state: waiting, running, done, cancelled, failed. `piece` is the index in `plan` done next; `result` grows.
    """

    __tablename__ = "study"
    __table_args__ = (Index("ix_study_open", "state", "id"), Index("ix_study_kind", "kind", "id"))

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(16), default="waiting")
    author: Mapped[str] = mapped_column(String(80))
    version: Mapped[str] = mapped_column(String(16))
    draft: Mapped[str] = mapped_column(Text, default="")
    since: Mapped[datetime]
    created_at: Mapped[datetime]
    touched_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    plan: Mapped[list[Any]] = mapped_column(default=list)  # [first, last] customer ids of each piece
    piece: Mapped[int] = mapped_column(default=0)
    messages: Mapped[int] = mapped_column(BigInteger, default=0)  # how many there are in all
    result: Mapped[dict[str, Any]] = mapped_column(SealedJson("study.result"), default=dict)
    why: Mapped[str] = mapped_column(String(300), default="")


class Status(Model):
    """Named values about the running system: heartbeats, the last config error, the last pull."""

    __tablename__ = "status"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[dict[str, Any]]
    at: Mapped[datetime]


class SpentState(Model):
    """A value that must not be accepted again: the state of a completed sign-in through WeCom, or a session that was
    signed out (then `spent_at` is when its cookie expires)."""

    __tablename__ = "spent_state"

    state: Mapped[str] = mapped_column(String(64), primary_key=True)
    spent_at: Mapped[datetime] = mapped_column(index=True)


class AuditEntry(Model):
    """One action of a person through the pages or the command line; each row's hash covers the one before."""

    __tablename__ = "audit_entry"
    __table_args__ = (Index("ix_audit_entry_actor", "actor", "id"), Index("ix_audit_entry_action", "action", "id"))

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    actor: Mapped[str] = mapped_column(String(80))
    action: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str] = mapped_column(String(120))
    detail: Mapped[dict[str, Any]] = mapped_column(SealedJson("audit_entry.detail"), default=dict)
    detail_hash: Mapped[str] = mapped_column(String(64), default="")  # what the chain covers in place of the detail
    before: Mapped[str] = mapped_column(String(64), unique=True)  # the chain cannot fork
    hash: Mapped[str] = mapped_column(String(64), unique=True)


class ViewEntry(Model):
    """Who read whose conversation, when, on which page."""

    __tablename__ = "view_entry"
    __table_args__ = (
        Index("ix_view_entry_customer", "customer_id", "id"),
        Index("ix_view_entry_actor", "actor", "id"),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    actor: Mapped[str] = mapped_column(String(80))
    customer_id: Mapped[int | None] = mapped_column(BigInteger)
    page: Mapped[str] = mapped_column(String(40))


class Alarm(Model):
    """Something a person must mend; sent to the agents named in [alarms] once a day while it lasts."""

    __tablename__ = "alarm"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    text: Mapped[str] = mapped_column(String(500))
    raised_at: Mapped[datetime]  # the last time; a cleared alarm may be raised again
    seen_at: Mapped[datetime]  # when it was last found to last
    times: Mapped[int] = mapped_column(default=1)
    cleared_at: Mapped[datetime | None]
    told_at: Mapped[datetime | None]


class Report(Model):
    """A report as last computed; its key holds its name, period and agents."""

    __tablename__ = "report"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    at: Mapped[datetime]
    tables: Mapped[list[Any]]
