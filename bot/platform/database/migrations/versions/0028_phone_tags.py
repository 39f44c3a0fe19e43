"""Which tags of the groups kept on the phones were surely seen there."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bot.platform.models import Json

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("follow", sa.Column("shown", Json, nullable=False, server_default="{}"))


def downgrade() -> None:
    op.drop_column("follow", "shown")
