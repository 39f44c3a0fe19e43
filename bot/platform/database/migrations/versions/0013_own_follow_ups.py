"""Agents write down what they want to be reminded of; groups know since when a question waits there."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bot.platform.models import Json, Key, UtcDateTime

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "own_follow_up",
        sa.Column("id", Key, nullable=False),
        sa.Column("agent_id", Key, nullable=False),
        sa.Column("customer_id", Key, nullable=False),
        sa.Column("words", sa.LargeBinary(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("told_at", UtcDateTime(), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("ended_by", sa.String(length=16), nullable=True),
        sa.Column("ended_msgid", sa.String(length=128), nullable=True),
        sa.ForeignKeyConstraint(["agent_id"], ["agent.id"], name=op.f("fk_own_follow_up_agent_id")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_own_follow_up_customer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_own_follow_up")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_own_follow_up_customer", "own_follow_up", ["customer_id"])
    _partial("ix_own_follow_up_open", "own_follow_up", ["agent_id", "due_at"], "state = 'open'")
    _partial("ix_own_follow_up_due", "own_follow_up", ["due_at"], "state = 'open' AND told_at IS NULL")
    op.add_column("group_chat", sa.Column("clock", Json, nullable=False, server_default="{}"))
    op.add_column("group_chat", sa.Column("waiting_since", UtcDateTime(), nullable=True))
    op.add_column("group_chat", sa.Column("waiting_look_at", UtcDateTime(), nullable=True))
    op.add_column("group_chat", sa.Column("waiting_told_at", UtcDateTime(), nullable=True))
    _partial("ix_group_chat_waiting", "group_chat", ["waiting_look_at"], "waiting_look_at IS NOT NULL")


def _partial(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(name, table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))


def downgrade() -> None:
    op.drop_index("ix_group_chat_waiting", table_name="group_chat")
    for name in ("waiting_told_at", "waiting_look_at", "waiting_since", "clock"):
        op.drop_column("group_chat", name)
    op.drop_table("own_follow_up")
