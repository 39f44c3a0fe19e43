"""Wordings that were offered to agents, and what became of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bot.platform.models import Key, UtcDateTime

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

_UNANSWERED = sa.text("replied_at IS NULL")


def upgrade() -> None:
    op.create_table(
        "wording_offer",
        sa.Column("id", Key, nullable=False),
        sa.Column("customer_id", Key, nullable=False),
        sa.Column("agent_id", Key, nullable=False),
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("by", sa.String(length=16), nullable=False),
        sa.Column("after", Key, nullable=False),
        sa.Column("wording", sa.Text(), nullable=False),
        sa.Column("text", sa.LargeBinary(), nullable=False),
        sa.Column("offered_at", UtcDateTime(), nullable=False),
        sa.Column("tapped_at", UtcDateTime(), nullable=True),
        sa.Column("sent_at", UtcDateTime(), nullable=True),
        sa.Column("sent_msgid", sa.String(length=128), nullable=True),
        sa.Column("outcome", sa.String(length=16), nullable=True),
        sa.Column("similarity", sa.Double(), nullable=True),
        sa.Column("replied_at", UtcDateTime(), nullable=True),
        sa.Column("live_until", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_wording_offer_customer_id")),
        sa.ForeignKeyConstraint(["agent_id"], ["agent.id"], name=op.f("fk_wording_offer_agent_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wording_offer")),
        sa.UniqueConstraint("customer_id", "agent_id", "key", "after", name=op.f("uq_wording_offer_customer_id")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_wording_offer_agent_id", "wording_offer", ["agent_id"])
    op.create_index("ix_wording_offer_key", "wording_offer", ["key", "offered_at"])
    op.create_index(
        "ix_wording_offer_live",
        "wording_offer",
        ["customer_id", "live_until"],
        sqlite_where=_UNANSWERED,
        postgresql_where=_UNANSWERED,
    )


def downgrade() -> None:
    op.drop_table("wording_offer")
