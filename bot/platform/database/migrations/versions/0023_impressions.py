"""Colleagues say what they think of a customer; lists ask by it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bot.platform.models import Key, UtcDateTime

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "impression",
        sa.Column("id", Key, nullable=False),
        sa.Column("customer_id", Key, nullable=False),
        sa.Column("author", sa.String(length=80), nullable=False),
        sa.Column("word", sa.String(length=12), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_impression_customer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_impression")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_impression_customer", "impression", ["customer_id", "id"])
    op.add_column("portrait", sa.Column("felt", sa.String(length=8), nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("portrait", "felt")
    op.drop_table("impression")
