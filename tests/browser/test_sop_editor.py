"""An SOP made from nothing in a real browser and seen on the customer's phone, by mouse and keys, wide and small."""

from __future__ import annotations

import tomllib

from playwright.sync_api import Page, expect

from tests.browser.looking import fits
from tests.browser.test_accessible import AXE, findings
from tests.browser.test_rules import SLOW, page, site  # noqa: F401
from tests.support.site import CONFIG, Site


def test_one_is_made_from_nothing_and_seen_on_the_phone(page: Page, site: Site) -> None:  # noqa: F811
    page.goto("/sops")
    page.get_by_role("link", name="新跟进").click()
    page.wait_for_url("**/sops/new")
    fits(page)
    page.get_by_label("名字").fill("价格跟进")
    page.get_by_label("哪个阶段").select_option("考虑价格")
    first = page.get_by_label("话术", exact=True)
    first.fill("好，三档课程")
    first.evaluate("one => one.setSelectionRange(0, 0)")
    page.get_by_role("button", name="+ 客户称呼").click()
    expect(first).to_have_value("{customer.name|您}好，三档课程")
    phone = page.locator(".phone")
    expect(phone.locator(".phone-bubble").first).to_have_text("王女士好，三档课程", timeout=SLOW)
    page.get_by_role("button", name="加一步").click()
    expect(page.locator("[data-step]")).to_have_count(2)
    expect(page.locator("#step-1")).to_be_focused()
    page.get_by_label("话术", exact=True).nth(1).fill("第二天再问一句")
    expect(phone).to_contain_text("第 2 天", timeout=SLOW)
    page.get_by_role("button", name="第 2 步往前移").press("Enter")
    expect(page.get_by_label("话术", exact=True).first).to_have_value("第二天再问一句")
    expect(page.locator("#step-0")).to_be_focused()
    start, end = page.locator("#step-0 .grip").bounding_box(), page.locator("[data-step]").nth(1).bounding_box()
    assert start is not None
    assert end is not None
    if page.viewport_size == {"width": 1440, "height": 900}:
        page.mouse.move(start["x"] + 8, start["y"] + 8)
        page.mouse.down()
        for part in range(1, 13):
            page.mouse.move(
                start["x"] + 8, start["y"] + 8 + (end["y"] + end["height"] * 0.7 - start["y"]) * part / 12
            )
            page.wait_for_timeout(30)
        page.mouse.up()
        expect(page.get_by_label("话术", exact=True).nth(1)).to_have_value("第二天再问一句")
    fits(page)
    page.evaluate(AXE.read_text(encoding="utf-8"))
    assert findings(page, None) == []
    page.get_by_role("button", name="保存").click()
    page.wait_for_url("**/sops/s/**")
    expect(page.get_by_role("status").first).to_contain_text("已保存", timeout=SLOW)
    made = tomllib.loads(site.system.environment.config.read_text(encoding="utf-8"))["sops"][0]
    assert (made["stage"], len(made["steps"])) == ("考虑价格", 2)
    assert "after" not in made["steps"][0]
    assert made["steps"][1]["after"] == "1d"


def test_the_first_wrong_field_is_in_view_and_focused(page: Page, site: Site) -> None:  # noqa: F811
    page.goto("/sops/new")
    page.get_by_label("名字").fill("试试")
    page.get_by_label("哪个阶段").select_option("考虑价格")
    page.get_by_role("button", name="加一步").click()
    expect(page.locator("[data-step]")).to_have_count(2)
    page.get_by_label("话术", exact=True).first.fill("您好")
    page.get_by_label("话术", exact=True).nth(1).fill("您好{coustomer.name}")
    page.get_by_role("button", name="保存").click()
    wrong = page.locator("p.wrong").first
    expect(wrong).to_contain_text("是不是 {customer.name}", timeout=SLOW)
    expect(page.get_by_label("话术", exact=True).nth(1)).to_be_focused()
    expect(page.get_by_label("话术", exact=True).nth(1)).to_be_in_viewport()
    assert site.system.environment.config.read_text(encoding="utf-8") == CONFIG
