"""Agents write down wordings of their own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bot.platform.models import Json, Key, UtcDateTime

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "own_wording",
        sa.Column("id", Key, nullable=False),
        sa.Column("agent_id", Key, nullable=False),
        sa.Column("category", sa.LargeBinary(), nullable=False),
        sa.Column("ask", sa.LargeBinary(), nullable=False),
        sa.Column("say", sa.LargeBinary(), nullable=False),
        sa.Column("attach", Json, nullable=False),
        sa.Column("since", sa.Date(), nullable=True),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.Column("proposed_at", UtcDateTime(), nullable=True),
        sa.Column("decided", sa.String(length=8), nullable=False),
        sa.Column("decided_by", sa.String(length=80), nullable=False),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.Column("answer", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["agent_id"], ["agent.id"], name=op.f("fk_own_wording_agent_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_own_wording")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_own_wording_agent_id", "own_wording", ["agent_id"])


def downgrade() -> None:
    op.drop_table("own_wording")
