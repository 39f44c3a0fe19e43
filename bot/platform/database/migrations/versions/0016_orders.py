"""Products, orders and other events of customers, and the id by which other systems know a WeChat user."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bot.platform.models import Key, UtcDateTime

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "product",
        sa.Column("id", Key, nullable=False),
        sa.Column("source", sa.String(length=40), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("category", sa.String(length=60), nullable=False),
        sa.Column("price", sa.BigInteger(), nullable=True),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_product")),
        sa.UniqueConstraint("source", "code", name=op.f("uq_product_source")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "orders",
        sa.Column("id", Key, nullable=False),
        sa.Column("source", sa.String(length=40), nullable=False),
        sa.Column("own_id", sa.String(length=64), nullable=False),
        sa.Column("customer_id", Key, nullable=False),
        sa.Column("product_code", sa.String(length=64), nullable=False),
        sa.Column("product_name", sa.String(length=120), nullable=False),
        sa.Column("category", sa.String(length=60), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("ordered_at", UtcDateTime(), nullable=False),
        sa.Column("paid_at", UtcDateTime(), nullable=True),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.Column("taken_at", UtcDateTime(), nullable=False),
        sa.Column("note", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_orders_customer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orders")),
        sa.UniqueConstraint("source", "own_id", name=op.f("uq_orders_source")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_orders_customer", "orders", ["customer_id", "ordered_at"])
    op.create_index("ix_orders_ordered_at", "orders", ["ordered_at"])
    op.create_table(
        "business_event",
        sa.Column("id", Key, nullable=False),
        sa.Column("source", sa.String(length=40), nullable=False),
        sa.Column("own_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("customer_id", Key, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("taken_at", UtcDateTime(), nullable=False),
        sa.Column("properties", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_business_event_customer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_business_event")),
        sa.UniqueConstraint("source", "own_id", name=op.f("uq_business_event_source")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_business_event_customer", "business_event", ["customer_id", "at"])
    op.create_index("ix_business_event_at", "business_event", ["at"])
    op.add_column("customer", sa.Column("unionid", sa.String(length=64), nullable=True))
    op.create_index("ix_customer_unionid", "customer", ["unionid"])


def downgrade() -> None:
    op.drop_index("ix_customer_unionid", "customer")
    op.drop_column("customer", "unionid")
    for table in ("business_event", "orders", "product"):
        op.drop_table(table)
