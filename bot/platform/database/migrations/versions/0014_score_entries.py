"""The two scores of a customer become ledgers: what they have is an entry each, and every point is one from now on."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bot.platform.models import Key, UtcDateTime

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_CARRY = """
INSERT INTO score_entry (customer_id, ledger, points, source, occasion, version, at, fallen_because)
SELECT id, '{ledger}', {ledger}, 'before', '1', '', COALESCE(last_word_at, created_at), ''
FROM customer WHERE {ledger} <> 0
"""


def upgrade() -> None:
    op.create_table(
        "score_entry",
        sa.Column("id", Key, nullable=False),
        sa.Column("customer_id", Key, nullable=False),
        sa.Column("ledger", sa.String(length=12), nullable=False),
        sa.Column("points", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(length=80), nullable=False),
        sa.Column("occasion", sa.String(length=128), nullable=False),
        sa.Column("version", sa.String(length=16), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("fallen_at", UtcDateTime(), nullable=True),
        sa.Column("fallen_because", sa.String(length=16), nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_score_entry_customer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_score_entry")),
        sa.UniqueConstraint("customer_id", "ledger", "source", "occasion", name=op.f("uq_score_entry_customer_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_score_entry_standing",
        "score_entry",
        ["customer_id"],
        sqlite_where=sa.text("fallen_at IS NULL"),
        postgresql_where=sa.text("fallen_at IS NULL"),
    )
    for ledger in ("activity", "conversion"):
        op.execute(_CARRY.format(ledger=ledger))


def downgrade() -> None:
    op.drop_table("score_entry")
