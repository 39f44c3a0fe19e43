"""Measuring the pages: on made-up customers alone, every page really there, and nothing of it left behind."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from bot.commands.bench import pages
from bot.commands.bench.seeding import SeedSize, seed
from bot.platform import clock
from bot.platform.models import Account
from tests.support.site import Site
from tests.web.test_access import SOP


def test_real_customers_are_left_alone(site: Site) -> None:
    with pytest.raises(pages.NotSeededError):
        pages.run(site.app, 1, lambda: None)


def test_every_page_is_measured_and_the_visitors_leave(site: Site) -> None:
    path = site.system.environment.config
    path.write_text(path.read_text(encoding="utf-8") + SOP, encoding="utf-8")
    seed(site.store, site.system.settings, SeedSize(20, 100, 3), clock.now(), lambda done: None)
    asked: list[None] = []
    weights = pages.run(site.app, 2, lambda: asked.append(None))
    assert len(weights.timings) == len(asked) == pages.count()
    assert (weights.customers, weights.messages > 20, weights.database) == (20, True, "sqlite")
    assert all(0 < timing.p50 <= timing.p95 <= timing.most for timing in weights.timings)
    assert 50_000 < weights.first_board < pages.MOST_BYTES
    with site.store.read() as session:
        assert session.scalar(select(func.count()).select_from(Account)) == 0


def test_a_slow_page_or_a_heavy_board_does_not_hold() -> None:
    def weights(p95: float, board: int) -> pages.PageMeasurements:
        timing = pages.Timing("x", 1, p95, 500, 1)
        return pages.PageMeasurements(1, 1, "sqlite", (timing,), board, {})

    assert weights(150, 300 * 1024).holds
    assert not weights(151, 1000).holds
    assert not weights(10, 300 * 1024 + 1).holds
