"""Events that were given up are found by an index of their own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    given_up = sa.text("substr(outcome, 1, 7) = 'failed:'")
    op.create_index(
        "ix_callback_event_given_up", "callback_event", ["id"], sqlite_where=given_up, postgresql_where=given_up
    )


def downgrade() -> None:
    op.drop_index("ix_callback_event_given_up", table_name="callback_event")
