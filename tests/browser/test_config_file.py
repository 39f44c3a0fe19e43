"""The config file's editor in a real browser: colours that follow edits, an outline, a search, marks of errors."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser.looking import fits
from tests.browser.test_accessible import AXE, findings
from tests.browser.test_rules import SLOW, page, site  # noqa: F401
from tests.support.site import CONFIG, Site

# Where a line of the text stands and where it is painted: colours that lie elsewhere would be worse than none.
AT = """([text]) => { const area = document.querySelector(".editor textarea");
  const paint = document.querySelector(".paint");
  const row = [...paint.children].findIndex(one => one.textContent.includes(text));
  return [paint.textContent === area.value + "\\n", paint.children[row].getBoundingClientRect().top
    - area.getBoundingClientRect().top - 10 - row * 21 + area.scrollTop, paint.scrollLeft - area.scrollLeft]; }"""


def test_the_file_has_colours_an_outline_and_a_search(page: Page, site: Site) -> None:  # noqa: F811
    long = CONFIG + "".join(f'\n[[rules]]\nid = "more-{n}"\ntag = "考虑价格"\nany = ["词{n}"]\n' for n in range(40))
    site.system.environment.config.write_text(long, encoding="utf-8")
    page.goto("/rules/file")
    fits(page)
    expect(page.locator(".paint .header").first).to_have_text("[workspace]")
    expect(page.locator(".paint .key").first).to_have_text("name")
    expect(page.locator(".paint .string").first).to_have_text('"测试学堂"')
    assert page.evaluate(AT, ['id = "more-7"']) == [True, 0, 0]
    outline = page.locator(".file-outline")
    if page.viewport_size == {"width": 375, "height": 760}:
        outline.locator("summary").first.click()
    outline.get_by_text("规则 41").click()
    outline.get_by_role("button", name="more-39").click()
    area = page.locator(".editor textarea")
    expect(area).to_be_focused()
    assert page.evaluate(AT, ['id = "more-39"']) == [True, 0, 0]
    expect(page.locator(".paint .found")).to_be_in_viewport()
    page.evaluate(AXE.read_text(encoding="utf-8"))
    assert findings(page, None) == []
    search = page.get_by_role("searchbox", name="在文件里找")
    search.fill("考虑价格")
    expect(page.locator("[data-found]")).to_have_text("1 / 42")
    search.press("Enter")
    expect(page.locator("[data-found]")).to_have_text("2 / 42")
    search.press("Shift+Enter")
    search.press("Shift+Enter")
    expect(page.locator("[data-found]")).to_have_text("42 / 42")
    fits(page)


def test_colours_and_marks_follow_what_is_typed(page: Page, site: Site) -> None:  # noqa: F811
    page.goto("/rules/file")
    area = page.locator(".editor textarea")
    area.press("Control+Home")
    page.keyboard.type('[welcome]\nsay = """您好\n[不是表]\n"""  # 完\n', delay=1)
    expect(page.locator(".paint .comment")).to_have_text("# 完")
    expect(page.locator(".paint .header").first).to_have_text("[welcome]")
    assert "[不是表]" not in page.locator(".paint .header").all_text_contents()
    assert page.evaluate(AT, ["成交"]) == [True, 0, 0]
    area.press("Control+Home")
    page.keyboard.type("x = [\n")
    page.get_by_role("button", name="检查").click()
    expect(page.locator(".paint .bad")).to_have_count(1, timeout=SLOW)
    page.locator("#problems .jump").first.click()
    expect(area).to_be_focused()
    assert site.system.environment.config.read_text(encoding="utf-8") == CONFIG
