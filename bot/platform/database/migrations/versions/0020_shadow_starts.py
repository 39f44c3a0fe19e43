"""SOPs in the shadow note with whom they would have begun."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bot.platform.models import Key, UtcDateTime

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "shadow_start",
        sa.Column("id", Key, nullable=False),
        sa.Column("sop_id", sa.String(length=64), nullable=False),
        sa.Column("customer_id", Key, nullable=False),
        sa.Column("cause", sa.String(length=80), nullable=False),
        sa.Column("began_at", UtcDateTime(), nullable=False),
        sa.Column("ends_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_shadow_start_customer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shadow_start")),
        sa.UniqueConstraint("customer_id", "sop_id", "cause", name=op.f("uq_shadow_start_customer_id")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_shadow_start_sop", "shadow_start", ["sop_id", "began_at"])


def downgrade() -> None:
    op.drop_table("shadow_start")
