"""What Alembic runs: our models' metadata on the connection that bot.platform.database.schema hands over."""

from __future__ import annotations

from alembic import context
from sqlalchemy import JSON, BigInteger

from bot.platform.models import Model, UtcDateTime
from bot.platform.models.sealed import Hashed, Sealed, SealedJson


def _render(kind: str, value: object, _autogen: object) -> str | bool:
    """Write our own column types by name, so that migrations read like the models."""
    if kind != "type":
        return False
    if isinstance(value, UtcDateTime):
        return "UtcDateTime()"
    if isinstance(value, Sealed | SealedJson):
        return "sa.LargeBinary()"
    if isinstance(value, Hashed):
        return "sa.BigInteger()"
    if isinstance(value, JSON):
        return "Json"
    return "Key" if isinstance(value, BigInteger) and value._variant_mapping else False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Model.metadata,
    render_as_batch=True,
    compare_type=True,
    render_item=_render,  # type: ignore[arg-type]
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
