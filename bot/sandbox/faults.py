"""Staged failures: which calls fail, how, and how often."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase

from bot.sandbox.state import Sandbox


@dataclass(frozen=True)
class Fault:
    """One staged failure.

    errcode: answered instead of doing the work. status, text: a bare HTTP answer (500, or 200 that is not JSON).
    delay: seconds of silence first. after: the work is done and only its answer is lost.
    """

    errcode: int | None = None
    status: int | None = None
    text: str = ""
    delay: float = 0.0
    after: bool = False

    def cuts_before(self) -> bool:
        return not self.after and (self.status is not None or bool(self.text))


NO_FAULT = Fault()


def add_fault(sandbox: Sandbox, path: str, fault: Fault, times: int = 1) -> int:
    """Stage a failure for the next `times` calls (-1: until removed) whose path matches (`externalcontact/*`)."""
    return sandbox.ledger.add(
        "INSERT INTO faults (path, plan, times) VALUES (?, ?, ?)", path, json.dumps(asdict(fault)), times
    )


def clear_faults(sandbox: Sandbox) -> int:
    return sandbox.ledger.run("DELETE FROM faults")


def take_fault(sandbox: Sandbox, path: str) -> Fault:
    """The oldest failure staged for this path, its count reduced by one."""
    ledger = sandbox.ledger
    with ledger.transaction():
        for row in ledger.rows("SELECT * FROM faults WHERE times <> 0 ORDER BY id"):
            if fnmatchcase(path, row["path"]):
                if row["times"] > 0:
                    ledger.run("UPDATE faults SET times = times - 1 WHERE id = ?", row["id"])
                return Fault(**json.loads(row["plan"]))
    return NO_FAULT
