"""Problem of a playbook: something to mend, and where in config.toml it stands."""

from __future__ import annotations

from dataclasses import dataclass

Where = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class PlaybookProblem:
    """Something to mend: `where` is the path in config.toml, such as ("pipelines", 0, "moves", 1, "to")."""

    where: Where
    message: str
