"""Rules edited in a real browser: a sentence tried while typing, an edit that bites, a broken one refused."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from werkzeug.serving import make_server

from bot.platform import clock
from tests.browser.looking import fits
from tests.support.rows import Rows
from tests.support.site import CONFIG, Site, open_site

SLOW = 30_000
WIDTHS = {"desk": {"width": 1440, "height": 900}, "phone": {"width": 375, "height": 760}}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with open_site(tmp_path, CONFIG) as site:
        with site.store.write() as session:
            rows = Rows(session, clock.now())
            customer = rows.customer()
            rows.message(customer, "你们的学费怎么算")
        yield site


@pytest.fixture(params=WIDTHS)
def page(request: pytest.FixtureRequest, chromium: Browser, site: Site) -> Iterator[Page]:
    """An admin's page that must stay without console errors, policy violations and requests to elsewhere."""
    cookie = site.signed_in("admin").get_cookie("tici")
    assert cookie is not None
    server = make_server("127.0.0.1", 0, site.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}"
    context = chromium.new_context(viewport=WIDTHS[request.param], base_url=url)  # type: ignore[arg-type]
    context.add_cookies([{"name": "tici", "value": cookie.value, "url": url}])
    context.set_default_timeout(SLOW)
    page = context.new_page()
    troubles: list[str] = []
    page.on("console", lambda said: troubles.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("request", lambda asked: None if asked.url.startswith(url) else troubles.append(asked.url))
    yield page
    context.close()
    server.shutdown()
    thread.join()
    server.server_close()
    # a form refused or held back is answered 422 or 409, which the browser calls errors; others there may not be
    assert [one for one in troubles if "422" not in one and "409" not in one] == []


def test_an_edit_bites_on_a_typed_sentence_and_on_the_file(page: Page, site: Site) -> None:
    page.goto("/rules")
    fits(page)
    page.get_by_role("link", name="ask-price").click()
    page.get_by_role("link", name="修改").click()
    page.wait_for_url("**/edit")
    fits(page)
    page.get_by_label("试一句").fill("你们的学费怎么算")
    verdict = page.locator("#tried .verdict")
    expect(verdict).to_contain_text("没有这条规则的关键词", timeout=SLOW)
    page.get_by_label("任意一个").fill("多少钱\n学费")
    expect(verdict).to_contain_text("命中 学费", timeout=SLOW)
    page.get_by_role("button", name="最近 1000 条").click()
    expect(page.locator("#recent")).to_contain_text("多 1，少 0", timeout=SLOW)
    page.get_by_role("button", name="保存").click()
    expect(page.get_by_role("status").first).to_contain_text("已保存", timeout=SLOW)
    fits(page)
    assert '"学费"' in site.system.environment.config.read_text(encoding="utf-8")


def test_a_broken_edit_is_refused_and_jumps_to_its_line(page: Page, site: Site) -> None:
    page.goto("/rules/file")
    fits(page)
    text = page.locator("textarea[name=text]")
    text.fill(CONFIG + "\nnonsense = [")
    page.get_by_role("button", name="检查").click()
    jump = page.locator("#problems .jump").first
    expect(jump).to_be_visible(timeout=SLOW)
    expect(page.locator(".gutter .bad")).to_have_count(1)
    page.get_by_role("button", name="保存").click()
    jump = page.locator("#problems .jump").first
    expect(jump).to_be_visible(timeout=SLOW)
    jump.click()
    assert page.evaluate("document.activeElement.name") == "text"
    assert page.evaluate("document.activeElement.selectionStart") > 0
    assert text.input_value().endswith("nonsense = [")
    assert site.system.environment.config.read_text(encoding="utf-8") == CONFIG
