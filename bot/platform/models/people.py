"""Tables of people: customers, agents, departments, accounts, and which agent has which customer."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from bot.platform.models.columns import Key, Model
from bot.platform.models.sealed import Sealed, SealedJson


class Customer(Model):
    """A person outside the company, by WeCom's external_userid."""

    __tablename__ = "customer"
    __table_args__ = (
        Index(
            "ix_customer_conversion",
            "conversion",
            sqlite_where=text("conversion > 0"),
            postgresql_where=text("conversion > 0"),
        ),
        Index("ix_customer_silence", "last_word_at", "conversion", "created_at"),  # all that the board's filter asks
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    external_userid: Mapped[str] = mapped_column(String(64), unique=True)
    unionid: Mapped[str | None] = mapped_column(String(64), index=True)  # a WeChat user's, where WeCom tells it
    name: Mapped[str] = mapped_column(Sealed("customer.name"), default="")
    avatar: Mapped[str | None] = mapped_column(Sealed("customer.avatar"))
    channel: Mapped[str | None] = mapped_column(String(64))
    kind: Mapped[int | None]  # 1 a WeChat user, 2 a WeCom user of another company
    corp_name: Mapped[str] = mapped_column(Sealed("customer.corp_name"), default="")
    created_at: Mapped[datetime]
    last_word_at: Mapped[datetime | None]
    said_to_at: Mapped[datetime | None]  # when our side last wrote to them
    last_words: Mapped[str] = mapped_column(Sealed("customer.last_words"), default="")
    opted_out_at: Mapped[datetime | None]
    activity: Mapped[int] = mapped_column(default=0)
    conversion: Mapped[int] = mapped_column(default=0)

    follows: Mapped[list[Follow]] = relationship(back_populates="customer")


class CustomerField(Model):
    """The value of a customer's field that WeCom does not have, such as a birthday; dates as 1990-05-20."""

    __tablename__ = "customer_field"

    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"), primary_key=True)
    name: Mapped[str] = mapped_column(String(30), primary_key=True)
    value: Mapped[str] = mapped_column(Sealed("customer_field.value"))


class Agent(Model):
    """A member of the company. `key` is the case-folded userid: WeCom answers in either case."""

    __tablename__ = "agent"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    key: Mapped[str] = mapped_column(String(64), unique=True)
    userid: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(64), default="")
    departments: Mapped[list[Any]] = mapped_column(default=list)  # WeCom's ids, once the profile was read
    leads: Mapped[list[Any]] = mapped_column(default=list)  # those of `departments` that they lead
    leaders: Mapped[list[Any]] = mapped_column(default=list)  # keys of their direct leaders
    position: Mapped[str] = mapped_column(String(128), default="")
    created_at: Mapped[datetime]
    read_at: Mapped[datetime | None]  # when their profile was last read from WeCom
    left_at: Mapped[datetime | None]  # when they left the company or were disabled

    @property
    def shown_name(self) -> str:
        return self.name or self.userid


class Department(Model):
    """A department of the company, by WeCom's id; 1 is the company itself."""

    __tablename__ = "department"

    id: Mapped[int] = mapped_column(Key, primary_key=True, autoincrement=False)
    parent_id: Mapped[int] = mapped_column(BigInteger, default=0)  # 0: none
    name: Mapped[str] = mapped_column(String(128), default="")
    position: Mapped[int] = mapped_column(BigInteger, default=0)  # WeCom's order: the largest comes first
    gone_at: Mapped[datetime | None]


class Follow(Model):
    """Agent x customer: a contact, and what WeCom shows on it as far as we know.

    marked: by pipeline, the ids of the stage tags we last set or saw, and likewise by group that is kept on the
    phones; marking: those that a call under way may set. shown: by such group, the ids of the tags that were last
    seen there and that no call of ours was to take off since. tags: the declared ordinary tags last seen. marks
    counts our writes: a read of the profile that a write overlapped is recognised by it.
    clock: the first and last message that wait for an answer and the last answer, each [when, msgid]; waiting_since
    is the time of the first. waiting_told: whom of "agent" and "leader" we told of this wait, and when; it is looked
    at again at waiting_look_at.
    """

    __tablename__ = "follow"
    __table_args__ = (
        UniqueConstraint("agent_id", "customer_id"),
        Index(  # the present contacts of an agent
            "ix_follow_current",
            "agent_id",
            "customer_id",
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index(  # those who wait for an answer
            "ix_follow_waits",
            "agent_id",
            "waiting_since",
            sqlite_where=text("waiting_since IS NOT NULL"),
            postgresql_where=text("waiting_since IS NOT NULL"),
        ),
        Index(  # whoever has waited longest, whoever the agent is
            "ix_follow_longest",
            "waiting_since",
            "customer_id",
            sqlite_where=text("waiting_since IS NOT NULL AND ended_at IS NULL"),
            postgresql_where=text("waiting_since IS NOT NULL AND ended_at IS NULL"),
        ),
        Index(  # those of whose wait somebody has to be told
            "ix_follow_waiting",
            "waiting_look_at",
            sqlite_where=text("waiting_look_at IS NOT NULL"),
            postgresql_where=text("waiting_look_at IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    agent_id: Mapped[int] = mapped_column(ForeignKey("agent.id"))
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"), index=True)
    remark: Mapped[str] = mapped_column(Sealed("follow.remark"), default="")
    description: Mapped[str] = mapped_column(Sealed("follow.description"), default="")
    remark_mobiles: Mapped[list[Any]] = mapped_column(SealedJson("follow.remark_mobiles"), default=list)
    remark_corp_name: Mapped[str] = mapped_column(Sealed("follow.remark_corp_name"), default="")
    channel: Mapped[str | None] = mapped_column(String(64))
    add_way: Mapped[int | None]
    added_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None] = mapped_column(String(16))  # agent | customer | transfer
    last_talk_at: Mapped[datetime | None]
    marked: Mapped[dict[str, Any]] = mapped_column(default=dict)
    marking: Mapped[dict[str, Any]] = mapped_column(default=dict)
    shown: Mapped[dict[str, Any]] = mapped_column(default=dict)
    tags: Mapped[list[Any]] = mapped_column(default=list)
    marks: Mapped[int] = mapped_column(default=0)
    clock: Mapped[dict[str, Any]] = mapped_column(default=dict)
    waiting_since: Mapped[datetime | None]
    waiting_told: Mapped[dict[str, Any]] = mapped_column(default=dict)
    waiting_look_at: Mapped[datetime | None]

    agent: Mapped[Agent] = relationship(lazy="joined")
    customer: Mapped[Customer] = relationship(back_populates="follows")


class Account(Model):
    """Someone who may sign in: an agent through WeCom, or a local name with a password (for the first set-up).

    role: admin | leader | agent | auditor. Raising `serial` ends all sessions of the account.
    """

    __tablename__ = "account"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    agent_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"), unique=True)
    name: Mapped[str | None] = mapped_column(String(64), unique=True)  # local accounts only
    password: Mapped[str | None] = mapped_column(String(200))  # argon2
    role: Mapped[str] = mapped_column(String(16))
    role_by: Mapped[str] = mapped_column(String(80), default="")  # who assigned it; empty: derived from WeCom
    serial: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime]
    signed_in_at: Mapped[datetime | None]
    disabled_at: Mapped[datetime | None]

    agent: Mapped[Agent | None] = relationship(lazy="joined")


class SecondFactor(Model):
    """The app that shows codes beside the password of a local account.

    confirmed_at: from when on it is asked for. last_step: the half minute of the code used last, which counts once.
    codes: keyed hashes of the recovery codes that are left.
    """

    __tablename__ = "second_factor"

    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), primary_key=True, autoincrement=False)
    secret: Mapped[str] = mapped_column(Sealed("second_factor.secret"))
    confirmed_at: Mapped[datetime | None]
    last_step: Mapped[int] = mapped_column(BigInteger, default=0)
    codes: Mapped[list[Any]] = mapped_column(SealedJson("second_factor.codes"), default=list)


class Note(Model):
    """A note that a colleague wrote about a customer."""

    __tablename__ = "note"
    __table_args__ = (Index("ix_note_customer", "customer_id", "id"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))
    author: Mapped[str] = mapped_column(String(80))
    text: Mapped[str] = mapped_column(Sealed("note.text"))
    created_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]
