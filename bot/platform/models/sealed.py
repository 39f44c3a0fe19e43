"""Column types whose values are sealed on their way into the database and opened on their way out."""

from __future__ import annotations

from typing import Any

import orjson
from sqlalchemy import BigInteger, Dialect, LargeBinary, TypeDecorator
from sqlalchemy.sql import operators

from bot.platform.encryption import keys_of

_HARMLESS = (operators.is_, operators.is_not)
_TELLS_EMPTY = (operators.eq, operators.ne)


class _Guard(TypeDecorator.Comparator[Any]):
    """Two seals of one value differ, so the database can only tell whether there is a value at all."""

    def operate(self, op: Any, *other: Any, **kwargs: Any) -> Any:
        # SQLAlchemy itself compares columns with one another, as keys of its dictionaries.
        if op in _HARMLESS or (op in _TELLS_EMPTY and not (isinstance(other[0], str | dict | list) and other[0])):
            return super().operate(op, *other, **kwargs)
        raise TypeError(
            f"{self.expr} is encrypted: the database cannot sort or compare it ({op.__name__}); "
            "search by bot.platform.database.search_index, or compare in Python"
        )

    def reverse_operate(self, op: Any, other: Any, **kwargs: Any) -> Any:
        return self.operate(op, other, **kwargs)


class Sealed(TypeDecorator[str]):
    """Text, sealed; `where` is "table.column", which a value cannot leave. The empty text stays empty."""

    impl = LargeBinary
    cache_ok = True
    comparator_factory = _Guard

    def __init__(self, where: str) -> None:
        super().__init__()
        self.where = where

    def process_bind_param(self, value: str | None, dialect: Dialect) -> Any:
        if not value:
            return None if value is None else b""
        return keys_of(dialect).seal(value.encode(), self.where.encode())

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:
        if not value:
            return None if value is None else ""
        return keys_of(dialect).open(value, self.where.encode()).decode()


class SealedJson(TypeDecorator[Any]):
    """A JSON value, sealed; the same value always gives the same text inside, keys in order."""

    impl = LargeBinary
    cache_ok = True
    comparator_factory = _Guard

    def __init__(self, where: str) -> None:
        super().__init__()
        self.where = where

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        if value is None:
            return None
        plain = orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)
        return keys_of(dialect).seal(plain, self.where.encode())

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        return None if value is None else orjson.loads(keys_of(dialect).open(value, self.where.encode()))


class Hashed(TypeDecorator[Any]):
    """A word as a keyed hash of 64 bits: equal words are found, and none can be read back."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        if value is None or isinstance(value, int):
            return value
        return int.from_bytes(keys_of(dialect).digest("search", value)[:8], "big", signed=True)
