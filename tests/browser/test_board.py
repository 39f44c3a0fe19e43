"""The board in a real browser: cards dragged and sent by keys, refused, taken back; live from elsewhere; filtered."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import select

from bot.agents.manual_moves import move_by_hand
from bot.customers.state import load_customer
from bot.platform import clock
from bot.platform.models import Customer, Placement
from bot.platform.work import Work
from tests.browser.conftest import Served
from tests.browser.looking import card, column, drag, fits
from tests.support.rows import Rows

PATIENCE = 30_000
THANKS = """
[[sops]]
id = "thanks"
title = "谢谢选择"
stage = "成交"

  [[sops.steps]]
  after = "1d"
  say = "谢谢"
"""
Opened = Callable[..., Page]


@pytest.fixture
def opened(chromium: Browser, served: Served) -> Iterator[Opened]:
    """Opens a page as somebody who is signed in; nothing may go wrong in it but what is `expected` to."""
    contexts: list[BrowserContext] = []
    troubles: list[str] = []

    def visit(path: str = "/board", role: str = "admin", width: int = 1280, expected: str = "") -> Page:
        cookie = served.site.signed_in(role).get_cookie("tici")
        assert cookie is not None
        context = chromium.new_context(viewport={"width": width, "height": 820}, has_touch=width < 500)
        contexts.append(context)
        context.add_cookies([{"name": "tici", "value": cookie.value, "url": served.url}])
        page = context.new_page()

        def note(text: str) -> None:
            if not expected or not re.search(expected, text):
                troubles.append(text)

        page.on("console", lambda said: note(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: note(str(error)))
        page.on("request", lambda asked: None if asked.url.startswith(served.url) else note(asked.url))
        page.goto(served.url + path)
        return page

    yield visit
    for context in contexts:
        context.close()
    assert troubles == []


def stage_of(served: Served, customer: int) -> str:
    with served.site.store.read() as session:
        query = select(Placement.stage).filter_by(customer_id=customer, pipeline="课程转化")
        return session.scalars(query).one()


def move_elsewhere(served: Served, customer: int, to: str) -> None:
    """As a rule or another browser would."""
    with served.site.store.write() as session:
        state = load_customer(session, session.get_one(Customer, customer))
        move_by_hand(Work(session, served.site.system.settings, clock.now()), state, "课程转化", to, "ChenGuoan")


def test_a_card_is_dragged_and_the_drag_taken_back(opened: Opened, served: Served) -> None:
    page, who = opened(), served.story.asking
    drag(page, who, "成交")
    expect(page.get_by_text("李女士 已移到「成交」")).to_be_visible(timeout=PATIENCE)
    expect(column(page, "成交").locator(f"#card-{who}")).to_be_visible()
    expect(column(page, "成交").locator(".count")).to_have_text("2", timeout=PATIENCE)
    assert stage_of(served, who) == "成交"
    assert page.url.endswith("/board")  # a drag is no click
    page.get_by_role("button", name="撤销").click()
    expect(column(page, "考虑价格").locator(f"#card-{who}")).to_be_visible(timeout=PATIENCE)
    assert stage_of(served, who) == "考虑价格"


def test_a_refused_drag_puts_the_card_back_and_says_why(opened: Opened, served: Served) -> None:
    who = served.story.asking
    page = opened(expected="409|Status Error|ERR_FAILED|^htmx:")
    page.route("**/board/changes*", lambda route: route.abort())  # this browser has not heard of it yet
    page.route("**/board/live*", lambda route: route.fulfill(status=204))
    page.reload()
    move_elsewhere(served, who, "流失")
    drag(page, who, "成交")
    expect(page.get_by_text("刚把这位客户移到了「流失」")).to_be_visible(timeout=PATIENCE)
    expect(column(page, "考虑价格").locator(f"#card-{who}")).to_be_visible()
    assert stage_of(served, who) == "流失"


def test_a_card_is_moved_by_keys_alone(opened: Opened, served: Served) -> None:
    page, who = opened(), served.story.asking
    page.locator(f"#open-{who}").focus()
    page.keyboard.press("ArrowUp")
    assert page.evaluate("document.activeElement.id") != f"open-{who}"
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.id") == f"open-{who}"
    page.keyboard.press("m")
    expect(page.get_by_role("dialog")).to_contain_text("把「李女士」移到")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.keyboard.press("m")
    page.keyboard.press("ArrowDown")  # 新线索, 成交: where the card stands is left out
    page.keyboard.press("Enter")
    expect(page.get_by_text("李女士 已移到「成交」")).to_be_visible(timeout=PATIENCE)
    expect(column(page, "成交").locator(f"#card-{who}")).to_be_visible()
    assert stage_of(served, who) == "成交"


def test_what_a_move_starts_is_told_in_the_menu_and_over_a_column(opened: Opened, served: Served) -> None:
    config = served.site.system.environment.config
    config.write_text(config.read_text("utf-8") + THANKS, encoding="utf-8")
    page, who = opened(), served.story.asking
    for _ in range(60):  # a file counts once it has rested
        if "thanks" in served.site.system.settings.sops:
            break
        page.wait_for_timeout(500)
    page.locator(f"#open-{who}").focus()
    page.keyboard.press("m")
    choice = page.locator("#mover .choice", has_text="成交")
    expect(choice).to_contain_text("会开始跟进：谢谢选择")
    expect(page.locator("#mover .choice", has_text="流失")).not_to_contain_text("会开始跟进")
    page.keyboard.press("Escape")
    begin = card(page, who).bounding_box()
    assert begin is not None
    page.mouse.move(begin["x"] + 60, begin["y"] + begin["height"] - 8)
    page.mouse.down()
    hold_over(page, "成交")
    expect(page.locator("#outlook")).to_have_text("会开始跟进：谢谢选择")
    hold_over(page, "考虑价格")
    expect(page.locator("#outlook")).to_be_hidden()
    page.mouse.up()
    assert stage_of(served, who) == "考虑价格"


def hold_over(page: Page, stage: str) -> None:
    """The card that the mouse holds, slowly enough that it follows, over a column."""
    end = column(page, stage).locator(".cards").bounding_box()
    assert end is not None
    for part in range(6):
        page.mouse.move(end["x"] + 70 + 5 * part, end["y"] + 50 + 4 * part, steps=4)
        page.wait_for_timeout(120)  # Sortable looks every 50 ms where the mouse is


def test_on_a_phone_the_cards_button_asks_where_to(opened: Opened, served: Served) -> None:
    page, who = opened(width=375), served.story.asking
    page.locator(".stage-link", has_text="考虑价格").click()
    card(page, who).locator(".card-menu").click()
    page.get_by_role("button", name="流失").click()
    expect(page.get_by_text("李女士 已移到「流失」")).to_be_visible(timeout=PATIENCE)
    fits(page)
    assert stage_of(served, who) == "流失"


def test_two_boards_see_the_same_within_seconds(opened: Opened, served: Served) -> None:
    who = served.story.asking
    boards = [opened() for _ in range(5)]  # more than there are streams: the rest ask
    for page in boards:
        page.evaluate("window.same = true")
    drag(boards[0], who, "流失")
    for page in boards:
        expect(column(page, "流失").locator(f"#card-{who}")).to_be_attached(timeout=PATIENCE)
        expect(column(page, "流失").locator(".count")).to_have_text("3", timeout=PATIENCE)
        assert page.evaluate("window.same") is True


def test_whoever_only_looks_cannot_drag(opened: Opened, served: Served) -> None:
    page, who = opened(role="auditor"), served.story.asking
    drag(page, who, "成交")
    expect(column(page, "考虑价格").locator(f"#card-{who}")).to_be_visible()
    expect(page.locator(".card-menu")).to_have_count(0)
    assert stage_of(served, who) == "考虑价格"


def test_filters_and_search_stand_in_the_address(opened: Opened, served: Served) -> None:
    page = opened()
    page.get_by_text("筛选").first.click()
    page.get_by_label("标签").select_option("考虑价格")
    expect(page.locator(".card")).to_have_count(1, timeout=PATIENCE)
    assert "tag=" in page.url
    page.reload()
    expect(page.locator(".card")).to_have_count(1)
    page.get_by_label("标签").select_option("")
    expect(page.locator(".card")).not_to_have_count(1, timeout=PATIENCE)
    page.get_by_label("找名字").fill("女士")
    expect(page.locator(".card")).to_have_count(1, timeout=PATIENCE)
    expect(page.locator(".card")).to_contain_text("李女士")
    page.get_by_label("找名字").fill("查无此人")
    expect(page.get_by_text("没有符合筛选的客户").first).to_be_visible(timeout=PATIENCE)


def test_a_column_goes_on_as_it_is_scrolled(opened: Opened, served: Served) -> None:
    with served.site.store.write() as session:
        rows = Rows(session, clock.now())
        for number in range(70):
            rows.place(rows.customer(f"多{number:02}", None), "成交", ago=timedelta(minutes=number))
    page = opened()
    cards = column(page, "成交").locator(".card")
    expect(cards).to_have_count(20)
    for count in (40, 60, 71):
        column(page, "成交").locator(".cards").evaluate("one => one.scrollTop = one.scrollHeight")
        expect(cards).to_have_count(count, timeout=PATIENCE)
    top = column(page, "成交").locator(".cards").evaluate("one => one.scrollTop")
    move_elsewhere(served, served.story.asking, "成交")
    moved = column(page, "成交").locator(f"#card-{served.story.asking}")
    expect(moved).to_be_attached(timeout=PATIENCE)  # drawn anew, and as long as before
    expect(cards).to_have_count(71)
    assert column(page, "成交").locator(".cards").evaluate("one => one.scrollTop") == top


def test_the_customers_page_explains_its_tags_and_follows_the_talk(opened: Opened, served: Served) -> None:
    who = served.story.asking
    page = opened(f"/c/{who}")
    page.locator("mark", has_text="多少钱").click()
    why = page.locator(".why", has_text="命中 多少钱")
    expect(why).to_be_visible(timeout=PATIENCE)
    why.get_by_role("button", name="误判").first.click()
    expect(why.locator("[aria-pressed=true]")).to_have_text("误判", timeout=PATIENCE)
    page.get_by_label("加标签").select_option("已付款")
    expect(page.get_by_text("已加标签「已付款」")).to_be_visible(timeout=PATIENCE)
    page.get_by_role("textbox", name="备注").fill("周末再联系")
    page.get_by_role("button", name="记下").click()
    expect(page.locator(".note")).to_have_text("周末再联系", timeout=PATIENCE)
    page.get_by_label("课程转化").select_option("流失")
    expect(page.locator("#person .chip.stage", has_text="流失")).to_be_visible(timeout=PATIENCE)
    with served.site.store.write() as session:
        Rows(session, clock.now()).message(session.get_one(Customer, who), "那我再问问家里人")
    expect(page.get_by_text("那我再问问家里人")).to_be_visible(timeout=PATIENCE)


def test_the_board_tells_that_a_customer_is_being_erased(opened: Opened, served: Served) -> None:
    page = opened(f"/c/{served.story.asking}")
    page.get_by_text("删除这位客户的全部资料").click()
    page.get_by_label("客户的名字").fill("李女士")
    page.get_by_role("button", name="删除", exact=True).click()
    page.wait_for_url("**/board", timeout=PATIENCE)
    told = page.get_by_role("status").get_by_text("正在删除这位客户的全部资料")
    expect(told).to_be_visible()
    expect(told).to_be_hidden(timeout=PATIENCE)


def test_the_customers_page_on_a_narrow_phone(opened: Opened, served: Served) -> None:
    page = opened(f"/c/{served.story.asking}", width=320)
    for tab, shown in (("跟进", "可以这样说"), ("资料", "阶段记录"), ("对话", "你们的课")):
        page.get_by_role("tab", name=tab).click()
        expect(page.get_by_text(shown).first).to_be_visible()
        fits(page)
