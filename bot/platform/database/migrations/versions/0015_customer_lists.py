"""The customer list: saved views, and deeds done to many customers at once."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bot.platform.models import Json, Key, UtcDateTime

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "saved_view",
        sa.Column("id", Key, nullable=False),
        sa.Column("owner", sa.String(length=80), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("shared", sa.Boolean(), nullable=False),
        sa.Column("asked", Json, nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_view")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_saved_view_owner", "saved_view", ["owner", "id"])
    op.create_table(
        "bulk_deed",
        sa.Column("id", Key, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("asker", Json, nullable=False),
        sa.Column("what", sa.LargeBinary(), nullable=False),
        sa.Column("per_day", sa.Integer(), nullable=False),
        sa.Column("asked", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("touched_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bulk_deed")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_bulk_deed_open", "bulk_deed", ["state", "id"])
    op.create_index("ix_bulk_deed_actor", "bulk_deed", ["actor", "id"])
    op.create_table(
        "bulk_item",
        sa.Column("deed_id", Key, nullable=False),
        sa.Column("customer_id", Key, nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("why", sa.String(length=300), nullable=False),
        sa.Column("given", sa.LargeBinary(), nullable=True),
        sa.Column("undo", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["deed_id"], ["bulk_deed.id"], name=op.f("fk_bulk_item_deed_id")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_bulk_item_customer_id")),
        sa.PrimaryKeyConstraint("deed_id", "customer_id", name=op.f("pk_bulk_item")),
    )
    op.create_index("ix_bulk_item_turn", "bulk_item", ["deed_id", "state", "turn"])
    op.create_index("ix_bulk_item_customer", "bulk_item", ["customer_id"])


def downgrade() -> None:
    for table in ("bulk_item", "bulk_deed", "saved_view"):
        op.drop_table(table)
