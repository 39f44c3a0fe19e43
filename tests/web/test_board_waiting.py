"""The board says who waits for an answer, for how long in working time; its presets and the orders of its columns."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.platform import clock
from bot.platform.models import Agent, Customer, Follow
from bot.web.board import sorting
from bot.web.board.orders import ORDERS
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


def give(session: Session, rows: Rows, customer: Customer, agent: Agent, number: int) -> None:
    """The higher the number, the earlier the customer stands in every order."""
    before = rows.now - timedelta(hours=number)
    session.scalars(select(Follow).where(Follow.customer_id == customer.id)).one().waiting_since = before
    rows.task(customer, agent, "您好", steps=2, due_at=before)
    customer.conversion, customer.last_word_at = number, rows.now - timedelta(hours=50 - number)


@pytest.mark.parametrize("at_once", [sorting.AT_ONCE, 3])
@pytest.mark.parametrize("sort", ORDERS)
def test_sorted_columns_have_the_first_of_all_page_after_page_and_the_others_behind(
    site: Site, monkeypatch: pytest.MonkeyPatch, at_once: int, sort: str
) -> None:
    """Whether the first of all fill the columns, or the column is ranked."""
    monkeypatch.setattr(sorting, "AT_ONCE", at_once)
    now = clock.now()
    with site.store.write() as session:
        rows = Rows(session, now)
        agent = rows.agent()
        for number in range(50):
            customer = rows.customer(f"客户{number:02}", None, agent)
            rows.place(customer, "新线索", ago=timedelta(hours=number))
            if number % 2:
                give(session, rows, customer, agent, number)
        late = rows.customer("客户99", "考虑价格", agent)  # in a column that is fetched whole
        give(session, rows, late, agent, 50)
        rows.customer("客户98", "考虑价格", agent)
    browser, seen = site.watcher(), list[str]()
    html = browser.get(f"/board?sort={sort}").text
    page = html.partition("</section>")[0]
    for _ in range(5):
        seen += re.findall(r'<bdi class="name">客户(\d+)</bdi>', page)
        more = re.search(r'hx-get="(/board/column[^"]+)"', page)
        page = browser.get(more[1].replace("&amp;", "&")).text if more else ""
    assert seen == [f"{n:02}" for n in (*range(49, 0, -2), *range(0, 50, 2))]
    assert re.findall(r'<bdi class="name">客户(9\d)</bdi>', html) == ["99", "98"]
    alone = browser.get(f"/board?sort={sort}&waiting=1").text
    assert re.findall(r'<bdi class="name">客户(\d+)</bdi>', alone)[:3] == ["49", "47", "45"]


def test_each_preset_is_a_chip_that_finds_its_own_and_goes_off_again(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TICI_CLOCK_FILE", str(tmp_path / "clock"))
    clock.move_forward(datetime.fromisoformat("2031-03-06T09:15:00+08:00") - clock.now())
    now, hour, day = clock.now(), timedelta(hours=1), timedelta(days=1)
    with site.store.write() as session:
        rows = Rows(session, now)
        agent = rows.agent()
        people = {name: rows.customer(name, agent=agent) for name in ("等", "今", "昨", "热", "问", "凉")}
        session.scalars(select(Follow).where(Follow.customer_id == people["等"].id)).one().waiting_since = now - hour
        rows.task(people["今"], agent, "您好", due_at=now + 14 * hour)
        rows.task(people["昨"], agent, "您好", due_at=now - day)
        rows.task(people["凉"], agent, "您好", due_at=now + 15 * hour)  # tomorrow, where they are
        rows.task(people["凉"], agent, "您好", due_at=now - day, state="completed")
        people["热"].conversion = people["问"].conversion = 30
        people["热"].said_to_at, people["问"].said_to_at = now - 4 * day, now - day
    browser, found = site.watcher(), dict[str, list[str]]()
    plain = browser.get("/board").text
    for address, title in re.findall(r'<a class="chip" href="([^"]+)" title="[^"]+">(.+?)</a>', plain):
        html = browser.get(address.replace("&amp;", "&")).text
        found[title] = re.findall(r'<bdi class="name">(.+?)</bdi>', html)
        on = re.findall(r'<a class="chip busy" href="([^"]+)" title="[^"]+" aria-current="true">(.+?)</a>', html)
        assert [name for _, name in on] == [title]
        assert "waiting" not in on[0][0]
        assert "sort" not in on[0][0]
    assert found == {"等回复": ["等"], "今日到期": ["今"], "逾期": ["昨"], "高意向未跟进": ["热"]}
