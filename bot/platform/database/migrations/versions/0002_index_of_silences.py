"""The board's filter by silence and score is answered from one index alone."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_customer_silence", "customer", ["last_word_at", "conversion", "created_at"])
    op.drop_index("ix_customer_last_word_at", table_name="customer")


def downgrade() -> None:
    op.create_index("ix_customer_last_word_at", "customer", ["last_word_at"])
    op.drop_index("ix_customer_silence", table_name="customer")
