"""The board says who waits for an answer, for how long in working time, and shows them alone when asked."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.platform import clock
from bot.platform.models import Follow
from bot.web.board import waiting_first
from tests.support.rows import Rows
from tests.support.sample_board import fill_board
from tests.support.site import Site


def test_a_card_says_how_long_its_customer_waits_and_the_filter_finds_it(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TICI_CLOCK_FILE", str(tmp_path / "clock"))
    night = datetime.fromisoformat("2031-03-05T20:50:00+08:00")
    clock.move_forward(datetime.fromisoformat("2031-03-06T09:15:00+08:00") - clock.now())
    story = fill_board(site)
    with site.store.write() as session:
        follow = session.scalars(select(Follow).where(Follow.customer_id == story.asking)).one()
        follow.waiting_since = night
    board = site.watcher().get("/board").text
    assert len(re.findall(r"等了 \d+ 分钟", board)) == 1
    assert "等了 25 分钟" in board
    alone = site.watcher().get("/board?waiting=1").text
    assert re.findall(r'id="card-(\d+)"', alone) == [str(story.asking)]


@pytest.mark.parametrize("at_once", [waiting_first.AT_ONCE, 3])
def test_columns_sorted_by_waiting_have_the_longest_first_page_after_page(
    site: Site, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    """Whether those who wait longest fill the columns, or all who wait are ranked."""
    monkeypatch.setattr(waiting_first, "AT_ONCE", at_once)
    now = clock.now()
    with site.store.write() as session:
        rows = Rows(session, now)
        agent = rows.agent()
        for number in range(50):
            customer = rows.customer(f"客户{number:02}", None, agent)
            rows.place(customer, "新线索", ago=timedelta(hours=number))
            if number % 2:
                follow = session.scalars(select(Follow).where(Follow.customer_id == customer.id)).one()
                follow.waiting_since = now - timedelta(hours=number)
    browser, seen = site.watcher(), list[str]()
    page = browser.get("/board?sort=waiting").text.partition("</section>")[0]
    for _ in range(5):
        seen += re.findall(r'<bdi class="name">客户(\d+)</bdi>', page)
        more = re.search(r'hx-get="(/board/column[^"]+)"', page)
        page = browser.get(more[1].replace("&amp;", "&")).text if more else ""
    assert seen == [f"{n:02}" for n in (*range(49, 0, -2), *range(0, 50, 2))]
    alone = browser.get("/board?sort=waiting&waiting=1").text
    assert re.findall(r'<bdi class="name">客户(\d+)</bdi>', alone)[:3] == ["49", "47", "45"]
