"""Tables of SOPs: enrolments, tasks, mass messages and the files they carry."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from bot.platform.models.columns import Key, Model, new_ref
from bot.platform.models.sealed import Sealed

if TYPE_CHECKING:
    from bot.platform.models.people import Agent, Customer


class SopEnrolment(Model):
    """A customer enrolled in an SOP: since when, why, and why it ended."""

    __tablename__ = "sop_enrolment"
    __table_args__ = (
        UniqueConstraint("customer_id", "sop_id", "cause"),  # one cause enrols once
        Index("ix_sop_enrolment_cohort", "sop_id", "enrolled_at"),
        Index(
            "ix_sop_enrolment_running",
            "sop_id",
            "id",
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))
    agent_id: Mapped[int] = mapped_column(ForeignKey("agent.id"))
    sop_id: Mapped[str] = mapped_column(String(64))
    cause: Mapped[str] = mapped_column(String(80))
    stop: Mapped[list[Any]]
    version: Mapped[str] = mapped_column(String(16))
    planned_version: Mapped[str | None] = mapped_column(String(16))  # the config its plan was brought to since
    enrolled_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    ended_because: Mapped[str | None] = mapped_column(String(64))
    ended_by: Mapped[str | None] = mapped_column(String(80))  # the move that ended it, which may be undone

    tasks: Mapped[list[SopTask]] = relationship(back_populates="enrolment", order_by="SopTask.step")


class ShadowStart(Model):
    """An SOP that is only tried would have begun with a customer. ends_at: when its last step would be over."""

    __tablename__ = "shadow_start"
    __table_args__ = (
        UniqueConstraint("customer_id", "sop_id", "cause"),
        Index("ix_shadow_start_sop", "sop_id", "began_at"),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    sop_id: Mapped[str] = mapped_column(String(64))
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))
    cause: Mapped[str] = mapped_column(String(80))
    began_at: Mapped[datetime]
    ends_at: Mapped[datetime]


class ShadowWord(Model):
    """A person's judgement of such a start: right, or not to have begun; the SOP's precision comes from these."""

    __tablename__ = "shadow_word"
    __table_args__ = (UniqueConstraint("start_id", "author"), Index("ix_shadow_word_sop", "sop_id", "right"))

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    start_id: Mapped[int] = mapped_column(ForeignKey("shadow_start.id"))
    sop_id: Mapped[str] = mapped_column(String(64))
    right: Mapped[bool]
    author: Mapped[str] = mapped_column(String(80))
    given_at: Mapped[datetime]


class SopTask(Model):
    """One step of an SOP for one customer, from planned to proven done (or why it was not)."""

    __tablename__ = "sop_task"
    __table_args__ = (
        UniqueConstraint("enrolment_id", "step"),  # no step twice
        Index("ix_sop_task_due", "state", "due_at"),
        Index(
            "ix_sop_task_agent", "agent_id", "state", "due_at"
        ),  # an agent's day list, and the workload of all agents
        Index("ix_sop_task_done", "agent_id", "completed_at"),
        Index("ix_sop_task_window", "window_until"),
        Index("uq_sop_task_ref", "ref", unique=True),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    ref: Mapped[str] = mapped_column(String(32), default=new_ref)  # what cards and links call it, outside
    enrolment_id: Mapped[int] = mapped_column(ForeignKey("sop_enrolment.id"))
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"), index=True)
    agent_id: Mapped[int] = mapped_column(ForeignKey("agent.id"))
    step: Mapped[int]
    state: Mapped[str] = mapped_column(String(16), default="planned")
    due_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    shifts: Mapped[list[Any]] = mapped_column(default=list)
    why: Mapped[str] = mapped_column(String(200), default="")
    wording: Mapped[str] = mapped_column(Text)  # the chosen variant, placeholders still open
    text: Mapped[str] = mapped_column(Sealed("sop_task.text"))  # with the placeholders filled
    variant: Mapped[int] = mapped_column(default=0)
    prompts: Mapped[int] = mapped_column(default=0)  # how many cards were sent for it
    anytime: Mapped[bool] = mapped_column(
        default=False
    )  # sent outside of work hours and without a gap: the customer is waiting
    priority: Mapped[int] = mapped_column(default=5)
    attach: Mapped[list[Any]] = mapped_column(default=list)
    window_seconds: Mapped[int] = mapped_column(default=86400)
    on_reply: Mapped[str | None] = mapped_column(String(30))
    on_silence: Mapped[str | None] = mapped_column(String(30))
    delivered_at: Mapped[datetime | None]
    tapped_at: Mapped[datetime | None]  # the agent tapped "send" beside the chat; the archive has yet to prove it
    completed_at: Mapped[datetime | None]
    # exact | edited | ticked | group-send | the kind of an attachment that alone proves it: link, image, ...
    outcome: Mapped[str | None] = mapped_column(String(16))
    timing: Mapped[str | None] = mapped_column(String(16))  # early | in-time | late
    similarity: Mapped[float | None]
    sent_by_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))
    sent_msgid: Mapped[str | None] = mapped_column(String(128))
    window_until: Mapped[datetime | None]
    window_closed_at: Mapped[datetime | None]
    replied_at: Mapped[datetime | None]
    reply_msgid: Mapped[str | None] = mapped_column(String(128))
    reminded: Mapped[list[Any]] = mapped_column(default=list)  # when the agent was reminded of it
    told_leader_at: Mapped[datetime | None]
    nudge_at: Mapped[datetime | None]  # when to look again whether to remind
    ended_because: Mapped[str | None] = mapped_column(String(200))
    rejected_because: Mapped[str | None] = mapped_column(String(16))  # the agent's 不合适, counted against the step
    channel: Mapped[str] = mapped_column(String(16), default="card")  # card | group-send
    group_send_id: Mapped[int | None] = mapped_column(ForeignKey("group_send.id"), index=True)
    group_status: Mapped[int | None]  # WeCom's result: 1 sent, 2 not a contact, 3 over the monthly cap
    attached: Mapped[list[Any]] = mapped_column(default=list)  # which of `attach` the archive has shown (indexes)

    enrolment: Mapped[SopEnrolment] = relationship(back_populates="tasks")
    customer: Mapped[Customer] = relationship()
    agent: Mapped[Agent] = relationship(foreign_keys=[agent_id])


class GroupSend(Model):
    """One 企业群发 task: the same words of one agent to many customers (the tasks that point here).

    state: gathering (not sent yet), created (WeCom has it, the agent has not confirmed), confirmed (results come in),
    done, cancelled, failed, unknown (it cannot be told whether WeCom has it).
    """

    __tablename__ = "group_send"
    __table_args__ = (Index("ix_group_send_open", "state", "agent_id"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    agent_id: Mapped[int] = mapped_column(ForeignKey("agent.id"))
    sop_id: Mapped[str] = mapped_column(String(64))
    step: Mapped[int]
    text: Mapped[str] = mapped_column(Text)
    attach: Mapped[list[Any]] = mapped_column(default=list)
    state: Mapped[str] = mapped_column(String(16), default="gathering")
    msgid: Mapped[str | None] = mapped_column(String(128), unique=True)
    customers: Mapped[int] = mapped_column(default=0)  # how many of them WeCom accepted
    created_at: Mapped[datetime]
    made_at: Mapped[datetime | None]  # when WeCom accepted it
    expires_at: Mapped[datetime]
    polls: Mapped[int] = mapped_column(default=0)
    polled_at: Mapped[datetime | None]
    poll_at: Mapped[datetime | None]
    confirmed_at: Mapped[datetime | None]
    reminded_at: Mapped[list[Any]] = mapped_column(default=list)  # ISO instants
    ended_because: Mapped[str | None] = mapped_column(String(200))

    agent: Mapped[Agent] = relationship()


class Material(Model):
    """A version of a file of the material library, and the media_id under which WeCom has it for 3 days."""

    __tablename__ = "material"
    __table_args__ = (UniqueConstraint("name", "kind", "sha256"), Index("ix_material_md5", "md5"))

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    kind: Mapped[str] = mapped_column(String(16))  # image | file: the type of its upload to WeCom
    sha256: Mapped[str] = mapped_column(String(64))
    md5: Mapped[str] = mapped_column(String(32))  # by which the archive refers to it
    size: Mapped[int]
    found_at: Mapped[datetime]
    used_at: Mapped[datetime]  # when the config last named it and the folder had it
    media_id: Mapped[str | None] = mapped_column(String(256))
    uploaded_at: Mapped[datetime | None]
    uploads: Mapped[int] = mapped_column(default=0)
