"""Column types whose values are encrypted on their way into the database and decrypted on their way out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import BigInteger, Dialect, LargeBinary, TypeDecorator
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import operators
from sqlalchemy.sql.functions import FunctionElement

from bot.platform.encryption import DamagedValueError, MissingKeyError, keys_of
from bot.platform.log import get_logger
from bot.platform.models.columns import Model

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


@dataclass(frozen=True, slots=True)
class OfRow:
    """A value on its way into the database, with the identity of the row that it is sealed for."""

    value: Any
    row: bytes


def identity(key: Iterable[Any]) -> bytes:
    """What a row is known by in the seals of its values: its primary key."""
    return "/".join(map(str, key)).encode()


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


class _InItsRow(FunctionElement[Any]):
    """A sealed value as the database hands it out: the identity of its row, a NUL, what is stored."""

    inherit_cache = True

    def __init__(self, value: Any, key: list[Any], type_: Any) -> None:
        super().__init__(value, *key)
        self.type = type_


@compiles(_InItsRow, "sqlite")
def _in_its_row_on_sqlite(element: Any, compiler: Any, **kwargs: Any) -> str:
    value, *key = (compiler.process(one, **kwargs) for one in element.clauses)
    row = " || '/' || ".join(key)
    return f"CAST({row} || x'00' || {value} AS BLOB)"


@compiles(_InItsRow, "postgresql")
def _in_its_row_on_postgresql(element: Any, compiler: Any, **kwargs: Any) -> str:
    value, *key = (compiler.process(one, **kwargs) for one in element.clauses)
    row = " || '/' || ".join(f"CAST({one} AS TEXT)" for one in key)
    return f"convert_to({row}, 'UTF8') || decode('00', 'hex') || {value}"


class _SealedType(TypeDecorator[Any]):
    """The base of sealed types. `where` is "table.column": a value copied there, or into another row, does not open.

    What is written must come as `OfRow`, save what is empty (`bot/platform/database/rows_sealed.py` sees to it).
    """

    impl = LargeBinary
    comparator_factory = _SealedComparator

    def __init__(self, where: str) -> None:
        super().__init__()
        self.where = where

    def column_expression(self, column: Any) -> Any:
        """Have every query hand out the identity of the row beside the value."""
        bare = getattr(column, "element", column)  # without its label
        table = getattr(bare, "table", None)
        names = [one.name for one in Model.metadata.tables[self.where.partition(".")[0]].primary_key]
        if table is None or not all(name in table.c for name in names):
            raise TypeError(
                f"{column}: a sealed value is read together with the key of its row, or by its id in Python"
            )
        return _InItsRow(bare, [table.c[name] for name in names], self)

    def seal_all(self, values: Sequence[Any], rows: Sequence[bytes], dialect: Dialect) -> list[bytes | None]:
        """What the database is given for the values of a column, each for the row with this identity."""
        seal, where = keys_of(dialect).seal, self.where.encode()
        plains = [self.plain(value) for value in values]
        return [seal(plain, where, row) if plain else plain for plain, row in zip(plains, rows, strict=True)]

    def plain(self, value: Any) -> bytes | None:
        """The value in bytes, as it is sealed; what is empty is not."""
        raise NotImplementedError

    def _seal(self, plain: bytes, given: OfRow | None, dialect: Dialect) -> bytes:
        if given is None:
            raise TypeError(f"{self.where} is sealed for its row: write it with the row, or as OfRow")
        return keys_of(dialect).seal(plain, self.where.encode(), given.row)

    def _open(self, stored: bytes, dialect: Dialect) -> bytes | None:
        """The plain value; None for a damaged one where these are tolerated."""
        row, _, sealed = stored.partition(b"\0")
        try:
            return keys_of(dialect).open(sealed, self.where.encode(), row)
        except (DamagedValueError, MissingKeyError):  # the latter: the damage is where its key is named
            if not _tolerated.get():
                raise
            _log.error("sealed value damaged", where=self.where, row=row.decode())
            return None


class Sealed(_SealedType):
    """Sealed text; the empty text stays empty."""

    cache_ok = True  # SQLAlchemy looks for it in each class by itself

    def process_bind_param(self, value: str | OfRow | None, dialect: Dialect) -> Any:
        given = value if isinstance(value, OfRow) else None
        plain = self.plain(value.value if isinstance(value, OfRow) else value)
        return self._seal(plain, given, dialect) if plain else plain

    def plain(self, value: str | None) -> bytes | None:
        """See _SealedType."""
        return None if value is None else value.encode()

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:
        if value is None or (value.endswith(b"\0") and value.index(b"\0") == len(value) - 1):
            return None if value is None else ""
        plain = self._open(value, dialect)
        return DAMAGED if plain is None else plain.decode()


class SealedJson(_SealedType):
    """A sealed JSON value, its keys sorted."""

    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        given = value if isinstance(value, OfRow) else None
        plain = self.plain(given.value if given else value)
        return None if plain is None else self._seal(plain, given, dialect)

    def plain(self, value: Any) -> bytes | None:
        """See _SealedType."""
        return None if value is None else orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)

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
