"""Who is in a frozen segment, and who was last seen in one that starts SOPs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bot.platform.models import Key, UtcDateTime

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "segment_member",
        sa.Column("segment", sa.String(length=30), nullable=False),
        sa.Column("customer_id", Key, nullable=False),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_segment_member_customer_id_customer")
        ),
        sa.PrimaryKeyConstraint("segment", "customer_id", name=op.f("pk_segment_member")),
    )
    op.create_index("ix_segment_member_customer", "segment_member", ["customer_id"])


def downgrade() -> None:
    op.drop_table("segment_member")
