"""`flask seed`: fills an empty database with made-up customers, so that pages are tried and timed at full size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from bot.commands.bench.seeded_customer import CustomerMaker, RowBatch, SeededAgent, made_up_name
from bot.platform.config.settings import Settings
from bot.platform.database.search_index import index_names
from bot.platform.database.store import Store
from bot.platform.models import Agent, ArchiveCursor, Customer
from bot.wecom.errors import BotError

AT_ONCE = 500  # customers in one transaction


class NotEmptyError(BotError):
    """The database already holds customers: made-up rows must never stand among real ones."""


@dataclass(frozen=True)
class SeedSize:
    """How much to make up; messages: about so many in all."""

    customers: int
    messages: int
    agents: int


def seed(store: Store, settings: Settings, size: SeedSize, now: datetime, advance: Callable[[int], object]) -> None:
    """Write the rows; `advance` is told of every portion of customers. Raises NotEmptyError."""
    with store.write() as session:
        if session.scalar(select(Customer.id).limit(1)) is not None:
            raise NotEmptyError
        agents = _agents(session, size.agents, now)
    maker = CustomerMaker(settings, agents, max(size.messages // max(size.customers, 1), 1), now)
    for first in range(1, size.customers + 1, AT_ONCE):
        numbers = range(first, min(first + AT_ONCE, size.customers + 1))
        batch = RowBatch()
        for number in numbers:
            maker.add_customer(batch, number)
        with store.write() as session:
            batch.write(session)
            index_names(session, numbers)  # by hand: the ORM, which otherwise does it, does not see these rows
        advance(len(numbers))
    with store.write() as session:
        session.add(ArchiveCursor(corp_id="seed", seq=maker.seq, attempts=0, pulled_at=now))
    _analyse(store)


def _agents(session: Session, count: int, now: datetime) -> list[SeededAgent]:
    for number in range(1, count + 1):
        userid = f"Seed{number:04}"
        session.add(
            Agent(key=userid.casefold(), userid=userid, name=made_up_name(number * 7), departments=[number % 5 + 2],
                  created_at=now - timedelta(days=100))
        )  # fmt: skip
    session.flush()
    rows = session.execute(select(Agent.id, Agent.userid, Agent.name).order_by(Agent.id))
    return [SeededAgent(row.id, row.userid, row.name) for row in rows]


def _analyse(store: Store) -> None:
    """Tell the database how full its tables are (PostgreSQL plans by that), and where to go on numbering."""
    with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if connection.dialect.name == "postgresql":
            for name in ("customer", "message", "sop_enrolment"):
                connection.execute(
                    text(f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), max(id)) FROM {name}")  # noqa: S608
                )
        connection.execute(text("ANALYZE"))
