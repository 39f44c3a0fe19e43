"""A customer passes to a colleague with a checklist and a brief."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bot.platform.models import Json, Key, UtcDateTime

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "handover",
        sa.Column("id", Key, nullable=False),
        sa.Column("customer_id", Key, nullable=False),
        sa.Column("giver_id", Key, nullable=True),
        sa.Column("taker_id", Key, nullable=True),
        sa.Column("cause", sa.String(length=12), nullable=False),
        sa.Column("ticks", Json, nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("told_at", UtcDateTime(), nullable=True),
        sa.Column("accepted_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_handover_customer_id")),
        sa.ForeignKeyConstraint(["giver_id"], ["agent.id"], name=op.f("fk_handover_giver_id")),
        sa.ForeignKeyConstraint(["taker_id"], ["agent.id"], name=op.f("fk_handover_taker_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_handover")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_handover_customer", "handover", ["customer_id", "id"])
    untold = sa.text("told_at IS NULL")
    op.create_index("ix_handover_untold", "handover", ["id"], sqlite_where=untold, postgresql_where=untold)


def downgrade() -> None:
    op.drop_table("handover")
