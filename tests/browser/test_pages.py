"""The pages in a real browser, wide and on a phone: nothing broken, nothing foreign, nothing hostile alive."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from bot.analytics import reports
from bot.platform import clock
from bot.platform.models import Agent, Customer, Placement, SopTask
from bot.platform.signed_links import board_url, task_url
from bot.web.board import live
from tests.browser.conftest import Served
from tests.browser.looking import fits, is_whole
from tests.browser.test_board import move_elsewhere
from tests.support.rows import Rows

WIDTHS = {"desk": {"width": 1440, "height": 900}, "phone": {"width": 375, "height": 760}}


@pytest.fixture(params=WIDTHS)
def context(request: pytest.FixtureRequest, chromium: Browser) -> Iterator[BrowserContext]:
    """A fresh browser of one width."""
    context = chromium.new_context(viewport=WIDTHS[request.param], permissions=["clipboard-read", "clipboard-write"])  # type: ignore[arg-type]
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext, served: Served) -> Iterator[Page]:
    """A page that must stay without console errors, policy violations and requests to elsewhere."""
    page = context.new_page()
    troubles: list[str] = []
    page.on(
        "console", lambda message: troubles.append(message.text) if message.type in ("error", "warning") else None
    )
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("request", lambda asked: None if asked.url.startswith(served.url) else troubles.append(asked.url))
    page.on("dialog", lambda dialog: troubles.append(f"dialog: {dialog.message}"))
    yield page
    assert troubles == []


def look(page: Page, path: str) -> None:
    """Open a page and see that it fits and that nothing hostile came alive."""
    answer = page.goto(path)
    assert answer is not None
    assert answer.status == 200
    assert page.evaluate("window.hacked") is None
    assert page.locator("main img").count() == 0
    fits(page)


def open_board(page: Page, served: Served) -> None:
    look(page, served.url + served.site.board_path())
    assert page.url == f"{served.url}/board"


def test_from_the_board_to_a_customer_and_back(page: Page, served: Served) -> None:
    open_board(page, served)
    page.get_by_text("李女士").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("李女士")
    mark = page.locator("mark", has_text="多少钱")
    assert mark.get_attribute("title") == "ask-price: 命中 多少钱 → 价格；非否定；疑问句"
    page.locator("a.back").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("看板")


def test_a_phone_begins_at_the_first_column_where_somebody_is(page: Page, served: Served) -> None:
    open_board(page, served)
    look(page, f"{served.url}/board?q=李女士")
    expect(page.locator(".card")).to_have_count(1)
    expect(page.locator(".card")).to_be_in_viewport(ratio=0.9)


def test_the_board_follows_what_happens_without_a_reload(page: Page, served: Served) -> None:
    open_board(page, served)
    page.evaluate("window.same = true")
    move_elsewhere(served, served.story.asking, "成交")
    won = page.locator("section", has=page.get_by_role("heading", name="成交"))
    expect(won.get_by_text("李女士")).to_be_attached(timeout=30_000)
    expect(won.locator(".count")).to_have_text("2")
    assert page.evaluate("window.same") is True


def test_a_column_stays_where_it_was_scrolled_to(page: Page, served: Served) -> None:
    open_board(page, served)
    page.set_viewport_size({"width": page.viewport_size["width"] if page.viewport_size else 800, "height": 420})
    page.evaluate("document.querySelector('#column-0 .cards').scrollTop = 90")
    with served.site.store.write() as session:
        placed = session.query(Placement).filter_by(stage="新线索").first()
        assert placed is not None
        customer = session.get(Customer, placed.customer_id)
        assert customer is not None
        customer.last_words = "刚说的话"
        Rows(session, clock.now()).message(customer, "刚说的话")
    expect(page.get_by_text("刚说的话")).to_be_attached(timeout=30_000)
    assert page.evaluate("document.querySelector('#column-0 .cards').scrollTop") == 90


def test_the_task_is_copied_with_one_tap(page: Page, served: Served) -> None:
    story = served.story
    look(page, task_url(served.url, story.ref, story.agent, served.site.key, clock.now()))
    page.get_by_role("button", name="复制").click()
    expect(page.locator("[data-copy]")).to_have_text("已复制，去聊天里粘贴")
    assert page.evaluate("navigator.clipboard.readText()") == page.locator("#say").text_content()


def test_the_task_is_copied_where_the_browser_has_no_clipboard_of_its_own(page: Page, served: Served) -> None:
    story = served.story
    look(page, task_url(served.url, story.ref, story.agent, served.site.key, clock.now()))
    page.evaluate("Object.defineProperty(navigator.clipboard, 'writeText', {value: () => Promise.reject()})")
    page.get_by_role("button", name="复制").click()
    expect(page.locator("[data-copy]")).to_have_text("已复制，去聊天里粘贴")
    assert page.evaluate("navigator.clipboard.readText()") == page.locator("#say").text_content()


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("width", [320, 375])
def test_an_admins_phone_shows_every_room_and_the_whole_team(
    chromium: Browser, served: Served, width: int, language: str
) -> None:
    cookie = served.site.signed_in("admin").get_cookie("tici")
    assert cookie is not None
    context = chromium.new_context(viewport={"width": width, "height": 640}, base_url=served.url)
    context.add_cookies([{"name": "tici", "value": cookie.value, "url": served.url}])
    page = context.new_page()
    page.goto(f"/tasks?lang={language}")
    fits(page)
    assert page.locator(".rooms > a:visible").count() == 9
    for part in (".rooms", ".team"):
        is_whole(page, part)
    context.close()


def test_a_long_name_in_a_report_leaves_its_figures_room(chromium: Browser, served: Served) -> None:
    site, now = served.site, clock.now()
    with site.store.write() as session:
        session.get_one(Agent, served.story.agent).name = "Donaudampfschifffahrtsgesellschaft 王老师"
        session.get_one(SopTask, served.story.task).delivered_at = now
    request = reports.ReportRequest("agents", 30, None)
    reports.compute(site.store, site.system.settings, request, now + timedelta(seconds=1))
    cookie = site.signed_in("admin").get_cookie("tici")
    assert cookie is not None
    context = chromium.new_context(viewport={"width": 375, "height": 760}, base_url=served.url)
    context.add_cookies([{"name": "tici", "value": cookie.value, "url": served.url}])
    page = context.new_page()
    page.goto("/reports?report=agents")
    fits(page)
    name = page.locator("td", has_text="Donaudampf").bounding_box()
    assert name is not None
    assert name["width"] <= 150
    context.close()


def test_hostile_names_and_words_stay_inert_and_inside_the_page(page: Page, served: Served) -> None:
    open_board(page, served)
    for person in served.story.hostile:
        look(page, f"{served.url}/c/{person}")
        with served.site.store.read() as session:
            task = session.query(SopTask).filter_by(customer_id=person).one()
        look(page, task_url(served.url, task.ref, task.agent_id, served.site.key, clock.now()))


def test_a_board_whose_link_is_over_leads_to_the_sign_in(
    context: BrowserContext, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "STREAM_SECONDS", 1.0)
    page = context.new_page()  # a refused poll is an error in the console, rightly
    page.goto(board_url(served.url, served.site.key, clock.now(), timedelta(seconds=8)))
    expect(page.locator("[data-live]")).to_have_text("实时")
    expect(page.get_by_role("heading", name="登录提词")).to_be_visible(timeout=30_000)


@pytest.mark.parametrize("path", ["/board", "/nothing", "/t/forged"])
def test_error_pages_fit_and_say_what_to_do(context: BrowserContext, served: Served, path: str) -> None:
    page = context.new_page()
    page.goto(served.url + path)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    fits(page)
