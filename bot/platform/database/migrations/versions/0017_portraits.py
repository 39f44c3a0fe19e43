"""Portraits: what the models say of each customer."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bot.platform.models import Key, UtcDateTime

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "portrait",
        sa.Column("customer_id", Key, autoincrement=False, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("basis", sa.String(length=8), nullable=False),
        sa.Column("last_at", UtcDateTime(), nullable=True),
        sa.Column("frequency", sa.Integer(), nullable=False),
        sa.Column("money", sa.BigInteger(), nullable=False),
        sa.Column("r", sa.Integer(), nullable=False),
        sa.Column("f", sa.Integer(), nullable=False),
        sa.Column("m", sa.Integer(), nullable=False),
        sa.Column("rfm", sa.String(length=20), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.Column("loyalty", sa.Double(), nullable=False),
        sa.Column("level", sa.String(length=20), nullable=False),
        sa.Column("phase", sa.String(length=8), nullable=False),
        sa.Column("quadrant", sa.String(length=1), nullable=False),
        sa.Column("was", sa.String(length=1), nullable=False),
        sa.Column("tier", sa.String(length=1), nullable=False),
        sa.Column("worth", sa.BigInteger(), nullable=False),
        sa.Column("well", sa.Boolean(), nullable=False),
        sa.Column("five_a", sa.String(length=8), nullable=False),
        sa.Column("mindset", sa.String(length=8), nullable=False),
        sa.Column("taste", sa.String(length=30), nullable=False),
        sa.Column("cell", sa.String(length=20), nullable=False),
        sa.Column("peer", sa.Boolean(), nullable=False),
        sa.Column("treated", sa.String(length=20), nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_portrait_customer_id")),
        sa.PrimaryKeyConstraint("customer_id", name=op.f("pk_portrait")),
    )


def downgrade() -> None:
    op.drop_table("portrait")
