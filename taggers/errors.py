"""Errors of a rule book: every problem at once, each with its place in config.toml."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RuleError:
    """One problem. `where` is the path in config.toml, such as ("rules", 3, "any", 0)."""

    where: tuple[str | int, ...]
    message: str

    def __str__(self) -> str:
        path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.where).lstrip(".")
        return f"{path}：{self.message}"


class RuleBookError(Exception):
    """A rule book that cannot be used, with all that is wrong with it."""

    def __init__(self, errors: Iterable[RuleError]) -> None:
        self.errors = tuple(errors)
        super().__init__("\n".join(str(error) for error in self.errors))
