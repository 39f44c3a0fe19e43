"""What the rules about agents' conduct find is kept for their leaders."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bot.platform.models import Key, UtcDateTime

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

_TABLE = "conduct_finding"
_UNTOLD = sa.text("told_at IS NULL AND judged = ''")


def upgrade() -> None:
    op.create_table(
        _TABLE,
        sa.Column("id", Key, nullable=False),
        sa.Column("rule_id", sa.String(length=64), nullable=False),
        sa.Column("title", sa.String(length=64), nullable=False),
        sa.Column("version", sa.String(length=16), nullable=False),
        sa.Column("agent_id", Key, nullable=False),
        sa.Column("customer_id", Key, nullable=True),
        sa.Column("message_id", Key, nullable=True),
        sa.Column("msgid", sa.String(length=128), nullable=False),
        sa.Column("spans", sa.LargeBinary(), nullable=False),
        sa.Column("reason", sa.LargeBinary(), nullable=False),
        sa.Column("said_at", UtcDateTime(), nullable=False),
        sa.Column("found_at", UtcDateTime(), nullable=False),
        sa.Column("shadow", sa.Boolean(), nullable=False),
        sa.Column("judged", sa.String(length=16), nullable=False),
        sa.Column("judged_by", sa.String(length=80), nullable=False),
        sa.Column("judged_at", UtcDateTime(), nullable=True),
        sa.Column("told_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["agent_id"], ["agent.id"], name=op.f("fk_conduct_finding_agent_id")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_conduct_finding_customer_id")),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_conduct_finding_message_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conduct_finding")),
        sa.UniqueConstraint("msgid", "rule_id", name=op.f("uq_conduct_finding_msgid")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_conduct_finding_agent", _TABLE, ["agent_id", "said_at"])
    op.create_index("ix_conduct_finding_rule", _TABLE, ["rule_id", "said_at"])
    op.create_index("ix_conduct_finding_said", _TABLE, ["said_at", "id"])
    op.create_index("ix_conduct_finding_customer", _TABLE, ["customer_id"])
    op.create_index("ix_conduct_finding_message", _TABLE, ["message_id"])
    op.create_index("ix_conduct_finding_untold", _TABLE, ["found_at"], sqlite_where=_UNTOLD, postgresql_where=_UNTOLD)


def downgrade() -> None:
    op.drop_table(_TABLE)
