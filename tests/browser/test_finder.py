"""The search over everything in a real browser: opened and walked by keys, and left alone while somebody writes."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser.test_accessible import AXE, findings
from tests.browser.test_rules import SLOW, page, site  # noqa: F401
from tests.support.site import Site


def test_a_slash_finds_and_a_question_mark_tells_the_keys(page: Page, site: Site) -> None:  # noqa: F811
    page.goto("/rules")
    page.keyboard.press("/")
    field = page.get_by_role("searchbox", name="找客户、规则、跟进、页面")
    expect(field).to_be_focused()
    field.fill("ask")
    expect(page.locator("#finder-found a")).to_have_text("ask-price 考虑价格", timeout=SLOW)
    page.evaluate(AXE.read_text(encoding="utf-8"))
    assert findings(page, None) == []
    page.keyboard.press("ArrowDown")
    expect(page.locator("#finder-found a").first).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url("**/rules/r/ask-price")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="快捷键")).to_be_visible()
    page.evaluate(AXE.read_text(encoding="utf-8"))
    assert findings(page, None) == []
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="快捷键")).to_be_hidden()
    page.goto("/rules")
    page.get_by_role("searchbox", name="找编号、标签或词").press("/")
    expect(page.locator("#finder")).to_be_hidden()
