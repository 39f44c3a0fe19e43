"""RFM and lifecycle beside an independent computation in pandas, on generated orders."""

from __future__ import annotations

import random  # noqa: TID251 - orders by a seed
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from taggers.models.lifecycle import phase_of
from taggers.models.records import Known, Order
from taggers.models.rfm import bounds_of, grade, measure
from taggers.models.terms import LifecycleTerms, RfmTerms

pandas = pytest.importorskip("pandas", reason="in tests/requirements.txt; make setup-tests installs it")
NOW = datetime(2026, 6, 30, 4, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Shanghai")
RFM, LIFE = RfmTerms(), LifecycleTerms(mature=4, asleep_after=timedelta(days=20), gone_after=timedelta(days=70))


@pytest.fixture(scope="module", params=range(5))
def bought(request: pytest.FixtureRequest) -> dict[int, tuple[Order, ...]]:
    """By customer: some buy often, some once, some long ago; nothing at the edge of a window."""
    chance, found = random.Random(request.param), {}
    for who in range(200):
        span, times = chance.choice((10, 40, 120, 400)), chance.choice((1, 2, 5, 12, 30))
        found[who] = tuple(
            Order(chance.randrange(1, 500_000), NOW - timedelta(days=span * chance.random(), seconds=7), ref=f"{n}")
            for n in range(times)
        )
    return found


def frame(bought: dict[int, tuple[Order, ...]]) -> Any:
    rows = [(who, one.paid_at, one.amount) for who, orders in bought.items() for one in orders]
    table = pandas.DataFrame(rows, columns=["who", "at", "fen"])
    return table.assign(age=(NOW - table["at"]).dt.total_seconds() / 86_400)


def test_rfm_is_what_pandas_finds(bought: dict[int, tuple[Order, ...]]) -> None:
    table = frame(bought)
    lately = table[table.age < RFM.window.days].groupby("who")
    measured = pandas.DataFrame({"age": table.groupby("who").age.min()})
    measured["times"] = lately.size().reindex(measured.index, fill_value=0)
    measured["fen"] = lately.fen.sum().reindex(measured.index, fill_value=0)
    steps = [k / RFM.grades for k in range(1, RFM.grades)]
    cuts = measured.quantile(steps, interpolation="lower")
    beyond = {name: sum((measured[name] > cut).astype(int) for cut in cuts[name]) for name in measured}
    wanted = pandas.DataFrame({"r": RFM.grades - beyond["age"], "f": 1 + beyond["times"], "m": 1 + beyond["fen"]})
    found = {who: measure(Known(orders=orders), RFM, NOW, ZONE) for who, orders in bought.items()}
    bounds = bounds_of([one for one in found.values() if one], RFM, NOW)["orders"]
    ours = {who: grade(one, bounds, NOW) for who, one in found.items() if one}
    assert {who: (one.r, one.f, one.m) for who, one in ours.items()} == {
        row.Index: (row.r, row.f, row.m) for row in wanted.itertuples()
    }
    assert len({one.cell for one in ours.values()}) > 20


def test_lifecycle_is_what_pandas_finds(bought: dict[int, tuple[Order, ...]]) -> None:
    table = frame(bought)
    by = table.groupby("who")
    said = pandas.DataFrame({"age": by.age.min(), "all": by.size()})
    said["lately"] = table[table.age < 30].groupby("who").size().reindex(said.index, fill_value=0)
    said["before"] = table[table.age.between(30, 60)].groupby("who").size().reindex(said.index, fill_value=0)
    said["phase"] = "获取"
    said.loc[said["all"] > 1, "phase"] = "提升"
    said.loc[said.lately >= LIFE.mature, "phase"] = "成熟"
    fell = (said.before >= LIFE.mature) & (said.lately < LIFE.drop * said.before)
    said.loc[fell | (said.age >= LIFE.asleep_after.days), "phase"] = "衰退"
    said.loc[said.age >= LIFE.gone_after.days, "phase"] = "离开"
    ours = {who: str(phase_of(Known(orders=orders), LIFE, NOW, ZONE).phase) for who, orders in bought.items()}
    assert ours == said.phase.to_dict()
    assert set(ours.values()) == {"获取", "提升", "成熟", "衰退", "离开"}
