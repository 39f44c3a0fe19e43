"""The base class of all tables, and column types that work on both databases: UTC datetimes, JSON, keys, refs."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, DateTime, Dialect, Integer, MetaData, TypeDecorator
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase


class UtcDateTime(TypeDecorator[datetime]):
    """Aware UTC datetimes in Python on every database; a naive one is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a datetime without a zone cannot be stored")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)

    # A batch of the archive has thousands of datetimes; SQLite keeps them as text, for which SQLAlchemy calls three
    # functions a value. These two do the same by one.

    def bind_processor(self, dialect: Dialect) -> Callable[[datetime | None], Any] | None:
        """See TypeEngine."""
        return _as_text if dialect.name == "sqlite" else super().bind_processor(dialect)

    def result_processor(self, dialect: Dialect, coltype: Any) -> Callable[[Any], datetime | None] | None:
        """See TypeEngine."""
        return _from_text if dialect.name == "sqlite" else super().result_processor(dialect, coltype)


_LENGTH = len("2026-12-01 04:10:55.000000")


def _as_text(value: datetime | None) -> str | None:
    if value is None:
        return None
    if value.tzinfo is None:
        raise ValueError("a datetime without a zone cannot be stored")
    value = value if value.tzinfo is UTC else value.astimezone(UTC)
    return value.isoformat(" ", "microseconds")[:_LENGTH]


def _from_text(value: str | None) -> datetime | None:
    if value is None:
        return None
    if len(value) == _LENGTH:  # as it is written above
        return datetime.fromisoformat(value + "+00:00")
    found = datetime.fromisoformat(value)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


Json = JSON().with_variant(JSONB(), "postgresql")
Key = BigInteger().with_variant(Integer(), "sqlite")


def new_ref() -> str:
    """A name for a row outside of the database, which no erasure and no restore gives to another row.

    By chance, and never digits alone: these are the names of rows that were known by their ids before.
    """
    return f"t{secrets.token_hex(10)}"


class Model(DeclarativeBase):
    """The base of every table, with one convention for the names of its constraints."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy's own form
        datetime: UtcDateTime(),
        dict[str, Any]: Json,
        list[Any]: Json,
    }
