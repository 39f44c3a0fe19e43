"""Column types whose values are encrypted on their way into the database and decrypted on their way out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import orjson
from sqlalchemy import BigInteger, Dialect, LargeBinary, TypeDecorator
from sqlalchemy.sql import operators

from bot.platform.encryption import DamagedValueError, MissingKeyError, keys_of
from bot.platform.log import get_logger

DAMAGED = "〔已损坏 / damaged〕"  # in place of a value that does not open any more
_tolerated: ContextVar[bool] = ContextVar("damage tolerated", default=False)
_log = get_logger(__name__)


@contextmanager
def damage_tolerated() -> Iterator[None]:
    """Read past damaged values: a text is DAMAGED, a JSON value empty. For what shows or deletes, not what sends."""
    token = _tolerated.set(True)
    try:
        yield
    finally:
        _tolerated.reset(token)


def tolerate_damage(*, tolerated: bool) -> None:
    """The same for a whole request, which has no block of its own."""
    _tolerated.set(tolerated)


class DamagedJson(dict[str, Any]):
    """In place of a JSON value that does not open any more: empty."""


_NULL_OPERATORS = (operators.is_, operators.is_not)
_EMPTY_OPERATORS = (operators.eq, operators.ne)  # allowed against the empty value, which is stored unsealed


class _SealedComparator(TypeDecorator.Comparator[Any]):
    """Refuses comparisons in SQL: equal values have different seals, so only presence can be asked for."""

    def operate(self, op: Any, *other: Any, **kwargs: Any) -> Any:
        # SQLAlchemy itself compares columns with one another, as keys of its dictionaries.
        if op in _NULL_OPERATORS or (
            op in _EMPTY_OPERATORS and not (isinstance(other[0], str | dict | list) and other[0])
        ):
            return super().operate(op, *other, **kwargs)
        raise TypeError(
            f"{self.expr} is encrypted: the database cannot sort or compare it ({op.__name__}); "
            "search by bot.platform.database.search_index, or compare in Python"
        )

    def reverse_operate(self, op: Any, other: Any, **kwargs: Any) -> Any:
        return self.operate(op, other, **kwargs)


class _SealedType(TypeDecorator[Any]):
    """The base of sealed types. `where` is "table.column": a value copied elsewhere does not open."""

    impl = LargeBinary
    comparator_factory = _SealedComparator

    def __init__(self, where: str) -> None:
        super().__init__()
        self.where = where

    def _seal(self, plain: bytes, dialect: Dialect) -> bytes:
        return keys_of(dialect).seal(plain, self.where.encode())

    def _open(self, sealed: bytes, dialect: Dialect) -> bytes | None:
        """The plain value; None for a damaged one where these are tolerated."""
        try:
            return keys_of(dialect).open(sealed, self.where.encode())
        except (DamagedValueError, MissingKeyError):  # the latter: the damage is where its key is named
            if not _tolerated.get():
                raise
            _log.error("sealed value damaged", where=self.where)
            return None


class Sealed(_SealedType):
    """Sealed text; the empty text stays empty."""

    cache_ok = True  # SQLAlchemy looks for it in each class by itself

    def process_bind_param(self, value: str | None, dialect: Dialect) -> Any:
        if not value:
            return None if value is None else b""
        return self._seal(value.encode(), dialect)

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:
        if not value:
            return None if value is None else ""
        plain = self._open(value, dialect)
        return DAMAGED if plain is None else plain.decode()


class SealedJson(_SealedType):
    """A sealed JSON value, its keys sorted."""

    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        if value is None:
            return None
        return self._seal(orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS), dialect)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        plain = None if value is None else self._open(value, dialect)
        if plain is None:
            return None if value is None else DamagedJson()
        return orjson.loads(plain)


class Hashed(TypeDecorator[Any]):
    """A word as a keyed hash of 64 bits: equal words are found, none can be read back."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        if value is None or isinstance(value, int):
            return value
        return int.from_bytes(keys_of(dialect).digest("search", value)[:8], "big", signed=True)
