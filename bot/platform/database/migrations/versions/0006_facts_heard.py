"""What is told of a customer's fields is kept with who told it; a move may have a reason."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bot.platform.models import Key, UtcDateTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "told_fact",
        sa.Column("id", Key, nullable=False),
        sa.Column("customer_id", Key, nullable=False),
        sa.Column("field", sa.String(length=30), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.Column("by", sa.String(length=16), nullable=False),
        sa.Column("author", sa.String(length=80), nullable=False),
        sa.Column("rule_id", sa.String(length=64), nullable=True),
        sa.Column("message_id", Key, nullable=True),
        sa.Column("words", sa.LargeBinary(), nullable=False),
        sa.Column("span", sa.LargeBinary(), nullable=False),
        sa.Column("version", sa.String(length=16), nullable=False),
        sa.Column("told_at", UtcDateTime(), nullable=False),
        sa.Column("right", sa.Boolean(), nullable=True),
        sa.Column("judged_by", sa.String(length=80), nullable=False),
        sa.Column("judged_at", UtcDateTime(), nullable=True),
        sa.Column("withdrawn_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_told_fact_customer_id")),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_told_fact_message_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_told_fact")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_told_fact_customer", "told_fact", ["customer_id", "field", "id"])
    op.create_index("ix_told_fact_message", "told_fact", ["message_id"])
    op.add_column("stage_move", sa.Column("reason", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    op.drop_column("stage_move", "reason")
    op.drop_table("told_fact")
