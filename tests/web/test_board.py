"""The board: who may see it, what its columns hold, what a poll brings, what it costs."""

from __future__ import annotations

import re
import time
from datetime import timedelta
from html import unescape
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event
from werkzeug.test import TestResponse

from bot.platform import clock
from bot.platform.models import Customer
from bot.platform.signed_links import board_url
from bot.web.board.filter import Filter, FilterConditions
from bot.web.board.live import SharedCache
from bot.web.board.rows import MOST_KEPT, PAGE, read_columns
from tests.support.rows import Rows
from tests.support.sample_board import fill_board
from tests.support.site import CONFIG, Site, open_site

PAGES = ["/", "/board", "/board/changes", "/board/column", "/c/1"]
EVERYTHING = FilterConditions(Filter(), None, None, clock.now())


def stamps(html: str) -> list[str]:
    return re.findall(r'name="seen" value="([^"]+)"', html)


def at(html: str) -> str:
    found = re.search(r'name="at" value="([^"]+)"', html)
    assert found is not None
    return found[1]


def poll(client: FlaskClient, seen: list[str], at: str = "") -> tuple[int, str]:
    answer = client.get("/board/changes", query_string={"seen": seen, "at": at})
    return answer.status_code, answer.text


def heads(html: str) -> list[tuple[str, str]]:
    """Each column's name and count."""
    return re.findall(r'<h2 id="stage-\d+">(.+?)</h2>.*?<span class="count">(\d+)</span>', html, re.DOTALL)


def card(html: str, customer_id: int) -> str:
    found = re.search(rf'<article class="card" id="card-{customer_id}".*?</article>', html, re.DOTALL)
    assert found is not None
    return found[0]


def move(client: FlaskClient, customer_id: int, to: str, serial: int | str = 1) -> TestResponse:
    values = {"pipeline": "课程转化", "to": to, "serial": serial}
    return client.post(f"/c/{customer_id}/move", data=values)


def names(html: str) -> list[str]:
    return re.findall(r'<bdi class="name">(.*?)</bdi>', html)


def more(html: str) -> str | None:
    """The address of the next page of the first column that has one."""
    found = re.search(r'hx-get="(/board/column[^"]+)"', html)
    return unescape(found[1]) if found else None


@pytest.mark.parametrize("path", PAGES)
def test_a_stranger_is_led_to_sign_in(site: Site, path: str) -> None:
    answer = site.app.test_client().get(path)
    assert answer.status_code == 302
    assert answer.location.startswith("/sign-in")


def test_a_link_opens_the_board_and_leaves_the_address(site: Site) -> None:
    client = site.app.test_client()
    answer = client.get(site.board_path())
    assert (answer.status_code, answer.location) == (302, "/board")
    assert client.get("/board").status_code == 200


@pytest.mark.parametrize(
    ("age", "status"), [(timedelta(days=2), 410), (None, 404)], ids=["expired", "not ours"]
)  # fmt: skip
def test_a_link_that_is_over_or_forged_opens_nothing(site: Site, age: timedelta | None, status: int) -> None:
    path = "/board?key=forged" if age is None else board_url("", site.key, clock.now() - age)
    client = site.app.test_client()
    assert client.get(path).status_code == status
    assert client.get("/board").status_code == 302


def test_a_visit_ends_with_its_link(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TICI_CLOCK_FILE", str(tmp_path / "clock"))
    client = site.watcher()
    clock.move_forward(timedelta(hours=23))
    assert client.get("/board").status_code == 200
    clock.move_forward(timedelta(hours=1))
    assert client.get("/board").status_code == 302


def test_columns_stand_in_the_configs_order_with_what_a_card_needs(site: Site) -> None:
    story = fill_board(site)
    html = site.watcher().get("/board").text
    assert heads(html) == [("新线索", "6"), ("考虑价格", "5"), ("成交", "1"), ("流失", "2")]
    shown = card(html, story.asking)
    for text in (
        "李女士",
        "王老师",
        "你们的课多少钱？有优惠吗",
        "高意向",
        "优惠敏感",
        "3 小时",
        f'href="/c/{story.asking}"',
    ):
        assert text in shown
    assert '<span class="chip tag">考虑价格</span>' not in shown  # the column says so already
    assert "首次咨询" not in shown  # carried no more
    assert "最久 1 天" in html


def test_another_pipeline_is_chosen_by_name(site: Site) -> None:
    fill_board(site)
    client = site.watcher()
    html = client.get("/board?pipeline=老客服务").text
    assert heads(html) == [("在读", "1"), ("续费", "0")]
    assert client.get("/board?pipeline=没有").status_code == 404


def test_the_way_back_from_a_customer_leads_to_the_pipeline_one_came_from(site: Site) -> None:
    story = fill_board(site)
    client = site.watcher()
    client.get("/board?pipeline=老客服务")
    back = re.search(r'class="back" href="([^"]+)"', client.get(f"/c/{story.asking}").text)
    assert back is not None
    assert "续费" in client.get(back[1]).text


def test_a_stage_the_config_no_longer_has_is_still_shown(site: Site) -> None:
    with site.store.write() as session:
        Rows(session, clock.now()).customer("老客户", "旧阶段")
    html = site.watcher().get("/board").text
    assert "旧阶段" in html
    assert "已停用" in html
    assert "老客户" in html


def fill(site: Site, count: int, stage: str = "新线索") -> None:
    """Customers a minute apart, the newest first by number; some at the very same moment."""
    with site.store.write() as session:
        rows = Rows(session, clock.now())
        for number in range(count):
            rows.place(rows.customer(f"客{number:03}号", None), stage, ago=timedelta(minutes=number // 3 * 3))


def test_a_column_loads_page_by_page_without_a_gap_or_a_double(site: Site) -> None:
    fill(site, 2 * PAGE + 5)
    client = site.watcher()
    html = client.get("/board").text
    assert heads(html)[0] == ("新线索", str(2 * PAGE + 5))
    found, pages = names(html), 1
    while address := more(html):
        html = client.get(address).text
        found += names(html)
        pages += 1
    assert pages == 3
    assert sorted(found) == [f"客{number:03}号" for number in range(2 * PAGE + 5)]


def test_a_column_brings_what_the_browser_has_of_it_again(site: Site) -> None:
    fill(site, MOST_KEPT + 50)
    client = site.watcher()
    html = client.get("/board").text
    for shown, expected in ((PAGE + 7, PAGE + 7), (MOST_KEPT, MOST_KEPT), (MOST_KEPT + 9, 0)):
        other = ["cards-0:other" if stamp.startswith("cards-0") else stamp for stamp in stamps(html)]
        answer = client.get("/board/changes", query_string={"seen": other, "shown": f"{shown}~新线索"}).text
        assert len(names(answer)) == expected  # a column scrolled further stays as it was


@pytest.mark.parametrize("after", ["", "x", "1.2.3", "9" * 40 + ".1", "-1.1", "1"])
def test_a_wild_place_in_a_column_is_a_400(site: Site, after: str) -> None:
    assert site.watcher().get("/board/column", query_string={"stage": "新线索", "after": after}).status_code == 400


def test_the_number_of_queries_does_not_grow_with_the_customers(site: Site) -> None:
    def cost() -> int:
        asked: list[str] = []
        pipeline = site.system.settings.pipelines[0]
        with site.store.read() as session:
            session.connection()
            event.listen(site.store.engine, "before_cursor_execute", lambda *args: asked.append(args[2]))
            read_columns(session, pipeline, EVERYTHING)
        return len([query for query in asked if query.startswith("SELECT")])

    with site.store.write() as session:
        rows = Rows(session, clock.now())
        rows.customer("一", "新线索", rows.agent())
    few = cost()
    fill_board(site)
    assert cost() == few == 7


def test_a_poll_brings_only_what_changed(site: Site) -> None:
    story = fill_board(site)
    client = site.signed_in()
    html = client.get("/board").text
    seen = stamps(html)
    assert poll(client, seen, at(html)) == (204, "")
    move(client, story.asking, "成交")
    status, html = poll(client, seen, at(html))
    assert status == 200
    found = re.findall(r'hx-swap-oob="innerHTML:#([^"]+)"', html)
    assert found == ["at", "bar", "head-1", "cards-1", "head-2", "cards-2"]
    assert poll(client, seen, at(html))[0] == 204
    fresh = {stamp.partition(":")[0]: stamp for stamp in (*seen, *stamps(html))}
    assert re.findall(r"innerHTML:#([^\"]+)", poll(client, list(fresh.values()))[1]) == ["at"]


def test_what_changes_without_a_new_row_comes_when_everything_is_asked_for(site: Site) -> None:
    """A name that changed leaves no row: the page asks for all once a minute (an empty `at`)."""
    story = fill_board(site)
    client = site.watcher()
    html = client.get("/board").text
    with site.store.write() as session:
        session.get_one(Customer, story.asking).name = "李太太"
    assert poll(client, stamps(html), at(html))[0] == 204
    site.app.extensions["tici-boards"] = SharedCache()  # what is shared holds for a few seconds
    assert "李太太" in poll(client, stamps(html))[1]


def test_a_poll_after_the_config_got_another_stage_asks_for_the_whole_page(site: Site, tmp_path: Path) -> None:
    client = site.watcher()
    seen = stamps(client.get("/board").text)[:-1]
    answer = client.get("/board/changes", query_string={"seen": seen})
    assert answer.headers["HX-Refresh"] == "true"


def test_an_empty_config_teaches_how_to_begin(tmp_path: Path) -> None:
    with open_site(tmp_path, config="") as site:
        html = site.watcher().get("/board").text
    assert "flask init --playbook education" in html


def test_a_config_that_never_was_good_is_a_503_that_says_so(tmp_path: Path) -> None:
    with open_site(tmp_path, config=CONFIG) as site:
        client = site.watcher()
        (tmp_path / "config.toml").write_text("stages = [")
        answer = client.get("/board")
    assert answer.status_code == 503
    assert "flask check" in answer.text


@pytest.mark.parametrize("demo", [False, True])
def test_every_page_carries_its_guards(tmp_path: Path, demo: bool) -> None:
    with open_site(tmp_path, extra={"TICI_DEMO": "1"} if demo else {}) as site:
        fill_board(site)
        for client, path in (
            (site.watcher(), "/board"),
            (site.app.test_client(), "/board"),
            (site.watcher(), "/nil"),
        ):
            headers = client.get(path).headers
            policy = headers["Content-Security-Policy"]
            assert "default-src 'self'" in policy
            assert "unsafe" not in policy
            assert ("http://127.0.0.1:*" in policy) is demo
            assert headers["X-Content-Type-Options"] == "nosniff"
            assert headers["Referrer-Policy"] in ("no-referrer", "same-origin")
            assert headers["Cache-Control"] == "no-store"
        cookie = site.app.test_client().get(site.board_path()).headers["Set-Cookie"]
    assert cookie.startswith("tici=")
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_static_files_may_be_kept_since_their_address_holds_their_hash(site: Site) -> None:
    client = site.watcher()
    found = re.findall(r'"(/static/[^"]+)"', client.get("/board").text)
    assert len(found) >= 6
    for address in found:
        with client.get(address) as answer:
            assert answer.status_code == 200
            assert "immutable" in answer.headers["Cache-Control"]


def test_a_refused_config_is_told_on_the_board_until_it_is_mended(site: Site) -> None:
    client, path = site.signed_in("admin"), site.system.environment.config
    good = path.read_text(encoding="utf-8")
    assert "处错误" not in client.get("/board").text
    for text, told in ((good.replace("any =", "anny ="), True), (good, False)):
        path.write_text(text, encoding="utf-8")
        ends = time.monotonic() + 20  # ten times as long as it takes at most
        page = client.get("/board").text
        while ("处错误" in page) is not told and time.monotonic() < ends:
            time.sleep(0.1)
            page = client.get("/board").text
        assert ("处错误" in page) is told
        assert ("anny" in page) is told
        assert "处错误" not in site.watcher().get("/board").text  # who cannot mend it is not told
