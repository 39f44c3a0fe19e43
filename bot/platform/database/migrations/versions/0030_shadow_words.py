"""People judge the starts of SOPs in the shadow."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bot.platform.models import Key, UtcDateTime

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "shadow_word",
        sa.Column("id", Key, nullable=False),
        sa.Column("start_id", Key, nullable=False),
        sa.Column("sop_id", sa.String(length=64), nullable=False),
        sa.Column("right", sa.Boolean(), nullable=False),
        sa.Column("author", sa.String(length=80), nullable=False),
        sa.Column("given_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["start_id"], ["shadow_start.id"], name=op.f("fk_shadow_word_start_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shadow_word")),
        sa.UniqueConstraint("start_id", "author", name=op.f("uq_shadow_word_start_id")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_shadow_word_sop", "shadow_word", ["sop_id", "right"])


def downgrade() -> None:
    op.drop_table("shadow_word")
