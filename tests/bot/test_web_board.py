"""The board: who may see it, what its columns hold, what a poll brings, what it costs."""

from __future__ import annotations

import re
import time
from datetime import timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event

from bot import clock
from bot.links import board_url
from bot.models import Placement
from bot.web.board_rows import NEWEST, read_columns
from tests.bot.rows import Rows
from tests.bot.site import CONFIG, Site, open_site
from tests.bot.story import tell

PAGES = ["/", "/board", "/board/changes", "/c/1"]


def stamps(html: str) -> list[str]:
    return re.findall(r'name="seen" value="([^"]+)"', html)


def poll(client: FlaskClient, seen: list[str]) -> tuple[int, str]:
    answer = client.get("/board/changes", query_string={"seen": seen})
    return answer.status_code, answer.text


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
    story = tell(site)
    html = site.watcher().get("/board").text
    heads = re.findall(r"<h2>(.+?)</h2><span class=\"count\">(\d+)</span>", html)
    assert heads == [("新线索", "6"), ("考虑价格", "5"), ("成交", "1"), ("流失", "2")]
    card = re.search(rf'<a class="card" href="/c/{story.asking}">.*?</a>', html, re.DOTALL)
    assert card is not None
    for shown in ("李女士", "王老师", "你们的课多少钱？有优惠吗", "高意向", "优惠敏感", "3 小时"):
        assert shown in card[0]
    assert '<span class="chip tag">考虑价格</span>' not in card[0]  # the column says so already
    assert "首次咨询" not in card[0]  # carried no more


def test_another_pipeline_is_chosen_by_name(site: Site) -> None:
    tell(site)
    client = site.watcher()
    html = client.get("/board?pipeline=老客服务").text
    assert re.findall(r"<h2>(.+?)</h2>", html) == ["在读", "续费"]
    assert client.get("/board?pipeline=没有").status_code == 404


def test_the_way_back_from_a_customer_leads_to_the_pipeline_one_came_from(site: Site) -> None:
    story = tell(site)
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


def test_a_column_shows_its_newest_and_counts_all(site: Site) -> None:
    with site.store.write() as session:
        rows = Rows(session, clock.now())
        for number in range(NEWEST + 5):
            rows.place(rows.customer(f"客{number:02}号", None), "新线索", ago=timedelta(minutes=number))
    html = site.watcher().get("/board").text
    assert f'<span class="count">{NEWEST + 5}</span>' in html
    assert "客00号" in html
    assert f"客{NEWEST - 1}号" in html
    assert f"客{NEWEST}号" not in html
    assert f"只显示最新的 {NEWEST} 位" in html


def test_the_number_of_queries_does_not_grow_with_the_customers(site: Site) -> None:
    def cost() -> int:
        asked: list[str] = []
        pipeline = site.system.settings.pipelines[0]
        with site.store.read() as session:
            session.connection()
            event.listen(site.store.engine, "before_cursor_execute", lambda *args: asked.append(args[2]))
            read_columns(session, pipeline)
        return len([query for query in asked if query.startswith("SELECT")])

    with site.store.write() as session:
        rows = Rows(session, clock.now())
        rows.customer("一", "新线索", rows.agent())
    few = cost()
    tell(site)
    assert cost() == few == 5


def test_a_poll_brings_only_what_changed(site: Site) -> None:
    story = tell(site)
    client = site.watcher()
    seen = stamps(client.get("/board").text)
    assert poll(client, seen) == (204, "")
    with site.store.write() as session:
        placement = session.query(Placement).filter_by(customer_id=story.asking, pipeline="课程转化").one()
        placement.stage, placement.entered_at = "成交", clock.now()
    status, html = poll(client, seen)
    assert status == 200
    assert re.findall(r'<section id="([^"]+)"[^>]*hx-swap-oob="true"', html) == ["bar", "column-1", "column-2"]
    fresh = {stamp.partition(":")[0]: stamp for stamp in (*seen, *stamps(html))}
    assert poll(client, list(fresh.values()))[0] == 204


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
        tell(site)
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
            assert headers["Referrer-Policy"] == "no-referrer"
            assert headers["Cache-Control"] == "no-store"
        cookie = site.app.test_client().get(site.board_path()).headers["Set-Cookie"]
    assert cookie.startswith("tici=")
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_static_files_may_be_kept_since_their_address_holds_their_hash(site: Site) -> None:
    client = site.watcher()
    found = re.findall(r'"(/static/[^"]+)"', client.get("/board").text)
    assert len(found) == 4
    for address in found:
        with client.get(address) as answer:
            assert answer.status_code == 200
            assert "immutable" in answer.headers["Cache-Control"]


def test_a_refused_config_is_told_on_the_board_until_it_is_mended(site: Site) -> None:
    client, path = site.watcher(), site.system.environment.config
    good = path.read_text(encoding="utf-8")
    assert "处错误" not in client.get("/board").text
    for text, told in ((good.replace("any =", "anny ="), True), (good, False)):
        path.write_text(text, encoding="utf-8")
        ends = time.monotonic() + 2  # every process takes (or refuses) an edited file within two seconds
        page = client.get("/board").text
        while ("处错误" in page) is not told and time.monotonic() < ends:
            time.sleep(0.1)
            page = client.get("/board").text
        assert ("处错误" in page) is told
        assert ("anny" in page) is told
