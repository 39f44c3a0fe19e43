"""A list of the customers worth an agent's own time, and revisits with what came of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("portrait", sa.Column("target", sa.String(length=8), nullable=False, server_default=""))
    op.add_column("portrait", sa.Column("listed", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("portrait", sa.Column("signs", sa.Integer(), nullable=False, server_default="0"))
    op.create_index(
        "ix_portrait_listed",
        "portrait",
        ["customer_id"],
        sqlite_where=sa.text("listed = 1"),
        postgresql_where=sa.text("listed"),
    )
    op.add_column("own_follow_up", sa.Column("kind", sa.String(length=8), nullable=False, server_default="own"))
    op.add_column("own_follow_up", sa.Column("outcome", sa.String(length=12), nullable=False, server_default=""))
    op.create_index(
        "ix_own_follow_up_revisit",
        "own_follow_up",
        ["customer_id", "created_at"],
        sqlite_where=sa.text("kind = 'revisit'"),
        postgresql_where=sa.text("kind = 'revisit'"),
    )


def downgrade() -> None:
    op.drop_index("ix_own_follow_up_revisit", "own_follow_up")
    op.drop_column("own_follow_up", "outcome")
    op.drop_column("own_follow_up", "kind")
    op.drop_index("ix_portrait_listed", "portrait")
    for name in ("signs", "listed", "target"):
        op.drop_column("portrait", name)
