"""An index of the present contacts in which a customer waits, the longest first: the board asks for it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_WHERE = sa.text("waiting_since IS NOT NULL AND ended_at IS NULL")


def upgrade() -> None:
    op.create_index(
        "ix_follow_longest", "follow", ["waiting_since", "customer_id"], sqlite_where=_WHERE, postgresql_where=_WHERE
    )


def downgrade() -> None:
    op.drop_index("ix_follow_longest", "follow")
