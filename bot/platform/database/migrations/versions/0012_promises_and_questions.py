"""What was promised in a talk is kept until it is done, and a question until it is answered."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bot.platform.models import Json, Key, UtcDateTime

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_OPEN = sa.text("closed_at IS NULL")
_LOOKED_AT = sa.text("look_at IS NOT NULL")


def upgrade() -> None:
    op.create_table(
        "promise",
        sa.Column("id", Key, nullable=False),
        sa.Column("customer_id", Key, nullable=False),
        sa.Column("agent_id", Key, nullable=False),
        sa.Column("message_id", Key, nullable=False),
        sa.Column("by", sa.String(length=16), nullable=False),
        sa.Column("msgid", sa.String(length=128), nullable=False),
        sa.Column("said_at", UtcDateTime(), nullable=False),
        sa.Column("start", sa.Integer(), nullable=False),
        sa.Column("words", sa.LargeBinary(), nullable=False),
        sa.Column("deed", sa.String(length=16), nullable=False),
        sa.Column("object", sa.LargeBinary(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=True),
        sa.Column("wide", sa.Boolean(), nullable=False),
        sa.Column("put_off_to", UtcDateTime(), nullable=True),
        sa.Column("kept_at", UtcDateTime(), nullable=True),
        sa.Column("kept_message_id", Key, nullable=True),
        sa.Column("judged", sa.String(length=16), nullable=False),
        sa.Column("judged_by", sa.String(length=80), nullable=False),
        sa.Column("judged_at", UtcDateTime(), nullable=True),
        sa.Column("withdrawn_at", UtcDateTime(), nullable=True),
        sa.Column("closed_at", UtcDateTime(), nullable=True),
        sa.Column("told", Json, nullable=False),
        sa.Column("look_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_promise_customer_id")),
        sa.ForeignKeyConstraint(["agent_id"], ["agent.id"], name=op.f("fk_promise_agent_id")),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_promise_message_id")),
        sa.ForeignKeyConstraint(["kept_message_id"], ["message.id"], name=op.f("fk_promise_kept_message_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_promise")),
        sa.UniqueConstraint("message_id", "start", name=op.f("uq_promise_message_id")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_promise_customer", "promise", ["customer_id", "said_at"])
    op.create_index("ix_promise_agent", "promise", ["agent_id", "due_at"], sqlite_where=_OPEN, postgresql_where=_OPEN)
    op.create_index("ix_promise_look", "promise", ["look_at"], sqlite_where=_LOOKED_AT, postgresql_where=_LOOKED_AT)
    op.create_index("ix_promise_kept_message", "promise", ["kept_message_id"])
    op.create_table(
        "open_question",
        sa.Column("id", Key, nullable=False),
        sa.Column("customer_id", Key, nullable=False),
        sa.Column("agent_id", Key, nullable=False),
        sa.Column("message_id", Key, nullable=False),
        sa.Column("msgid", sa.String(length=128), nullable=False),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.Column("start", sa.Integer(), nullable=False),
        sa.Column("words", sa.LargeBinary(), nullable=False),
        sa.Column("topic", sa.LargeBinary(), nullable=False),
        sa.Column("expects", Json, nullable=False),
        sa.Column("newest", sa.Boolean(), nullable=False),
        sa.Column("nearest", sa.Integer(), nullable=False),
        sa.Column("answer_message_id", Key, nullable=True),
        sa.Column("answered_at", UtcDateTime(), nullable=True),
        sa.Column("settled_by", sa.String(length=80), nullable=False),
        sa.Column("settled_at", UtcDateTime(), nullable=True),
        sa.Column("withdrawn_at", UtcDateTime(), nullable=True),
        sa.Column("closed_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_open_question_customer_id")),
        sa.ForeignKeyConstraint(["agent_id"], ["agent.id"], name=op.f("fk_open_question_agent_id")),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_open_question_message_id")),
        sa.ForeignKeyConstraint(
            ["answer_message_id"], ["message.id"], name=op.f("fk_open_question_answer_message_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_open_question")),
        sa.UniqueConstraint("message_id", "start", name=op.f("uq_open_question_message_id")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_open_question_customer", "open_question", ["customer_id", "asked_at"])
    op.create_index(
        "ix_open_question_agent",
        "open_question",
        ["agent_id", "asked_at"],
        sqlite_where=_OPEN,
        postgresql_where=_OPEN,
    )
    op.create_index("ix_open_question_answer", "open_question", ["answer_message_id"])


def downgrade() -> None:
    op.drop_table("open_question")
    op.drop_table("promise")
