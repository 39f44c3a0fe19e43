"""Among: asks for rows whose column holds one of many values, by one parameter however many values there are.

`column.in_(values)` writes a parameter for each value: for the hundreds of people of a batch SQLAlchemy then spends
more on the text of the statement than the database on the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import orjson
from sqlalchemy import ARRAY, BigInteger, Boolean, Dialect, Integer, String, Text, TypeDecorator, bindparam
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeEngine


class _Many(TypeDecorator[Any]):
    """Many whole numbers, or many texts, as one text: of an array on PostgreSQL, of JSON on SQLite.

    PostgreSQL must take it for an array at once: of one that a cast makes it knows neither how long it is nor how to
    hash it, and compares each row with each value.
    """

    impl = Text
    cache_ok = True

    def __init__(self, *, numbers: bool) -> None:
        super().__init__()
        self.numbers = numbers

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """See TypeDecorator."""
        if dialect.name == "sqlite":
            return dialect.type_descriptor(Text())
        return dialect.type_descriptor(ARRAY(BigInteger if self.numbers else String))

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], str]:
        """See TypeEngine."""
        if dialect.name == "sqlite":
            return _as_json
        return _as_numbers if self.numbers else _as_texts


def _as_json(values: Any) -> str:
    return orjson.dumps(values).decode()


def _as_numbers(values: Iterable[int]) -> str:
    return "{" + ",".join(map(str, values)) + "}"


def _as_texts(values: Iterable[str]) -> str:
    return "{" + ",".join(map(_quoted, values)) + "}"


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


_NUMBERS, _TEXTS = _Many(numbers=True), _Many(numbers=False)


class _Among(FunctionElement[bool]):
    """Whether a column holds one of the values."""

    inherit_cache = True
    type = Boolean()

    def self_group(self, against: Any = None) -> Any:
        """Itself: where a database has no truth values SQLAlchemy adds "= 1", and then no index is used."""
        return self


@compiles(_Among, "sqlite")
def _on_sqlite(element: Any, compiler: Any, **kwargs: Any) -> str:
    column, values = (compiler.process(one, **kwargs) for one in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({values}))"  # noqa: S608 - what the compiler wrote


@compiles(_Among, "postgresql")
def _on_postgresql(element: Any, compiler: Any, **kwargs: Any) -> str:
    column, values = (compiler.process(one, **kwargs) for one in element.clauses)
    return f"{column} = ANY({values})"


def among(column: Any, values: Iterable[Any]) -> Any:
    """Whether a column of whole numbers or of texts holds one of these values; of none, no row."""
    many = _NUMBERS if isinstance(column.type, Integer) else _TEXTS
    return _Among(column, bindparam(None, list(values), type_=many, unique=True))
