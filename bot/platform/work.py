"""Work: one piece of work in one transaction: its session, config and time, and what it leaves to be sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.platform.batch import Batch
from bot.platform.config.settings import Settings
from bot.platform.database.store import insert_new
from bot.platform.database.write_rows import write_rows
from bot.platform.models import Outbox

WORK = "work"  # in session.info: the Work that a session is of
LONGEST_KEY = 120  # characters of outbox.key


@dataclass(frozen=True)
class About:
    """Whom an outbox row concerns; each may be missing."""

    customer_id: int | None = None
    agent_id: int | None = None
    task_id: int | None = None


NOBODY = About()


@dataclass(frozen=True)
class Work:
    """One piece of work: its session, the config in force, and the moment it was begun.

    `System.work()` opens one, commits it, and only then enqueues what it collected; `System.look()` opens one that
    only reads. batch: where much is decided before anything is written (bot.platform.batch).
    """

    session: Session
    settings: Settings
    now: datetime
    leaving: list[Outbox] = field(default_factory=list)
    jobs: set[str] = field(default_factory=set)
    batch: Batch | None = None

    def send(self, kind: str, key: str, payload: Mapping[str, Any], about: About = NOBODY) -> Outbox:
        """Write an outbox row in this transaction. `key` is unique: the same key a second time fails the commit.

        To have it sent later, or not after some moment, set `not_before` or `deadline` of the row.
        """
        row = Outbox(**self._row(kind, key, payload, about))
        self.session.add(row)
        self.leaving.append(row)
        return row

    def send_once(self, kind: str, key: str, payload: Mapping[str, Any], about: About = NOBODY) -> Outbox | None:
        """As `send`, but None, and nothing written, where a row with this key exists."""
        if not insert_new(self.session, Outbox, [self._row(kind, key, payload, about)], ["key"]):
            return None
        row = self.session.scalars(select(Outbox).where(Outbox.key == key[:LONGEST_KEY])).one()
        self.leaving.append(row)
        return row

    def write(self) -> None:
        """Have the database know what was decided so far, unless that is left to the end of a batch."""
        if self.batch is None:
            self.session.flush()

    def write_all(self) -> None:
        """Have the database know it also in the midst of a batch: what it is asked next depends on it."""
        if self.batch is None:
            self.session.flush()
        else:
            write_rows(self.session)

    def _row(self, kind: str, key: str, payload: Mapping[str, Any], about: About) -> dict[str, Any]:
        times = {"created_at": self.now, "not_before": self.now}
        return {
            "kind": kind,
            "key": key[:LONGEST_KEY],
            "state": "waiting",
            "payload": dict(payload),
            **vars(about),
            **times,
        }

    def wake(self, job: str) -> None:
        """Have a job run once this is committed."""
        self.jobs.add(job)

    @property
    def outbox_ids(self) -> list[int]:
        """Ids of the rows to deliver now; only known after a flush."""
        return [row.id for row in self.leaving if row.state == "waiting" and row.not_before <= self.now]
