"""Our own house: leases, config versions, studies, logs, alarms and kept reports."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from bot.platform.models.columns import Key, Model
from bot.platform.models.sealed import SealedJson


class Lease(Model):
    """Who may do a thing alone, until when (database time); the fence grows with every new holder."""

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
    """One time that a config came into force: which version, by whom. `follows` is the change before it (0: none)."""

    __tablename__ = "config_change"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    follows: Mapped[int] = mapped_column(BigInteger, unique=True)  # two cannot both come next
    version: Mapped[str] = mapped_column(String(16))
    author: Mapped[str] = mapped_column(String(80), default="")  # empty: the file was edited by hand
    what: Mapped[str] = mapped_column(String(200), default="")
    at: Mapped[datetime]


class Study(Model):
    """A long look at what was said, done piece by piece beside the daily work.

    kind: backtest (`draft` against `version`: who would gain or lose which tag) | mine (rules nobody wrote yet).
    state: waiting, running, done, cancelled, failed. `piece` of `pieces` is done next; `result` grows with each.
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
    messages: Mapped[int] = mapped_column(BigInteger, default=0)  # there are in all
    result: Mapped[dict[str, Any]] = mapped_column(SealedJson("study.result"), default=dict)
    why: Mapped[str] = mapped_column(String(300), default="")


class Status(Model):
    """Small facts about the running system: heartbeats, the last config error, the last pull."""

    __tablename__ = "status"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[dict[str, Any]]
    at: Mapped[datetime]


class SpentState(Model):
    """What opens nothing any more: the state of a sign-in through WeCom that has come back, a session that was
    signed out of (then `spent_at` is when its cookie ends by itself)."""

    __tablename__ = "spent_state"

    state: Mapped[str] = mapped_column(String(64), primary_key=True)
    spent_at: Mapped[datetime] = mapped_column(index=True)


class AuditEntry(Model):
    """One thing that a person did through the pages or the command line; each row's hash covers the one before."""

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
    """Something a person must mend; told to the alarm's agents once a day while it lasts."""

    __tablename__ = "alarm"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    text: Mapped[str] = mapped_column(String(500))
    raised_at: Mapped[datetime]  # this time; an alarm that was cleared may come again
    seen_at: Mapped[datetime]  # the last time it was found so
    times: Mapped[int] = mapped_column(default=1)
    cleared_at: Mapped[datetime | None]
    told_at: Mapped[datetime | None]


class Report(Model):
    """A report as it was last computed, by its name, period and the agents it is about."""

    __tablename__ = "report"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    at: Mapped[datetime]
    tables: Mapped[list[Any]]
