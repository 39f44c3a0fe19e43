"""Two rows of the archive with one seq are both kept in quarantine: what is unique is the seq with the content."""

from __future__ import annotations

import hashlib
import json

import sqlalchemy as sa
from alembic import op

from bot.platform.models import Json, Key, UtcDateTime

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    connection = op.get_bind()
    if connection.dialect.name == "sqlite":
        _rebuild(connection)
    else:
        op.add_column("quarantine", sa.Column("digest", sa.String(32), nullable=False, server_default=""))
        op.drop_constraint("uq_quarantine_seq", "quarantine", type_="unique")
        op.create_unique_constraint("uq_quarantine_seq", "quarantine", ["seq", "digest"])
    rows = sa.table("quarantine", sa.column("id"), sa.column("sealed", Json), sa.column("digest"))
    for row in connection.execute(sa.select(rows.c.id, rows.c.sealed)).all():
        changed = sa.update(rows).where(rows.c.id == row.id).values(digest=_digest(row.sealed))
        connection.execute(changed)


def _digest(sealed: dict[str, object]) -> str:
    return hashlib.sha256(json.dumps(sealed, sort_keys=True).encode()).hexdigest()[:32]


def _rebuild(connection: sa.Connection) -> None:
    """Build the table anew, which is how SQLite changes a constraint; nothing points to it. Its ids go on."""
    mark = connection.scalar(sa.text("SELECT seq FROM sqlite_sequence WHERE name = 'quarantine'")) or 0
    op.rename_table("quarantine", "quarantine_before")
    op.create_table(
        "quarantine",
        sa.Column("id", Key, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(32), nullable=False, server_default=""),
        sa.Column("msgid", sa.String(length=128), nullable=False),
        sa.Column("publickey_ver", sa.Integer(), nullable=False),
        sa.Column("sealed", Json, nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("released_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_quarantine"),
        sa.UniqueConstraint("seq", "digest", name="uq_quarantine_seq"),
        sqlite_autoincrement=True,
    )
    kept = "id, seq, msgid, publickey_ver, sealed, reason, attempts, created_at, released_at"
    connection.exec_driver_sql(f"INSERT INTO quarantine ({kept}) SELECT {kept} FROM quarantine_before")  # noqa: S608
    op.drop_table("quarantine_before")
    known = connection.scalar(sa.text("SELECT seq FROM sqlite_sequence WHERE name = 'quarantine'"))
    statement = (
        "INSERT INTO sqlite_sequence (name, seq) VALUES ('quarantine', :mark)"
        if known is None
        else "UPDATE sqlite_sequence SET seq = :mark WHERE name = 'quarantine' AND seq < :mark"
    )
    connection.execute(sa.text(statement), {"mark": mark})


def downgrade() -> None:
    raise NotImplementedError("two rows of one seq cannot both be kept by the release before")
