"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bot.platform.models import Json, Key, UtcDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "agent",
        sa.Column("id", Key, nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("userid", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("departments", Json, nullable=False),
        sa.Column("leads", Json, nullable=False),
        sa.Column("leaders", Json, nullable=False),
        sa.Column("position", sa.String(length=128), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("read_at", UtcDateTime(), nullable=True),
        sa.Column("left_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agent")),
        sa.UniqueConstraint("key", name=op.f("uq_agent_key")),
    )
    op.create_table(
        "alarm",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("text", sa.String(length=500), nullable=False),
        sa.Column("raised_at", UtcDateTime(), nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("cleared_at", UtcDateTime(), nullable=True),
        sa.Column("told_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_alarm")),
    )
    op.create_table(
        "allowance",
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("spent", Json, nullable=False),
        sa.Column("hint_at", UtcDateTime(), nullable=True),
        sa.Column("used_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_allowance")),
    )
    op.create_table(
        "api_tally",
        sa.Column("api", sa.String(length=64), nullable=False),
        sa.Column("errcode", sa.String(length=16), nullable=False),
        sa.Column("minute", UtcDateTime(), nullable=False),
        sa.Column("calls", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("api", "errcode", "minute", name=op.f("pk_api_tally")),
    )
    with op.batch_alter_table("api_tally", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_api_tally_minute"), ["minute"], unique=False)

    op.create_table(
        "archive_cursor",
        sa.Column("corp_id", sa.String(length=32), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("pulled_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("corp_id", name=op.f("pk_archive_cursor")),
    )
    op.create_table(
        "archive_gap",
        sa.Column("id", Key, nullable=False),
        sa.Column("corp_id", sa.String(length=32), nullable=False),
        sa.Column("after_seq", sa.BigInteger(), nullable=False),
        sa.Column("before_seq", sa.BigInteger(), nullable=False),
        sa.Column("silent_since", UtcDateTime(), nullable=True),
        sa.Column("noticed_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_archive_gap")),
        sa.UniqueConstraint("corp_id", "after_seq", name=op.f("uq_archive_gap_corp_id")),
    )
    op.create_table(
        "audit_entry",
        sa.Column("id", Key, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=120), nullable=False),
        sa.Column("detail", sa.LargeBinary(), nullable=False),
        sa.Column("detail_hash", sa.String(length=64), nullable=False),
        sa.Column("before", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entry")),
        sa.UniqueConstraint("before", name=op.f("uq_audit_entry_before")),
        sa.UniqueConstraint("hash", name=op.f("uq_audit_entry_hash")),
    )
    with op.batch_alter_table("audit_entry", schema=None) as batch_op:
        batch_op.create_index("ix_audit_entry_action", ["action", "id"], unique=False)
        batch_op.create_index("ix_audit_entry_actor", ["actor", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_audit_entry_at"), ["at"], unique=False)

    op.create_table(
        "breaker",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failed_at", UtcDateTime(), nullable=False),
        sa.Column("until", UtcDateTime(), nullable=True),
        sa.Column("errcode", sa.Integer(), nullable=True),
        sa.Column("why", sa.String(length=500), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_breaker")),
    )
    op.create_table(
        "callback_event",
        sa.Column("id", Key, nullable=False),
        sa.Column("digest", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("change_type", sa.String(length=64), nullable=False),
        sa.Column("raw_xml", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.Column("handled_at", UtcDateTime(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.String(length=500), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_callback_event")),
        sa.UniqueConstraint("digest", name=op.f("uq_callback_event_digest")),
    )
    with op.batch_alter_table("callback_event", schema=None) as batch_op:
        batch_op.create_index(
            "ix_callback_event_open",
            ["id"],
            unique=False,
            sqlite_where=sa.text("handled_at IS NULL"),
            postgresql_where=sa.text("handled_at IS NULL"),
        )

    op.create_table(
        "config_change",
        sa.Column("id", Key, nullable=False),
        sa.Column("follows", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.String(length=16), nullable=False),
        sa.Column("author", sa.String(length=80), nullable=False),
        sa.Column("what", sa.String(length=200), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_config_change")),
        sa.UniqueConstraint("follows", name=op.f("uq_config_change_follows")),
    )
    op.create_table(
        "config_version",
        sa.Column("version", sa.String(length=16), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("loaded_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_config_version")),
    )
    op.create_table(
        "corp_tag",
        sa.Column("tag_id", sa.String(length=64), nullable=False),
        sa.Column("group_id", sa.String(length=64), nullable=False),
        sa.Column("group_name", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("pipeline", sa.String(length=30), nullable=True),
        sa.Column("stage", sa.String(length=30), nullable=True),
        sa.PrimaryKeyConstraint("tag_id", name=op.f("pk_corp_tag")),
    )
    with op.batch_alter_table("corp_tag", schema=None) as batch_op:
        batch_op.create_index("ix_corp_tag_stage", ["pipeline", "stage"], unique=False)

    op.create_table(
        "customer",
        sa.Column("id", Key, nullable=False),
        sa.Column("external_userid", sa.String(length=64), nullable=False),
        sa.Column("name", sa.LargeBinary(), nullable=False),
        sa.Column("avatar", sa.LargeBinary(), nullable=True),
        sa.Column("channel", sa.String(length=64), nullable=True),
        sa.Column("kind", sa.Integer(), nullable=True),
        sa.Column("corp_name", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("last_word_at", UtcDateTime(), nullable=True),
        sa.Column("said_to_at", UtcDateTime(), nullable=True),
        sa.Column("last_words", sa.LargeBinary(), nullable=False),
        sa.Column("opted_out_at", UtcDateTime(), nullable=True),
        sa.Column("activity", sa.Integer(), nullable=False),
        sa.Column("conversion", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer")),
        sa.UniqueConstraint("external_userid", name=op.f("uq_customer_external_userid")),
    )
    with op.batch_alter_table("customer", schema=None) as batch_op:
        batch_op.create_index(
            "ix_customer_conversion",
            ["conversion"],
            unique=False,
            sqlite_where=sa.text("conversion > 0"),
            postgresql_where=sa.text("conversion > 0"),
        )
        batch_op.create_index(batch_op.f("ix_customer_last_word_at"), ["last_word_at"], unique=False)

    op.create_table(
        "department",
        sa.Column("id", Key, autoincrement=False, nullable=False),
        sa.Column("parent_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("gone_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_department")),
    )
    op.create_table(
        "group_chat",
        sa.Column("id", Key, nullable=False),
        sa.Column("chat_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.LargeBinary(), nullable=False),
        sa.Column("owner", sa.String(length=64), nullable=False),
        sa.Column("notice", sa.LargeBinary(), nullable=False),
        sa.Column("internal", sa.Boolean(), nullable=False),
        sa.Column("member_version", sa.String(length=64), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=True),
        sa.Column("first_seen_at", UtcDateTime(), nullable=False),
        sa.Column("read_at", UtcDateTime(), nullable=True),
        sa.Column("dismissed_at", UtcDateTime(), nullable=True),
        sa.Column("last_word_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_group_chat")),
        sa.UniqueConstraint("chat_id", name=op.f("uq_group_chat_chat_id")),
    )
    with op.batch_alter_table("group_chat", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_group_chat_last_word_at"), ["last_word_at"], unique=False)

    op.create_table(
        "lease",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("owner", sa.String(length=64), nullable=False),
        sa.Column("until", UtcDateTime(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_lease")),
    )
    op.create_table(
        "material",
        sa.Column("id", Key, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("md5", sa.String(length=32), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("found_at", UtcDateTime(), nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=False),
        sa.Column("media_id", sa.String(length=256), nullable=True),
        sa.Column("uploaded_at", UtcDateTime(), nullable=True),
        sa.Column("uploads", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_material")),
        sa.UniqueConstraint("name", "kind", "sha256", name=op.f("uq_material_name")),
    )
    with op.batch_alter_table("material", schema=None) as batch_op:
        batch_op.create_index("ix_material_md5", ["md5"], unique=False)

    op.create_table(
        "quarantine",
        sa.Column("id", Key, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("msgid", sa.String(length=128), nullable=False),
        sa.Column("publickey_ver", sa.Integer(), nullable=False),
        sa.Column("sealed", Json, nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("released_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quarantine")),
        sa.UniqueConstraint("seq", name=op.f("uq_quarantine_seq")),
    )
    op.create_table(
        "report",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("tables", Json, nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_report")),
    )
    op.create_table(
        "spent_state",
        sa.Column("state", sa.String(length=64), nullable=False),
        sa.Column("spent_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("state", name=op.f("pk_spent_state")),
    )
    with op.batch_alter_table("spent_state", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_spent_state_spent_at"), ["spent_at"], unique=False)

    op.create_table(
        "status",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("value", Json, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_status")),
    )
    op.create_table(
        "study",
        sa.Column("id", Key, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("author", sa.String(length=80), nullable=False),
        sa.Column("version", sa.String(length=16), nullable=False),
        sa.Column("draft", sa.Text(), nullable=False),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("touched_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("plan", Json, nullable=False),
        sa.Column("piece", sa.Integer(), nullable=False),
        sa.Column("messages", sa.BigInteger(), nullable=False),
        sa.Column("result", sa.LargeBinary(), nullable=False),
        sa.Column("why", sa.String(length=300), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_study")),
    )
    with op.batch_alter_table("study", schema=None) as batch_op:
        batch_op.create_index("ix_study_kind", ["kind", "id"], unique=False)
        batch_op.create_index("ix_study_open", ["state", "id"], unique=False)

    op.create_table(
        "tombstone",
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("erased_at", UtcDateTime(), nullable=False),
        sa.Column("lifted_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_tombstone")),
    )
    op.create_table(
        "view_entry",
        sa.Column("id", Key, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=True),
        sa.Column("page", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_view_entry")),
    )
    with op.batch_alter_table("view_entry", schema=None) as batch_op:
        batch_op.create_index("ix_view_entry_actor", ["actor", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_view_entry_at"), ["at"], unique=False)
        batch_op.create_index("ix_view_entry_customer", ["customer_id", "id"], unique=False)

    op.create_table(
        "account",
        sa.Column("id", Key, nullable=False),
        sa.Column("agent_id", Key, nullable=True),
        sa.Column("name", sa.String(length=64), nullable=True),
        sa.Column("password", sa.String(length=200), nullable=True),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("role_by", sa.String(length=80), nullable=False),
        sa.Column("serial", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("signed_in_at", UtcDateTime(), nullable=True),
        sa.Column("disabled_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["agent_id"], ["agent.id"], name=op.f("fk_account_agent_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
        sa.UniqueConstraint("agent_id", name=op.f("uq_account_agent_id")),
        sa.UniqueConstraint("name", name=op.f("uq_account_name")),
    )
    op.create_table(
        "consent",
        sa.Column("id", Key, nullable=False),
        sa.Column("customer_id", Key, nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("whom", sa.String(length=64), nullable=False),
        sa.Column("agreed_at", UtcDateTime(), nullable=True),
        sa.Column("refused_at", UtcDateTime(), nullable=True),
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.Column("checked_at", UtcDateTime(), nullable=True),
        sa.Column("decided", sa.String(length=16), nullable=True),
        sa.Column("decided_by", sa.String(length=64), nullable=False),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_consent_customer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent")),
        sa.UniqueConstraint("customer_id", "kind", "whom", name=op.f("uq_consent_customer_id")),
    )
    op.create_table(
        "customer_field",
        sa.Column("customer_id", Key, nullable=False),
        sa.Column("name", sa.String(length=30), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_customer_field_customer_id")),
        sa.PrimaryKeyConstraint("customer_id", "name", name=op.f("pk_customer_field")),
    )
    op.create_table(
        "follow",
        sa.Column("id", Key, nullable=False),
        sa.Column("agent_id", Key, nullable=False),
        sa.Column("customer_id", Key, nullable=False),
        sa.Column("remark", sa.LargeBinary(), nullable=False),
        sa.Column("description", sa.LargeBinary(), nullable=False),
        sa.Column("remark_mobiles", sa.LargeBinary(), nullable=False),
        sa.Column("remark_corp_name", sa.LargeBinary(), nullable=False),
        sa.Column("channel", sa.String(length=64), nullable=True),
        sa.Column("add_way", sa.Integer(), nullable=True),
        sa.Column("added_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("ended_by", sa.String(length=16), nullable=True),
        sa.Column("last_talk_at", UtcDateTime(), nullable=True),
        sa.Column("marked", Json, nullable=False),
        sa.Column("marking", Json, nullable=False),
        sa.Column("tags", Json, nullable=False),
        sa.Column("marks", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["agent_id"], ["agent.id"], name=op.f("fk_follow_agent_id")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_follow_customer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_follow")),
        sa.UniqueConstraint("agent_id", "customer_id", name=op.f("uq_follow_agent_id")),
    )
    with op.batch_alter_table("follow", schema=None) as batch_op:
        batch_op.create_index(
            "ix_follow_current",
            ["agent_id", "customer_id"],
            unique=False,
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )
        batch_op.create_index(batch_op.f("ix_follow_customer_id"), ["customer_id"], unique=False)

    op.create_table(
        "group_member",
        sa.Column("id", Key, nullable=False),
        sa.Column("group_id", Key, nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("name", sa.LargeBinary(), nullable=False),
        sa.Column("joined_at", UtcDateTime(), nullable=True),
        sa.Column("join_scene", sa.Integer(), nullable=True),
        sa.Column("invited_by", sa.String(length=64), nullable=False),
        sa.Column("left_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["group_id"], ["group_chat.id"], name=op.f("fk_group_member_group_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_group_member")),
        sa.UniqueConstraint("group_id", "person", name=op.f("uq_group_member_group_id")),
    )
    with op.batch_alter_table("group_member", schema=None) as batch_op:
        batch_op.create_index("ix_group_member_person", ["person"], unique=False)

    op.create_table(
        "group_send",
        sa.Column("id", Key, nullable=False),
        sa.Column("agent_id", Key, nullable=False),
        sa.Column("sop_id", sa.String(length=64), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("attach", Json, nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("msgid", sa.String(length=128), nullable=True),
        sa.Column("customers", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=True),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("polls", sa.Integer(), nullable=False),
        sa.Column("polled_at", UtcDateTime(), nullable=True),
        sa.Column("poll_at", UtcDateTime(), nullable=True),
        sa.Column("confirmed_at", UtcDateTime(), nullable=True),
        sa.Column("reminded_at", Json, nullable=False),
        sa.Column("ended_because", sa.String(length=200), nullable=True),
        sa.ForeignKeyConstraint(["agent_id"], ["agent.id"], name=op.f("fk_group_send_agent_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_group_send")),
        sa.UniqueConstraint("msgid", name=op.f("uq_group_send_msgid")),
    )
    with op.batch_alter_table("group_send", schema=None) as batch_op:
        batch_op.create_index("ix_group_send_open", ["state", "agent_id"], unique=False)

    op.create_table(
        "message",
        sa.Column("id", Key, nullable=False),
        sa.Column("msgid", sa.String(length=128), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("action", sa.String(length=16), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("sender", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("roomid", sa.String(length=64), nullable=False),
        sa.Column("customer_id", Key, nullable=True),
        sa.Column("agent_id", Key, nullable=True),
        sa.Column("sent_at", UtcDateTime(), nullable=False),
        sa.Column("stored_at", UtcDateTime(), nullable=False),
        sa.Column("text", sa.LargeBinary(), nullable=False),
        sa.Column("line", sa.LargeBinary(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("version", sa.String(length=16), nullable=True),
        sa.Column("revokes", sa.String(length=128), nullable=True),
        sa.Column("revoked_at", UtcDateTime(), nullable=True),
        sa.Column("unagreed", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["agent_id"], ["agent.id"], name=op.f("fk_message_agent_id")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_message_customer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message")),
        sa.UniqueConstraint("msgid", name=op.f("uq_message_msgid")),
    )
    with op.batch_alter_table("message", schema=None) as batch_op:
        batch_op.create_index(
            "ix_message_revokes",
            ["revokes"],
            unique=False,
            sqlite_where=sa.text("revokes IS NOT NULL"),
            postgresql_where=sa.text("revokes IS NOT NULL"),
        )
        batch_op.create_index(
            "ix_message_room",
            ["roomid", "sent_at"],
            unique=False,
            sqlite_where=sa.text("roomid <> ''"),
            postgresql_where=sa.text("roomid <> ''"),
        )
        batch_op.create_index("ix_message_talk", ["customer_id", "sent_at"], unique=False)

    op.create_table(
        "note",
        sa.Column("id", Key, nullable=False),
        sa.Column("customer_id", Key, nullable=False),
        sa.Column("author", sa.String(length=80), nullable=False),
        sa.Column("text", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("removed_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_note_customer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_note")),
    )
    with op.batch_alter_table("note", schema=None) as batch_op:
        batch_op.create_index("ix_note_customer", ["customer_id", "id"], unique=False)

    op.create_table(
        "placement",
        sa.Column("id", Key, nullable=False),
        sa.Column("customer_id", Key, nullable=False),
        sa.Column("pipeline", sa.String(length=30), nullable=False),
        sa.Column("stage", sa.String(length=30), nullable=False),
        sa.Column("entered_at", UtcDateTime(), nullable=False),
        sa.Column("serial", sa.Integer(), nullable=False),
        sa.Column("moved_by_person_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_placement_customer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_placement")),
        sa.UniqueConstraint("customer_id", "pipeline", name=op.f("uq_placement_customer_id")),
    )
    with op.batch_alter_table("placement", schema=None) as batch_op:
        batch_op.create_index("ix_placement_column", ["pipeline", "stage", "entered_at", "customer_id"], unique=False)

    op.create_table(
        "search_token",
        sa.Column("kind", sa.SmallInteger(), nullable=False),
        sa.Column("token", sa.BigInteger(), nullable=False),
        sa.Column("customer_id", Key, nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_search_token_customer_id")),
        sa.PrimaryKeyConstraint("kind", "token", "customer_id", name=op.f("pk_search_token")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("search_token", schema=None) as batch_op:
        batch_op.create_index("ix_search_token_customer", ["customer_id", "kind"], unique=False)

    op.create_table(
        "sop_enrolment",
        sa.Column("id", Key, nullable=False),
        sa.Column("customer_id", Key, nullable=False),
        sa.Column("agent_id", Key, nullable=False),
        sa.Column("sop_id", sa.String(length=64), nullable=False),
        sa.Column("cause", sa.String(length=80), nullable=False),
        sa.Column("stop", Json, nullable=False),
        sa.Column("version", sa.String(length=16), nullable=False),
        sa.Column("enrolled_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("ended_because", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(["agent_id"], ["agent.id"], name=op.f("fk_sop_enrolment_agent_id")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_sop_enrolment_customer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sop_enrolment")),
        sa.UniqueConstraint("customer_id", "sop_id", "cause", name=op.f("uq_sop_enrolment_customer_id")),
    )
    with op.batch_alter_table("sop_enrolment", schema=None) as batch_op:
        batch_op.create_index("ix_sop_enrolment_cohort", ["sop_id", "enrolled_at"], unique=False)
        batch_op.create_index(
            "ix_sop_enrolment_running",
            ["sop_id", "id"],
            unique=False,
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )

    op.create_table(
        "stage_move",
        sa.Column("id", Key, nullable=False),
        sa.Column("customer_id", Key, nullable=False),
        sa.Column("pipeline", sa.String(length=30), nullable=False),
        sa.Column("serial", sa.Integer(), nullable=False),
        sa.Column("from_stage", sa.String(length=30), nullable=True),
        sa.Column("to_stage", sa.String(length=30), nullable=False),
        sa.Column("cause", sa.String(length=16), nullable=False),
        sa.Column("trigger", sa.String(length=64), nullable=False),
        sa.Column("evidence", sa.LargeBinary(), nullable=False),
        sa.Column("msgid", sa.String(length=128), nullable=True),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("version", sa.String(length=16), nullable=False),
        sa.Column("moved_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_stage_move_customer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stage_move")),
        sa.UniqueConstraint("customer_id", "pipeline", "serial", name=op.f("uq_stage_move_customer_id")),
    )
    op.create_table(
        "tagging",
        sa.Column("id", Key, nullable=False),
        sa.Column("customer_id", Key, nullable=False),
        sa.Column("tag", sa.String(length=30), nullable=False),
        sa.Column("by", sa.String(length=16), nullable=False),
        sa.Column("rule_id", sa.String(length=64), nullable=True),
        sa.Column("msgid", sa.String(length=128), nullable=True),
        sa.Column("reason", sa.LargeBinary(), nullable=False),
        sa.Column("version", sa.String(length=16), nullable=False),
        sa.Column("tagged_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=True),
        sa.Column("removed_at", UtcDateTime(), nullable=True),
        sa.Column("removed_because", sa.String(length=64), nullable=True),
        sa.Column("revoked_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_tagging_customer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tagging")),
    )
    with op.batch_alter_table("tagging", schema=None) as batch_op:
        batch_op.create_index("ix_tagging_customer", ["customer_id", "tagged_at"], unique=False)
        batch_op.create_index(
            "ix_tagging_tag",
            ["tag", "customer_id"],
            unique=False,
            sqlite_where=sa.text("removed_at IS NULL"),
            postgresql_where=sa.text("removed_at IS NULL"),
        )
        batch_op.create_index(
            "uq_tagging_carried",
            ["customer_id", "tag"],
            unique=True,
            sqlite_where=sa.text("removed_at IS NULL"),
            postgresql_where=sa.text("removed_at IS NULL"),
        )

    op.create_table(
        "evidence",
        sa.Column("id", Key, nullable=False),
        sa.Column("customer_id", Key, nullable=False),
        sa.Column("occasion", sa.String(length=128), nullable=False),
        sa.Column("message_id", Key, nullable=True),
        sa.Column("rule_id", sa.String(length=64), nullable=False),
        sa.Column("tag", sa.String(length=30), nullable=False),
        sa.Column("version", sa.String(length=16), nullable=False),
        sa.Column("spans", sa.LargeBinary(), nullable=False),
        sa.Column("reason", sa.LargeBinary(), nullable=False),
        sa.Column("counted", sa.Integer(), nullable=False),
        sa.Column("needed", sa.Integer(), nullable=False),
        sa.Column("hit_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_evidence_customer_id")),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_evidence_message_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evidence")),
        sa.UniqueConstraint("customer_id", "rule_id", "occasion", name=op.f("uq_evidence_customer_id")),
    )
    with op.batch_alter_table("evidence", schema=None) as batch_op:
        batch_op.create_index("ix_evidence_count", ["customer_id", "rule_id", "hit_at"], unique=False)
        batch_op.create_index("ix_evidence_message", ["message_id"], unique=False)
        batch_op.create_index("ix_evidence_rule", ["rule_id", "hit_at"], unique=False)

    op.create_table(
        "media_file",
        sa.Column("id", Key, nullable=False),
        sa.Column("message_id", Key, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("name", sa.LargeBinary(), nullable=False),
        sa.Column("sdkfileid", sa.LargeBinary(), nullable=False),
        sa.Column("fileid_hash", sa.String(length=64), nullable=False),
        sa.Column("md5", sa.String(length=32), nullable=False),
        sa.Column("announced_size", sa.BigInteger(), nullable=True),
        sa.Column("seconds", sa.BigInteger(), nullable=True),
        sa.Column("sent_at", UtcDateTime(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("why", sa.String(length=300), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("fetched", sa.BigInteger(), nullable=False),
        sa.Column("content_hash", sa.String(length=64), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("sniffed", sa.String(length=100), nullable=False),
        sa.Column("kept_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_media_file_message_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_media_file")),
        sa.UniqueConstraint("message_id", "position", name=op.f("uq_media_file_message_id")),
    )
    with op.batch_alter_table("media_file", schema=None) as batch_op:
        batch_op.create_index("ix_media_file_content", ["content_hash"], unique=False)
        batch_op.create_index("ix_media_file_fileid", ["fileid_hash"], unique=False)
        batch_op.create_index("ix_media_file_state", ["state", "sent_at"], unique=False)

    op.create_table(
        "sop_task",
        sa.Column("id", Key, nullable=False),
        sa.Column("enrolment_id", Key, nullable=False),
        sa.Column("customer_id", Key, nullable=False),
        sa.Column("agent_id", Key, nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("shifts", Json, nullable=False),
        sa.Column("why", sa.String(length=200), nullable=False),
        sa.Column("wording", sa.Text(), nullable=False),
        sa.Column("text", sa.LargeBinary(), nullable=False),
        sa.Column("variant", sa.Integer(), nullable=False),
        sa.Column("prompts", sa.Integer(), nullable=False),
        sa.Column("anytime", sa.Boolean(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("attach", Json, nullable=False),
        sa.Column("window_seconds", sa.Integer(), nullable=False),
        sa.Column("on_reply", sa.String(length=30), nullable=True),
        sa.Column("on_silence", sa.String(length=30), nullable=True),
        sa.Column("delivered_at", UtcDateTime(), nullable=True),
        sa.Column("tapped_at", UtcDateTime(), nullable=True),
        sa.Column("completed_at", UtcDateTime(), nullable=True),
        sa.Column("outcome", sa.String(length=16), nullable=True),
        sa.Column("timing", sa.String(length=16), nullable=True),
        sa.Column("similarity", sa.Double(), nullable=True),
        sa.Column("sent_by_id", Key, nullable=True),
        sa.Column("sent_msgid", sa.String(length=128), nullable=True),
        sa.Column("window_until", UtcDateTime(), nullable=True),
        sa.Column("window_closed_at", UtcDateTime(), nullable=True),
        sa.Column("replied_at", UtcDateTime(), nullable=True),
        sa.Column("reply_msgid", sa.String(length=128), nullable=True),
        sa.Column("reminded", Json, nullable=False),
        sa.Column("told_leader_at", UtcDateTime(), nullable=True),
        sa.Column("nudge_at", UtcDateTime(), nullable=True),
        sa.Column("ended_because", sa.String(length=200), nullable=True),
        sa.Column("rejected_because", sa.String(length=16), nullable=True),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("group_send_id", Key, nullable=True),
        sa.Column("group_status", sa.Integer(), nullable=True),
        sa.Column("attached", Json, nullable=False),
        sa.ForeignKeyConstraint(["agent_id"], ["agent.id"], name=op.f("fk_sop_task_agent_id")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_sop_task_customer_id")),
        sa.ForeignKeyConstraint(["enrolment_id"], ["sop_enrolment.id"], name=op.f("fk_sop_task_enrolment_id")),
        sa.ForeignKeyConstraint(["group_send_id"], ["group_send.id"], name=op.f("fk_sop_task_group_send_id")),
        sa.ForeignKeyConstraint(["sent_by_id"], ["agent.id"], name=op.f("fk_sop_task_sent_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sop_task")),
        sa.UniqueConstraint("enrolment_id", "step", name=op.f("uq_sop_task_enrolment_id")),
    )
    with op.batch_alter_table("sop_task", schema=None) as batch_op:
        batch_op.create_index("ix_sop_task_agent", ["agent_id", "state", "due_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_sop_task_customer_id"), ["customer_id"], unique=False)
        batch_op.create_index("ix_sop_task_done", ["agent_id", "completed_at"], unique=False)
        batch_op.create_index("ix_sop_task_due", ["state", "due_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_sop_task_group_send_id"), ["group_send_id"], unique=False)
        batch_op.create_index("ix_sop_task_window", ["window_until"], unique=False)

    op.create_table(
        "feedback",
        sa.Column("id", Key, nullable=False),
        sa.Column("evidence_id", Key, nullable=False),
        sa.Column("rule_id", sa.String(length=64), nullable=False),
        sa.Column("right", sa.Boolean(), nullable=False),
        sa.Column("author", sa.String(length=80), nullable=False),
        sa.Column("given_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["evidence_id"], ["evidence.id"], name=op.f("fk_feedback_evidence_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feedback")),
        sa.UniqueConstraint("evidence_id", "author", name=op.f("uq_feedback_evidence_id")),
    )
    with op.batch_alter_table("feedback", schema=None) as batch_op:
        batch_op.create_index("ix_feedback_rule", ["rule_id", "given_at"], unique=False)

    op.create_table(
        "link_opening",
        sa.Column("id", Key, nullable=False),
        sa.Column("task_id", Key, nullable=False),
        sa.Column("title", sa.String(length=64), nullable=False),
        sa.Column("opened_at", UtcDateTime(), nullable=False),
        sa.Column("handled_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["task_id"], ["sop_task.id"], name=op.f("fk_link_opening_task_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_link_opening")),
    )
    with op.batch_alter_table("link_opening", schema=None) as batch_op:
        batch_op.create_index(
            "ix_link_opening_open",
            ["id"],
            unique=False,
            sqlite_where=sa.text("handled_at IS NULL"),
            postgresql_where=sa.text("handled_at IS NULL"),
        )
        batch_op.create_index(batch_op.f("ix_link_opening_task_id"), ["task_id"], unique=False)

    op.create_table(
        "outbox",
        sa.Column("id", Key, nullable=False),
        sa.Column("key", sa.String(length=120), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("customer_id", Key, nullable=True),
        sa.Column("agent_id", Key, nullable=True),
        sa.Column("task_id", Key, nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("not_before", UtcDateTime(), nullable=False),
        sa.Column("deadline", UtcDateTime(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("first_tried_at", UtcDateTime(), nullable=True),
        sa.Column("lease_owner", sa.String(length=64), nullable=True),
        sa.Column("lease_until", UtcDateTime(), nullable=True),
        sa.Column("done_at", UtcDateTime(), nullable=True),
        sa.Column("result", sa.LargeBinary(), nullable=False),
        sa.Column("error", sa.String(length=500), nullable=True),
        sa.ForeignKeyConstraint(["agent_id"], ["agent.id"], name=op.f("fk_outbox_agent_id")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_outbox_customer_id")),
        sa.ForeignKeyConstraint(["task_id"], ["sop_task.id"], name=op.f("fk_outbox_task_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("key", name=op.f("uq_outbox_key")),
    )
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.create_index("ix_outbox_open", ["state", "not_before"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.drop_index("ix_outbox_open")

    op.drop_table("outbox")
    with op.batch_alter_table("link_opening", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_link_opening_task_id"))
        batch_op.drop_index(
            "ix_link_opening_open",
            sqlite_where=sa.text("handled_at IS NULL"),
            postgresql_where=sa.text("handled_at IS NULL"),
        )

    op.drop_table("link_opening")
    with op.batch_alter_table("feedback", schema=None) as batch_op:
        batch_op.drop_index("ix_feedback_rule")

    op.drop_table("feedback")
    with op.batch_alter_table("sop_task", schema=None) as batch_op:
        batch_op.drop_index("ix_sop_task_window")
        batch_op.drop_index(batch_op.f("ix_sop_task_group_send_id"))
        batch_op.drop_index("ix_sop_task_due")
        batch_op.drop_index("ix_sop_task_done")
        batch_op.drop_index(batch_op.f("ix_sop_task_customer_id"))
        batch_op.drop_index("ix_sop_task_agent")

    op.drop_table("sop_task")
    with op.batch_alter_table("media_file", schema=None) as batch_op:
        batch_op.drop_index("ix_media_file_state")
        batch_op.drop_index("ix_media_file_fileid")
        batch_op.drop_index("ix_media_file_content")

    op.drop_table("media_file")
    with op.batch_alter_table("evidence", schema=None) as batch_op:
        batch_op.drop_index("ix_evidence_rule")
        batch_op.drop_index("ix_evidence_message")
        batch_op.drop_index("ix_evidence_count")

    op.drop_table("evidence")
    with op.batch_alter_table("tagging", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_tagging_carried",
            sqlite_where=sa.text("removed_at IS NULL"),
            postgresql_where=sa.text("removed_at IS NULL"),
        )
        batch_op.drop_index(
            "ix_tagging_tag",
            sqlite_where=sa.text("removed_at IS NULL"),
            postgresql_where=sa.text("removed_at IS NULL"),
        )
        batch_op.drop_index("ix_tagging_customer")

    op.drop_table("tagging")
    op.drop_table("stage_move")
    with op.batch_alter_table("sop_enrolment", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_sop_enrolment_running",
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )
        batch_op.drop_index("ix_sop_enrolment_cohort")

    op.drop_table("sop_enrolment")
    with op.batch_alter_table("search_token", schema=None) as batch_op:
        batch_op.drop_index("ix_search_token_customer")

    op.drop_table("search_token")
    with op.batch_alter_table("placement", schema=None) as batch_op:
        batch_op.drop_index("ix_placement_column")

    op.drop_table("placement")
    with op.batch_alter_table("note", schema=None) as batch_op:
        batch_op.drop_index("ix_note_customer")

    op.drop_table("note")
    with op.batch_alter_table("message", schema=None) as batch_op:
        batch_op.drop_index("ix_message_talk")
        batch_op.drop_index(
            "ix_message_room", sqlite_where=sa.text("roomid <> ''"), postgresql_where=sa.text("roomid <> ''")
        )
        batch_op.drop_index(
            "ix_message_revokes",
            sqlite_where=sa.text("revokes IS NOT NULL"),
            postgresql_where=sa.text("revokes IS NOT NULL"),
        )

    op.drop_table("message")
    with op.batch_alter_table("group_send", schema=None) as batch_op:
        batch_op.drop_index("ix_group_send_open")

    op.drop_table("group_send")
    with op.batch_alter_table("group_member", schema=None) as batch_op:
        batch_op.drop_index("ix_group_member_person")

    op.drop_table("group_member")
    with op.batch_alter_table("follow", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_follow_customer_id"))
        batch_op.drop_index(
            "ix_follow_current",
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )

    op.drop_table("follow")
    op.drop_table("customer_field")
    op.drop_table("consent")
    op.drop_table("account")
    with op.batch_alter_table("view_entry", schema=None) as batch_op:
        batch_op.drop_index("ix_view_entry_customer")
        batch_op.drop_index(batch_op.f("ix_view_entry_at"))
        batch_op.drop_index("ix_view_entry_actor")

    op.drop_table("view_entry")
    op.drop_table("tombstone")
    with op.batch_alter_table("study", schema=None) as batch_op:
        batch_op.drop_index("ix_study_open")
        batch_op.drop_index("ix_study_kind")

    op.drop_table("study")
    op.drop_table("status")
    with op.batch_alter_table("spent_state", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_spent_state_spent_at"))

    op.drop_table("spent_state")
    op.drop_table("report")
    op.drop_table("quarantine")
    with op.batch_alter_table("material", schema=None) as batch_op:
        batch_op.drop_index("ix_material_md5")

    op.drop_table("material")
    op.drop_table("lease")
    with op.batch_alter_table("group_chat", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_group_chat_last_word_at"))

    op.drop_table("group_chat")
    op.drop_table("department")
    with op.batch_alter_table("customer", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_customer_last_word_at"))
        batch_op.drop_index(
            "ix_customer_conversion",
            sqlite_where=sa.text("conversion > 0"),
            postgresql_where=sa.text("conversion > 0"),
        )

    op.drop_table("customer")
    with op.batch_alter_table("corp_tag", schema=None) as batch_op:
        batch_op.drop_index("ix_corp_tag_stage")

    op.drop_table("corp_tag")
    op.drop_table("config_version")
    op.drop_table("config_change")
    with op.batch_alter_table("callback_event", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_callback_event_open",
            sqlite_where=sa.text("handled_at IS NULL"),
            postgresql_where=sa.text("handled_at IS NULL"),
        )

    op.drop_table("callback_event")
    op.drop_table("breaker")
    with op.batch_alter_table("audit_entry", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_audit_entry_at"))
        batch_op.drop_index("ix_audit_entry_actor")
        batch_op.drop_index("ix_audit_entry_action")

    op.drop_table("audit_entry")
    op.drop_table("archive_gap")
    op.drop_table("archive_cursor")
    with op.batch_alter_table("api_tally", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_api_tally_minute"))

    op.drop_table("api_tally")
    op.drop_table("allowance")
    op.drop_table("alarm")
    op.drop_table("agent")
