"""Row ids never return after a deletion, and each task has an identity of its own for what leaves the house.

On SQLite a table gets AUTOINCREMENT by its text alone: the rows lie in the file as before. Tables could not be built
anew here, since foreign keys are enforced and point to them.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_NUMBERED = (
    "account", "agent", "archive_gap", "audit_entry", "callback_event", "config_change", "consent", "customer",
    "evidence", "feedback", "follow", "group_chat", "group_member", "group_send", "link_opening", "material",
    "media_file", "message", "note", "outbox", "placement", "quarantine", "sop_enrolment", "sop_task", "stage_move",
    "study", "tagging", "view_entry",
)  # fmt: skip


def upgrade() -> None:
    connection = op.get_bind()
    op.add_column("sop_task", sa.Column("ref", sa.String(length=32), nullable=False, server_default=""))
    # What is out there names these tasks by their ids, and goes on meaning them.
    op.execute("UPDATE sop_task SET ref = CAST(id AS VARCHAR(32))")
    op.create_index("uq_sop_task_ref", "sop_task", ["ref"], unique=True)
    if connection.dialect.name == "sqlite":
        for table in _NUMBERED:
            _remember_highest_id(connection, table)
    _pass_over_erased(connection)


def _remember_highest_id(connection: sa.Connection, table: str) -> None:
    known = sa.text("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = :name")
    made: str = connection.execute(known, {"name": table}).scalar_one()
    wanted = made.replace("PRIMARY KEY (id)", "PRIMARY KEY (id AUTOINCREMENT)")
    if wanted == made:
        raise RuntimeError(f"table {table} is not as this migration knows it")
    # sqlite_sequence exists once a table with AUTOINCREMENT was made.
    connection.exec_driver_sql("CREATE TABLE tici_sequence (id INTEGER PRIMARY KEY AUTOINCREMENT)")
    connection.exec_driver_sql("DROP TABLE tici_sequence")
    version = connection.exec_driver_sql("PRAGMA schema_version").scalar_one()
    connection.exec_driver_sql("PRAGMA writable_schema = ON")
    changed = sa.text("UPDATE sqlite_master SET sql = :sql WHERE type = 'table' AND name = :name")
    connection.execute(changed, {"sql": wanted, "name": table})
    connection.exec_driver_sql(f"PRAGMA schema_version = {version + 1}")  # every connection reads the schema anew
    connection.exec_driver_sql("PRAGMA writable_schema = OFF")
    connection.execute(
        sa.text(f"INSERT INTO sqlite_sequence (name, seq) SELECT :name, COALESCE(MAX(id), 0) FROM {table}"),  # noqa: S608 - a name of the list above
        {"name": table},
    )


def _pass_over_erased(connection: sa.Connection) -> None:
    """Readings stay when a customer is erased: no new customer may get an id that they name."""
    named = connection.execute(sa.text("SELECT COALESCE(MAX(customer_id), 0) FROM view_entry")).scalar_one()
    if connection.dialect.name == "sqlite":
        raised = sa.text("UPDATE sqlite_sequence SET seq = :seq WHERE name = 'customer' AND seq < :seq")
        connection.execute(raised, {"seq": named})
    elif named:
        mark = sa.text("SELECT setval(pg_get_serial_sequence('customer', 'id'), GREATEST(:seq, "
                       "nextval(pg_get_serial_sequence('customer', 'id'))))")  # fmt: skip
        connection.execute(mark, {"seq": named})


def downgrade() -> None:
    op.drop_index("uq_sop_task_ref", table_name="sop_task")
    op.drop_column("sop_task", "ref")
