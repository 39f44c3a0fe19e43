"""Tables of what WeCom sent us: messages, callback events, files, groups, and how far the archive is read."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from bot.platform.models.columns import Key, Model
from bot.platform.models.sealed import Sealed


class Message(Model):
    """One archived message. `raw` is the decrypted JSON as received; `text` is all text in it."""

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
    revokes: Mapped[str | None] = mapped_column(String(128))  # the msgid that this message revokes
    revoked_at: Mapped[datetime | None]  # by the sender; the message stays stored
    unagreed: Mapped[bool] = mapped_column(default=False)  # the customer had refused: stored, but not acted on


class ArchiveCursor(Model):
    """How far a corp's archive has been stored: the largest seq of the last committed batch."""

    __tablename__ = "archive_cursor"

    corp_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, default=0)
    attempts: Mapped[int] = mapped_column(default=0)  # pulls from this seq that were begun and not finished
    pulled_at: Mapped[datetime | None]


class ArchiveGap(Model):
    """A range of the archive that was lost: WeCom had deleted it before it was pulled."""

    __tablename__ = "archive_gap"
    __table_args__ = (UniqueConstraint("corp_id", "after_seq"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    corp_id: Mapped[str] = mapped_column(String(32))
    after_seq: Mapped[int] = mapped_column(BigInteger)
    before_seq: Mapped[int] = mapped_column(BigInteger)
    silent_since: Mapped[datetime | None]  # the last successful pull before it
    noticed_at: Mapped[datetime]


class Quarantine(Model):
    """An archive row that could not be read, kept as received until a new key or release can read it."""

    __tablename__ = "quarantine"
    __table_args__ = (UniqueConstraint("seq", "digest"),)  # of two rows with one seq both are kept

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger)  # the largest there is for one that is larger
    digest: Mapped[str] = mapped_column(String(32), server_default="")  # of all that was received
    msgid: Mapped[str] = mapped_column(String(128))
    publickey_ver: Mapped[int]
    sealed: Mapped[dict[str, Any]]
    reason: Mapped[str] = mapped_column(String(500))
    attempts: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime]
    released_at: Mapped[datetime | None]


class CallbackEvent(Model):
    """An authentic callback, stored before it is answered; WeCom's retries have the same digest and are dropped."""

    __tablename__ = "callback_event"
    __table_args__ = (
        Index(
            "ix_callback_event_open",
            "id",
            sqlite_where=text("handled_at IS NULL"),
            postgresql_where=text("handled_at IS NULL"),
        ),
        Index(
            "ix_callback_event_given_up",
            "id",
            sqlite_where=text("substr(outcome, 1, 7) = 'failed:'"),
            postgresql_where=text("substr(outcome, 1, 7) = 'failed:'"),
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


class LinkOpening(Model):
    """A customer opened a tracked link of a task; handled once the rules have judged it."""

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


class MessageLinkOpening(Model):
    """A link of a welcome or of a mass message was opened: by this customer, or by one of the message's.

    handled once the rules have judged it; of a mass message to several nobody knows who it was.
    """

    __tablename__ = "message_link_opening"
    __table_args__ = (
        Index(
            "ix_message_link_opening_open",
            "id",
            sqlite_where=text("handled_at IS NULL"),
            postgresql_where=text("handled_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customer.id"), index=True)
    group_send_id: Mapped[int | None] = mapped_column(ForeignKey("group_send.id"), index=True)
    title: Mapped[str] = mapped_column(String(64))
    opened_at: Mapped[datetime]
    handled_at: Mapped[datetime | None]


class MediaFile(Model):
    """A file that a message carries: its id at WeCom, and its place with us once it was fetched.

    state: noted (not fetched), asked (somebody wants it), kept (in the media store under `content_hash`), lost (WeCom
    no longer has it), refused (too large, or not what was announced), failed.
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
    kind: Mapped[str] = mapped_column(String(64))  # image | voice | file | ...: the kind of its message
    name: Mapped[str] = mapped_column(Sealed("media_file.name"), default="")  # as the sender called it
    sdkfileid: Mapped[str] = mapped_column(Sealed("media_file.sdkfileid"))
    fileid_hash: Mapped[str] = mapped_column(String(64))
    md5: Mapped[str] = mapped_column(String(32), default="")  # as announced; empty for some kinds
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


class GroupChat(Model):
    """A group chat, by WeCom's chat_id (the archive's roomid), as last read.

    One first seen in the archive has no name until it was read. clock, waiting_since: the question that waits there
    (sop.reply_clock); waiting_told_at: when the owner was told of it, waiting_look_at: when to look whether to.
    """

    __tablename__ = "group_chat"
    __table_args__ = (
        Index(
            "ix_group_chat_waiting",
            "waiting_look_at",
            sqlite_where=text("waiting_look_at IS NOT NULL"),
            postgresql_where=text("waiting_look_at IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    chat_id: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(Sealed("group_chat.name"), default="")
    owner: Mapped[str] = mapped_column(String(64), default="")  # userid in WeCom's spelling
    notice: Mapped[str] = mapped_column(Sealed("group_chat.notice"), default="")
    internal: Mapped[bool] = mapped_column(default=False)
    member_version: Mapped[str] = mapped_column(String(64), default="")
    made_at: Mapped[datetime | None]
    first_seen_at: Mapped[datetime]
    read_at: Mapped[datetime | None]  # from WeCom
    dismissed_at: Mapped[datetime | None]
    last_word_at: Mapped[datetime | None] = mapped_column(index=True)
    clock: Mapped[dict[str, Any]] = mapped_column(default=dict)
    waiting_since: Mapped[datetime | None]
    waiting_look_at: Mapped[datetime | None]
    waiting_told_at: Mapped[datetime | None]


class GroupMember(Model):
    """A present or former member of a group. person: an agent's key, a customer's external_userid, a robot's id."""

    __tablename__ = "group_member"
    __table_args__ = (UniqueConstraint("group_id", "person"), Index("ix_group_member_person", "person"))

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    group_id: Mapped[int] = mapped_column(ForeignKey("group_chat.id"))
    person: Mapped[str] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(16))  # agent | customer | robot
    name: Mapped[str] = mapped_column(Sealed("group_member.name"), default="")  # their nickname in this group
    joined_at: Mapped[datetime | None]
    join_scene: Mapped[int | None]
    invited_by: Mapped[str] = mapped_column(String(64), default="")
    left_at: Mapped[datetime | None]
