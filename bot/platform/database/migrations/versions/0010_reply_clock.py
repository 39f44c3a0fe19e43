"""A contact knows since when the customer waits for an answer, and who was told of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bot.platform.models import Json, UtcDateTime

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("follow", sa.Column("clock", Json, nullable=False, server_default="{}"))
    op.add_column("follow", sa.Column("waiting_since", UtcDateTime(), nullable=True))
    op.add_column("follow", sa.Column("waiting_told", Json, nullable=False, server_default="{}"))
    op.add_column("follow", sa.Column("waiting_look_at", UtcDateTime(), nullable=True))
    op.create_index(
        "ix_follow_waiting",
        "follow",
        ["waiting_look_at"],
        sqlite_where=sa.text("waiting_look_at IS NOT NULL"),
        postgresql_where=sa.text("waiting_look_at IS NOT NULL"),
    )
    op.create_index(
        "ix_follow_waits",
        "follow",
        ["agent_id", "waiting_since"],
        sqlite_where=sa.text("waiting_since IS NOT NULL"),
        postgresql_where=sa.text("waiting_since IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_follow_waits", table_name="follow")
    op.drop_index("ix_follow_waiting", table_name="follow")
    for name in ("waiting_look_at", "waiting_told", "waiting_since", "clock"):
        op.drop_column("follow", name)
