"""An erasure is a row: it is tried until it is done, and what was done stays as a receipt."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bot.platform.models import Json, Key, UtcDateTime

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "erasure",
        sa.Column("id", Key, nullable=False),
        sa.Column("stone", sa.String(64), nullable=False),
        sa.Column("person", sa.LargeBinary(), nullable=False),
        sa.Column("actor", sa.String(80), nullable=False),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.Column("not_before", UtcDateTime(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", sa.String(200), nullable=False),
        sa.Column("done_at", UtcDateTime(), nullable=True),
        sa.Column("receipt", Json, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_erasure"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_erasure_done_at", "erasure", ["done_at"])


def downgrade() -> None:
    op.drop_table("erasure")
