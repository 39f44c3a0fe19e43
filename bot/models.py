"""The tables: people, what they said, what was noticed, where they stand, what follows, what must leave."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from bot.sealed import Hashed, Sealed, SealedJson


class UtcDateTime(TypeDecorator[datetime]):
    """Aware UTC datetimes in Python on every database; a naive one is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a datetime without a zone cannot be stored")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


Json = JSON().with_variant(JSONB(), "postgresql")
Key = BigInteger().with_variant(Integer(), "sqlite")


class Model(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy's own form
        datetime: UtcDateTime(),
        dict[str, Any]: Json,
        list[Any]: Json,
    }


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
    name: Mapped[str] = mapped_column(Sealed("customer.name"), default="")
    avatar: Mapped[str | None] = mapped_column(Sealed("customer.avatar"))
    channel: Mapped[str | None] = mapped_column(String(64))
    kind: Mapped[int | None]  # 1 a WeChat user, 2 a WeCom user of another company
    corp_name: Mapped[str] = mapped_column(Sealed("customer.corp_name"), default="")
    created_at: Mapped[datetime]
    last_word_at: Mapped[datetime | None]
    said_to_at: Mapped[datetime | None]  # our side's last word to him
    last_words: Mapped[str] = mapped_column(Sealed("customer.last_words"), default="")
    opted_out_at: Mapped[datetime | None]
    activity: Mapped[int] = mapped_column(default=0)
    conversion: Mapped[int] = mapped_column(default=0)

    placements: Mapped[list[Placement]] = relationship(back_populates="customer")
    follows: Mapped[list[Follow]] = relationship(back_populates="customer")


class CustomerField(Model):
    """A fact about a customer beyond what WeCom knows, such as his birthday; dates as 1990-05-20."""

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
    departments: Mapped[list[Any]] = mapped_column(default=list)  # WeCom's ids, once its profile was read
    leads: Mapped[list[Any]] = mapped_column(default=list)  # those of them that he leads
    leaders: Mapped[list[Any]] = mapped_column(default=list)  # keys of his direct leaders
    position: Mapped[str] = mapped_column(String(128), default="")
    created_at: Mapped[datetime]
    read_at: Mapped[datetime | None]  # when WeCom last showed his profile
    left_at: Mapped[datetime | None]  # he left the company or was disabled

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
    """Agent x customer: who has whom as a contact, and what WeCom shows there as far as we know.

    marked: by pipeline, the ids of the stage tags we set or saw last; marking: those a call under way may be setting.
    tags: the declared ordinary tags seen last. marks counts our writes, so that a reading knows one came between.
    """

    __tablename__ = "follow"
    __table_args__ = (
        UniqueConstraint("agent_id", "customer_id"),
        Index(  # whose customers they are now
            "ix_follow_current",
            "agent_id",
            "customer_id",
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
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
    tags: Mapped[list[Any]] = mapped_column(default=list)
    marks: Mapped[int] = mapped_column(default=0)

    agent: Mapped[Agent] = relationship(lazy="joined")
    customer: Mapped[Customer] = relationship(back_populates="follows")


class Message(Model):
    """One archived message. `raw` is the decrypted JSON as it came; `text` is every word in it."""

    __tablename__ = "message"
    __table_args__ = (
        Index("ix_message_talk", "customer_id", "sent_at"),
        Index(
            "ix_message_room",
            "roomid",
            "sent_at",
            sqlite_where=text("roomid <> ''"),
            postgresql_where=text("roomid <> ''"),
        ),
        Index(
            "ix_message_revokes",
            "revokes",
            sqlite_where=text("revokes IS NOT NULL"),
            postgresql_where=text("revokes IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    msgid: Mapped[str] = mapped_column(String(128), unique=True)  # a replayed batch adds nothing
    seq: Mapped[int] = mapped_column(BigInteger)
    action: Mapped[str] = mapped_column(String(16))
    kind: Mapped[str] = mapped_column(String(64))
    sender: Mapped[str] = mapped_column(String(64))
    role: Mapped[str] = mapped_column(String(16))  # customer | agent | robot | none
    roomid: Mapped[str] = mapped_column(String(64), default="")
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customer.id"))
    agent_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))
    sent_at: Mapped[datetime]
    stored_at: Mapped[datetime]
    text: Mapped[str] = mapped_column(Sealed("message.text"), default="")
    line: Mapped[str] = mapped_column(Sealed("message.line"), default="")
    raw: Mapped[str] = mapped_column(Sealed("message.raw"))
    version: Mapped[str | None] = mapped_column(String(16))  # the config version that judged it
    revokes: Mapped[str | None] = mapped_column(String(128))  # the msgid that this one takes back
    revoked_at: Mapped[datetime | None]  # the sender took it back; it stays stored
    unagreed: Mapped[bool] = mapped_column(default=False)  # the customer had refused: stored, but nothing else done


class ArchiveCursor(Model):
    """How far a corp's archive has been stored: the largest seq of the last committed batch."""

    __tablename__ = "archive_cursor"

    corp_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, default=0)
    attempts: Mapped[int] = mapped_column(default=0)  # begun, not finished, at this very seq
    pulled_at: Mapped[datetime | None]


class Lease(Model):
    """Who may do a thing alone, until when (database time); the fence grows with every new holder."""

    __tablename__ = "lease"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    owner: Mapped[str] = mapped_column(String(64))
    until: Mapped[datetime]
    fence: Mapped[int] = mapped_column(default=1)


class Quarantine(Model):
    """An archive row that could not be read, kept as it came until a key or a release can read it."""

    __tablename__ = "quarantine"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, unique=True)
    msgid: Mapped[str] = mapped_column(String(128))
    publickey_ver: Mapped[int]
    sealed: Mapped[dict[str, Any]]
    reason: Mapped[str] = mapped_column(String(500))
    attempts: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime]
    released_at: Mapped[datetime | None]


class CallbackEvent(Model):
    """An authentic callback, stored before it is answered; the digest makes WeCom's retries harmless."""

    __tablename__ = "callback_event"
    __table_args__ = (
        Index(
            "ix_callback_event_open",
            "id",
            sqlite_where=text("handled_at IS NULL"),
            postgresql_where=text("handled_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    digest: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[str] = mapped_column(String(64))
    change_type: Mapped[str] = mapped_column(String(64), default="")
    raw_xml: Mapped[str] = mapped_column(Sealed("callback_event.raw_xml"))
    created_at: Mapped[datetime]
    received_at: Mapped[datetime]
    handled_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    outcome: Mapped[str | None] = mapped_column(String(500))


class Evidence(Model):
    """One rule hit: in which message or on what other occasion, by which words, rule and config version."""

    __tablename__ = "evidence"
    __table_args__ = (
        UniqueConstraint("customer_id", "rule_id", "occasion"),  # an occasion counts once per rule
        Index("ix_evidence_message", "message_id"),
        Index("ix_evidence_count", "customer_id", "rule_id", "hit_at"),
        Index("ix_evidence_rule", "rule_id", "hit_at"),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))
    occasion: Mapped[str] = mapped_column(String(128))  # the msgid, or what else happened
    message_id: Mapped[int | None] = mapped_column(ForeignKey("message.id"))
    rule_id: Mapped[str] = mapped_column(String(64))
    tag: Mapped[str] = mapped_column(String(30))
    version: Mapped[str] = mapped_column(String(16))
    spans: Mapped[list[Any]] = mapped_column(SealedJson("evidence.spans"))
    reason: Mapped[str] = mapped_column(Sealed("evidence.reason"))
    counted: Mapped[int] = mapped_column(default=1)  # the how-manieth hit within the rule's window
    needed: Mapped[int] = mapped_column(default=1)  # how many the rule asks for before it tags
    hit_at: Mapped[datetime]


class Tagging(Model):
    """A tag a customer carries or carried: by whom, on what evidence, until when."""

    __tablename__ = "tagging"
    __table_args__ = (
        Index(  # a tag is carried once at a time
            "uq_tagging_carried",
            "customer_id",
            "tag",
            unique=True,
            sqlite_where=text("removed_at IS NULL"),
            postgresql_where=text("removed_at IS NULL"),
        ),
        Index(  # who carries a tag
            "ix_tagging_tag",
            "tag",
            "customer_id",
            sqlite_where=text("removed_at IS NULL"),
            postgresql_where=text("removed_at IS NULL"),
        ),
        Index("ix_tagging_customer", "customer_id", "tagged_at"),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))
    tag: Mapped[str] = mapped_column(String(30))
    by: Mapped[str] = mapped_column(String(16))  # rule | sop | human | wecom
    rule_id: Mapped[str | None] = mapped_column(String(64))
    msgid: Mapped[str | None] = mapped_column(String(128))
    reason: Mapped[str] = mapped_column(Sealed("tagging.reason"), default="")
    version: Mapped[str] = mapped_column(String(16))
    tagged_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    removed_at: Mapped[datetime | None]
    removed_because: Mapped[str | None] = mapped_column(String(64))
    revoked_at: Mapped[datetime | None]  # the only message it was earned by was taken back


class Placement(Model):
    """Where a customer stands now in one pipeline; the ledger of StageMoves replays to it."""

    __tablename__ = "placement"
    __table_args__ = (
        UniqueConstraint("customer_id", "pipeline"),
        Index("ix_placement_column", "pipeline", "stage", "entered_at", "customer_id"),  # in the order it is shown
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))
    pipeline: Mapped[str] = mapped_column(String(30))
    stage: Mapped[str] = mapped_column(String(30))
    entered_at: Mapped[datetime]
    serial: Mapped[int] = mapped_column(default=1)
    moved_by_person_at: Mapped[datetime | None]

    customer: Mapped[Customer] = relationship(back_populates="placements")


class StageMove(Model):
    """One move on the board, never changed afterwards: from, to, why, who, when, by which config version."""

    __tablename__ = "stage_move"
    __table_args__ = (UniqueConstraint("customer_id", "pipeline", "serial"),)  # two movers cannot both be nth

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))
    pipeline: Mapped[str] = mapped_column(String(30))
    serial: Mapped[int]
    from_stage: Mapped[str | None] = mapped_column(String(30))
    to_stage: Mapped[str] = mapped_column(String(30))
    cause: Mapped[str] = mapped_column(String(16))  # tag | event | timer | drag | wecom | api | undo
    trigger: Mapped[str] = mapped_column(String(64), default="")
    evidence: Mapped[str] = mapped_column(Sealed("stage_move.evidence"), default="")
    msgid: Mapped[str | None] = mapped_column(String(128))
    actor: Mapped[str] = mapped_column(String(64), default="")
    version: Mapped[str] = mapped_column(String(16))
    moved_at: Mapped[datetime]


class SopEnrolment(Model):
    """A customer on an SOP: since when and why, and why it ended."""

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
    enrolled_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    ended_because: Mapped[str | None] = mapped_column(String(64))

    tasks: Mapped[list[SopTask]] = relationship(back_populates="enrolment", order_by="SopTask.step")


class SopTask(Model):
    """One step of an SOP for one customer, from planned to proven (or the reason why not)."""

    __tablename__ = "sop_task"
    __table_args__ = (
        UniqueConstraint("enrolment_id", "step"),  # no step twice
        Index("ix_sop_task_due", "state", "due_at"),
        Index("ix_sop_task_agent", "agent_id", "state", "due_at"),  # an agent's day, and the count of every agent's
        Index("ix_sop_task_done", "agent_id", "completed_at"),
        Index("ix_sop_task_window", "window_until"),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
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
    text: Mapped[str] = mapped_column(Sealed("sop_task.text"))  # as the agent is to say it
    variant: Mapped[int] = mapped_column(default=0)
    prompts: Mapped[int] = mapped_column(default=0)  # how often a card was put out for it
    anytime: Mapped[bool] = mapped_column(default=False)  # the customer waits for it: no work hours, no gap
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
    reminded: Mapped[list[Any]] = mapped_column(default=list)  # when the agent was reminded, unfollowed as it was
    told_leader_at: Mapped[datetime | None]
    nudge_at: Mapped[datetime | None]  # when to look again whether to remind
    ended_because: Mapped[str | None] = mapped_column(String(200))
    rejected_because: Mapped[str | None] = mapped_column(String(16))  # the agent's 不合适, counted against the step
    channel: Mapped[str] = mapped_column(String(16), default="card")  # card | group-send
    group_send_id: Mapped[int | None] = mapped_column(ForeignKey("group_send.id"), index=True)
    group_status: Mapped[int | None]  # WeCom's word on it: 1 sent, 2 not a friend, 3 over the cap
    attached: Mapped[list[Any]] = mapped_column(default=list)  # which of `attach` the archive has shown (indexes)

    enrolment: Mapped[SopEnrolment] = relationship(back_populates="tasks")
    customer: Mapped[Customer] = relationship()
    agent: Mapped[Agent] = relationship(foreign_keys=[agent_id])


class GroupSend(Model):
    """One 企业群发 task: the same words of one agent to many customers (the tasks that point here).

    gathering (waits to leave), created (WeCom has it, the agent has not confirmed), confirmed (results come in),
    done, cancelled, failed, unknown (nobody can say whether WeCom has it).
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
    customers: Mapped[int] = mapped_column(default=0)  # how many WeCom took
    created_at: Mapped[datetime]
    made_at: Mapped[datetime | None]  # WeCom took it
    expires_at: Mapped[datetime]
    polls: Mapped[int] = mapped_column(default=0)
    polled_at: Mapped[datetime | None]
    poll_at: Mapped[datetime | None]
    confirmed_at: Mapped[datetime | None]
    reminded_at: Mapped[list[Any]] = mapped_column(default=list)  # ISO instants
    ended_because: Mapped[str | None] = mapped_column(String(200))

    agent: Mapped[Agent] = relationship()


class Material(Model):
    """A file of the material library as it was at one time, and the media_id under which WeCom has it for 3 days."""

    __tablename__ = "material"
    __table_args__ = (UniqueConstraint("name", "kind", "sha256"), Index("ix_material_md5", "md5"))

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    kind: Mapped[str] = mapped_column(String(16))  # image | file: as which WeCom takes it
    sha256: Mapped[str] = mapped_column(String(64))
    md5: Mapped[str] = mapped_column(String(32))  # what the archive calls it by
    size: Mapped[int]
    found_at: Mapped[datetime]
    used_at: Mapped[datetime]  # the config last named it, the folder last had it
    media_id: Mapped[str | None] = mapped_column(String(256))
    uploaded_at: Mapped[datetime | None]
    uploads: Mapped[int] = mapped_column(default=0)


class Outbox(Model):
    """Something that must leave for WeCom, written in the transaction that decided it."""

    __tablename__ = "outbox"
    __table_args__ = (Index("ix_outbox_open", "state", "not_before"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    key: Mapped[str] = mapped_column(String(120), unique=True)  # the same thing is never put out twice
    kind: Mapped[str] = mapped_column(String(16))  # a key of bot.errands.ERRANDS
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


class LinkOpening(Model):
    """A customer opened a tracked link of a task; handled when the rules have seen it."""

    __tablename__ = "link_opening"
    __table_args__ = (
        Index(
            "ix_link_opening_open",
            "id",
            sqlite_where=text("handled_at IS NULL"),
            postgresql_where=text("handled_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    task_id: Mapped[int] = mapped_column(ForeignKey("sop_task.id"), index=True)
    title: Mapped[str] = mapped_column(String(64))
    opened_at: Mapped[datetime]
    handled_at: Mapped[datetime | None]


class CorpTag(Model):
    """A WeCom corp tag as last read or made. `stage` of `pipeline` is what it stands for, even renamed in WeCom."""

    __tablename__ = "corp_tag"
    __table_args__ = (Index("ix_corp_tag_stage", "pipeline", "stage"),)

    tag_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    group_id: Mapped[str] = mapped_column(String(64))
    group_name: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(64))
    pipeline: Mapped[str | None] = mapped_column(String(30))
    stage: Mapped[str | None] = mapped_column(String(30))


class MediaFile(Model):
    """A file that a message carries: where it lies with WeCom, and where with us once it was fetched.

    noted (only its name is known), asked (somebody wants it), kept (its content lies in the media store under
    `content_hash`), lost (WeCom has it no more), refused (too large, or not what was announced), failed.
    """

    __tablename__ = "media_file"
    __table_args__ = (
        UniqueConstraint("message_id", "position"),
        Index("ix_media_file_fileid", "fileid_hash"),
        Index("ix_media_file_content", "content_hash"),
        Index("ix_media_file_state", "state", "sent_at"),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("message.id"))
    position: Mapped[int] = mapped_column(default=0)  # among the files of its message
    kind: Mapped[str] = mapped_column(String(64))  # image | voice | file | ...: the kind it was sent as
    name: Mapped[str] = mapped_column(Sealed("media_file.name"), default="")  # as the sender called it
    sdkfileid: Mapped[str] = mapped_column(Sealed("media_file.sdkfileid"))
    fileid_hash: Mapped[str] = mapped_column(String(64))
    md5: Mapped[str] = mapped_column(String(32), default="")  # as announced; WeCom leaves some empty
    announced_size: Mapped[int | None] = mapped_column(BigInteger)
    seconds: Mapped[int | None] = mapped_column(BigInteger)
    sent_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(String(16), default="noted")
    why: Mapped[str] = mapped_column(String(300), default="")
    attempts: Mapped[int] = mapped_column(default=0)
    fetched: Mapped[int] = mapped_column(BigInteger, default=0)  # bytes so far
    content_hash: Mapped[str | None] = mapped_column(String(64))
    size: Mapped[int | None] = mapped_column(BigInteger)
    sniffed: Mapped[str] = mapped_column(String(100), default="")  # the media type its first bytes show
    kept_at: Mapped[datetime | None]


class Consent(Model):
    """Whether a customer lets his talks with one agent, or in one room, be archived, as far as we were told.

    whom: the agent's key, or the roomid. Where he refused and agreed by turns, each message counts by its time.
    `decided` is a person's word (agreed | refused), which goes before WeCom's.
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
    checked_at: Mapped[datetime | None]  # WeCom was asked last
    decided: Mapped[str | None] = mapped_column(String(16))
    decided_by: Mapped[str] = mapped_column(String(64), default="")
    decided_at: Mapped[datetime | None]


class GroupChat(Model):
    """A group chat, by WeCom's chat_id (the archive's roomid), as last read; rooms first seen in the archive have
    no name until then."""

    __tablename__ = "group_chat"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    chat_id: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(Sealed("group_chat.name"), default="")
    owner: Mapped[str] = mapped_column(String(64), default="")  # userid, as WeCom spells it
    notice: Mapped[str] = mapped_column(Sealed("group_chat.notice"), default="")
    internal: Mapped[bool] = mapped_column(default=False)
    member_version: Mapped[str] = mapped_column(String(64), default="")
    made_at: Mapped[datetime | None]
    first_seen_at: Mapped[datetime]
    read_at: Mapped[datetime | None]  # from WeCom
    dismissed_at: Mapped[datetime | None]
    last_word_at: Mapped[datetime | None] = mapped_column(index=True)


class GroupMember(Model):
    """Somebody who is or was in a group chat. person: an agent's key, a customer's external_userid, a robot's id."""

    __tablename__ = "group_member"
    __table_args__ = (UniqueConstraint("group_id", "person"), Index("ix_group_member_person", "person"))

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    group_id: Mapped[int] = mapped_column(ForeignKey("group_chat.id"))
    person: Mapped[str] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(16))  # agent | customer | robot
    name: Mapped[str] = mapped_column(Sealed("group_member.name"), default="")  # as he is called in this group
    joined_at: Mapped[datetime | None]
    join_scene: Mapped[int | None]
    invited_by: Mapped[str] = mapped_column(String(64), default="")
    left_at: Mapped[datetime | None]


class ArchiveGap(Model):
    """A stretch of the archive that was lost: WeCom had thrown it away before it was pulled."""

    __tablename__ = "archive_gap"
    __table_args__ = (UniqueConstraint("corp_id", "after_seq"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    corp_id: Mapped[str] = mapped_column(String(32))
    after_seq: Mapped[int] = mapped_column(BigInteger)
    before_seq: Mapped[int] = mapped_column(BigInteger)
    silent_since: Mapped[datetime | None]  # the last successful pull before it
    noticed_at: Mapped[datetime]


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


class Account(Model):
    """Someone who may sign in: an agent known by WeCom, or a local name with a password for the first day.

    role: admin | leader | agent | auditor. `serial` grows to end all sessions of the account at once.
    """

    __tablename__ = "account"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    agent_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"), unique=True)
    name: Mapped[str | None] = mapped_column(String(64), unique=True)  # local accounts only
    password: Mapped[str | None] = mapped_column(String(200))  # argon2
    role: Mapped[str] = mapped_column(String(16))
    role_by: Mapped[str] = mapped_column(String(80), default="")  # who chose it; empty: it follows WeCom
    serial: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime]
    signed_in_at: Mapped[datetime | None]
    disabled_at: Mapped[datetime | None]

    agent: Mapped[Agent | None] = relationship(lazy="joined")


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


class Note(Model):
    """What one of us wrote down about a customer."""

    __tablename__ = "note"
    __table_args__ = (Index("ix_note_customer", "customer_id", "id"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))
    author: Mapped[str] = mapped_column(String(80))
    text: Mapped[str] = mapped_column(Sealed("note.text"))
    created_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]


class Feedback(Model):
    """A person's word on a rule's hit: wrong (误判) or right; a rule's precision is counted from these."""

    __tablename__ = "feedback"
    __table_args__ = (UniqueConstraint("evidence_id", "author"), Index("ix_feedback_rule", "rule_id", "given_at"))

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    evidence_id: Mapped[int] = mapped_column(ForeignKey("evidence.id"))
    rule_id: Mapped[str] = mapped_column(String(64))
    right: Mapped[bool]
    author: Mapped[str] = mapped_column(String(80))
    given_at: Mapped[datetime]


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


class ApiTally(Model):
    """Calls of one WeCom API with one outcome in one minute; minutes long past are added up in the year 1970."""

    __tablename__ = "api_tally"

    api: Mapped[str] = mapped_column(String(64), primary_key=True)
    errcode: Mapped[str] = mapped_column(String(16), primary_key=True)  # "0", "45009", "http", "held", ...
    minute: Mapped[datetime] = mapped_column(primary_key=True, index=True)
    calls: Mapped[int] = mapped_column(BigInteger, default=0)


class Allowance(Model):
    """How much of a limited thing (messages to one member) was used lately; locked while it is spent."""

    __tablename__ = "allowance"

    name: Mapped[str] = mapped_column(String(128), primary_key=True)
    spent: Mapped[dict[str, Any]] = mapped_column(default=dict)  # window -> [[unix second, how many], ...]
    hint_at: Mapped[datetime | None]  # the next turn not yet promised to anyone
    used_at: Mapped[datetime]


class Breaker(Model):
    """A group of WeCom's APIs that failed again and again: nobody calls it until `until`, then one tries."""

    __tablename__ = "breaker"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    failures: Mapped[int] = mapped_column(default=0)  # in a row
    failed_at: Mapped[datetime]
    until: Mapped[datetime | None]
    errcode: Mapped[int | None]
    why: Mapped[str] = mapped_column(String(500), default="")


class SearchToken(Model):
    """A keyed hash of two characters or a word that stands in a customer's names or in his messages."""

    __tablename__ = "search_token"
    __table_args__ = (Index("ix_search_token_customer", "customer_id", "kind"), {"sqlite_with_rowid": False})

    kind: Mapped[int] = mapped_column(SmallInteger, primary_key=True)  # 1 names and remarks, 2 words of messages
    token: Mapped[str] = mapped_column(Hashed, primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"), primary_key=True)


class Tombstone(Model):
    """A person who was erased on request, by a keyed hash of his external_userid: nothing brings him back.

    lifted_at: an agent added him anew; what was said before that moment stays away for good.
    """

    __tablename__ = "tombstone"

    hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    erased_at: Mapped[datetime]
    lifted_at: Mapped[datetime | None]


class Report(Model):
    """A report as it was last computed, by its name, period and the agents it is about."""

    __tablename__ = "report"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    at: Mapped[datetime]
    tables: Mapped[list[Any]]
