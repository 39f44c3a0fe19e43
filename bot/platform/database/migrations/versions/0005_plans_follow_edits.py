"""An enrolment knows to which config its plan was brought, and which move ended it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("sop_enrolment", sa.Column("planned_version", sa.String(16), nullable=True))
    op.add_column("sop_enrolment", sa.Column("ended_by", sa.String(80), nullable=True))


def downgrade() -> None:
    op.drop_column("sop_enrolment", "ended_by")
    op.drop_column("sop_enrolment", "planned_version")
