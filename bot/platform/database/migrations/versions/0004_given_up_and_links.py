"""Events that were given up have an index of their own; openings of links in welcomes and mass messages a table."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bot.platform.models import Key, UtcDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    given_up = sa.text("substr(outcome, 1, 7) = 'failed:'")
    op.create_index(
        "ix_callback_event_given_up", "callback_event", ["id"], sqlite_where=given_up, postgresql_where=given_up
    )
    op.create_table(
        "message_link_opening",
        sa.Column("id", Key, nullable=False),
        sa.Column("customer_id", Key, nullable=True),
        sa.Column("group_send_id", Key, nullable=True),
        sa.Column("title", sa.String(length=64), nullable=False),
        sa.Column("opened_at", UtcDateTime(), nullable=False),
        sa.Column("handled_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_message_link_opening_customer_id")),
        sa.ForeignKeyConstraint(
            ["group_send_id"], ["group_send.id"], name=op.f("fk_message_link_opening_group_send_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message_link_opening")),
        sqlite_autoincrement=True,
    )
    waiting = sa.text("handled_at IS NULL")
    op.create_index(
        "ix_message_link_opening_open", "message_link_opening", ["id"], sqlite_where=waiting, postgresql_where=waiting
    )
    op.create_index("ix_message_link_opening_customer_id", "message_link_opening", ["customer_id"])
    op.create_index("ix_message_link_opening_group_send_id", "message_link_opening", ["group_send_id"])


def downgrade() -> None:
    op.drop_table("message_link_opening")
    op.drop_index("ix_callback_event_given_up", table_name="callback_event")
