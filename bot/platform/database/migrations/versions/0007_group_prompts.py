"""Owners of group chats are prompted by SOPs for groups."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bot.platform.models import Key, UtcDateTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "group_prompt",
        sa.Column("id", Key, nullable=False),
        sa.Column("group_id", Key, nullable=False),
        sa.Column("sop_id", sa.String(length=64), nullable=False),
        sa.Column("cause", sa.String(length=20), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("words", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("agent_id", Key, nullable=True),
        sa.Column("sent_at", UtcDateTime(), nullable=True),
        sa.Column("version", sa.String(length=16), nullable=False),
        sa.ForeignKeyConstraint(["group_id"], ["group_chat.id"], name=op.f("fk_group_prompt_group_id")),
        sa.ForeignKeyConstraint(["agent_id"], ["agent.id"], name=op.f("fk_group_prompt_agent_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_group_prompt")),
        sa.UniqueConstraint("group_id", "sop_id", "cause", "step", name=op.f("uq_group_prompt_group_id")),
        sqlite_autoincrement=True,
    )
    waiting = sa.text("state = 'planned'")
    op.create_index("ix_group_prompt_due", "group_prompt", ["due_at"], sqlite_where=waiting, postgresql_where=waiting)


def downgrade() -> None:
    op.drop_table("group_prompt")
