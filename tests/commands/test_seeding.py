"""A seeded database looks like one that grew: every invariant holds, and the same call gives the same rows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from bot.commands.bench.seeding import NotEmptyError, SeedSize, seed
from bot.ops.consistency import audit
from bot.platform import clock
from bot.platform.database.search_index import named
from bot.platform.environment import read_environment
from bot.platform.models import Customer, Evidence, Message, Placement, SopTask, StageMove
from bot.system import System
from tests.support.fresh import bring_up


@pytest.fixture
def seeded(tmp_path: Path, database_url: str) -> Iterator[System]:
    system = System(read_environment({"TICI_VAR": str(tmp_path), "TICI_DATABASE_URL": database_url}))
    bring_up(system.store.engine)
    seed(system.store, system.settings, SeedSize(60, 1200, 5), clock.now(), lambda done: None)
    yield system
    system.store.close()


def test_the_rows_fit_together(seeded: System) -> None:
    with seeded.store.read() as session:
        for model, least in ((Message, 900), (Evidence, 100), (Placement, 60), (StageMove, 100), (SopTask, 50)):
            assert (session.scalar(select(func.count()).select_from(model)) or 0) >= least, model
        stages = session.scalars(select(Placement.stage).distinct()).all()
        assert len(stages) > 4
    assert audit(seeded.store, clock.now()) == []


def test_customers_say_what_brought_them_to_their_stages(seeded: System) -> None:
    """Each move by a tag has its words seconds before it, judged by the config's own rules."""
    stages = {stage.name: stage for pipeline in seeded.settings.pipelines for stage in pipeline.stages}
    heard = {rule.tag for rule in seeded.settings.tables.rules if rule.from_ != "agent"}
    with seeded.store.read() as session:
        moves = session.scalars(select(StageMove).where(StageMove.serial > 1)).all()
        moves = [move for move in moves if heard & set(stages[move.to_stage].entered_by)]
        assert len(moves) > 20
        for move in moves:
            told = select(Evidence.tag).where(
                Evidence.customer_id == move.customer_id,
                Evidence.hit_at.between(move.moved_at - timedelta(seconds=5), move.moved_at),
            )
            assert set(stages[move.to_stage].entered_by) & set(session.scalars(told)), move.to_stage


def test_the_made_up_are_found_by_their_names(seeded: System) -> None:
    """Or the pages' times would be measured on a search that finds nobody."""
    with seeded.store.read() as session:
        name = session.scalar(select(Customer.name).where(Customer.id == 7))
        assert name is not None
        assert 7 in session.scalars(named(name)).all()


def test_new_rows_are_numbered_after_the_seeded(seeded: System) -> None:
    with seeded.store.write() as session:
        session.add(Customer(external_userid="wmNew", name="新客户", created_at=clock.now() - timedelta(days=1)))
        session.flush()
        assert session.scalar(select(func.max(Customer.id))) == 61


def test_made_up_customers_never_join_real_ones(seeded: System) -> None:
    with pytest.raises(NotEmptyError):
        seed(seeded.store, seeded.settings, SeedSize(1, 1, 1), clock.now(), lambda done: None)
