"""Revisits: asked for once a working day, shown to be done by the archive, and kept with what came of them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from bot.agents.own_follow_ups import end
from bot.agents.revisits import note_outcome, plan_revisits, untold_of
from bot.platform.config.settings import parse_settings
from bot.platform.database.store import Store
from bot.platform.models import Customer, Follow, OwnFollowUp, Portrait, Status
from bot.platform.work import Work
from tests.intake.test_batch_cost import counted
from tests.support.archived import NOW, Archived
from tests.support.rows import Rows

CONFIG = """
[models.quality]
revisit = "30d"
per_day = 2
"""
MORNING = NOW.replace(hour=1, minute=5)  # 09:05 at the place of the config, on the day of NOW
DAY = timedelta(days=1)


@pytest.fixture
def archived(store: Store) -> Archived:
    return Archived(store, parse_settings(CONFIG, examples=False))


def people(archived: Archived, number: int, **values: object) -> list[int]:
    """So many customers of one agent, on the list, to whom nobody wrote for 40 days."""
    with archived.store.write() as session:
        rows = Rows(session, NOW - 90 * DAY)
        agent = rows.agent()
        made = [rows.customer(f"客户{n}", None, agent, said_to_at=NOW - 40 * DAY) for n in range(number)]
        session.add_all(
            Portrait(customer_id=one.id, **{"at": NOW, "listed": True, "target": "符合画像", **values})
            for one in made
        )
        return [one.id for one in made]


def plan(archived: Archived, later: timedelta = timedelta(0)) -> int:
    with archived.store.write() as session:
        return plan_revisits(Work(session, archived.settings, MORNING + later))


def visits(archived: Archived, state: str = "open") -> list[OwnFollowUp]:
    return list(archived.rows(OwnFollowUp, OwnFollowUp.state == state))


def test_the_days_revisits_are_written_down_once_and_no_more_than_an_agent_can_do(archived: Archived) -> None:
    first, second, third = people(archived, 3)
    with archived.store.write() as session:
        session.execute(update(Portrait).where(Portrait.customer_id == third).values(target="在名单里"))
    assert plan(archived, -timedelta(hours=3)) == 0  # before the hour of the day's list
    assert plan(archived) == 2
    assert plan(archived) == 0
    assert [(row.customer_id, row.kind, row.words) for row in visits(archived)] == [
        (third, "revisit", "回访"), (first, "revisit", "回访"),
    ]  # fmt: skip
    assert all(MORNING < row.due_at < MORNING + timedelta(hours=9) for row in visits(archived))
    with archived.store.write() as session:
        session.execute(update(Status).where(Status.name == "revisits").values(value={"day": "2000-01-01"}))
    assert plan(archived) == 0  # two are open: no more before they are done
    with archived.store.write() as session:
        for row in session.scalars(select(OwnFollowUp)):
            end(row, MORNING, "hand")
        session.execute(update(Status).where(Status.name == "revisits").values(value={"day": "2000-01-01"}))
    assert plan(archived) == 1
    assert [row.customer_id for row in visits(archived)] == [second]


@pytest.mark.parametrize(
    "why", ["said lately", "left in peace", "unlisted", "nobody's", "visited lately", "without revisit"]
)
def test_who_is_not_looked_in_on(archived: Archived, why: str) -> None:
    (one,) = people(archived, 1, listed=why != "unlisted")
    with archived.store.write() as session:
        customer = session.get_one(Customer, one)
        if why == "said lately":
            customer.said_to_at = NOW - 29 * DAY
        if why == "left in peace":
            customer.opted_out_at = NOW
        (follow,) = session.scalars(select(Follow))
        if why == "nobody's":
            follow.ended_at = NOW
        if why == "visited lately":
            at = NOW - 29 * DAY
            session.add(
                OwnFollowUp(agent_id=follow.agent_id, customer_id=one, due_at=at, created_at=at, state="done",
                            kind="revisit")
            )  # fmt: skip
    if why == "without revisit":
        archived.settings = parse_settings("", examples=False)
    assert plan(archived) == 0


def test_a_revisit_of_who_left_the_list_is_dropped(archived: Archived) -> None:
    people(archived, 1)
    plan(archived)
    with archived.store.write() as session:
        session.execute(update(Portrait).values(listed=False))
        session.execute(update(Status).where(Status.name == "revisits").values(value={"day": "2000-01-01"}))
    assert plan(archived) == 0
    (row,) = visits(archived, "dropped")
    assert row.ended_by == "list"


def test_what_came_of_it_is_kept_and_asked_for_until_somebody_says(archived: Archived) -> None:
    people(archived, 1)
    plan(archived)
    with archived.store.write() as session:
        (row,) = session.scalars(select(OwnFollowUp))
        assert untold_of(session, row.agent_id, row.customer_id, NOW - DAY) is None  # it is not done
        end(row, MORNING, "evidence")
        session.flush()
        assert untold_of(session, row.agent_id, row.customer_id, NOW - DAY) is row
        with pytest.raises(ValueError, match="no such outcome"):
            note_outcome(row, "nonsense", MORNING)
        note_outcome(row, "lead", MORNING)
        session.flush()
        assert untold_of(session, row.agent_id, row.customer_id, NOW - DAY) is None
        assert (row.outcome, row.ended_by) == ("lead", "evidence")


def test_statements_do_not_grow_with_the_list(archived: Archived) -> None:
    people(archived, 3)
    with counted(archived.store) as few:
        plan(archived)
    people(archived, 40)
    with archived.store.write() as session:
        session.execute(update(Status).where(Status.name == "revisits").values(value={"day": "2000-01-01"}))
    with counted(archived.store) as many:
        plan(archived)
    assert len(many) <= len(few) + 2
