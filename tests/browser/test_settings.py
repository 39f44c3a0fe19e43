"""The settings page in a real browser: hours, a tag group and a mistake, by mouse and keys, wide and small."""

from __future__ import annotations

import tomllib

from playwright.sync_api import Page, expect

from tests.browser.looking import fits
from tests.browser.test_accessible import AXE, findings
from tests.browser.test_rules import SLOW, page, site  # noqa: F401
from tests.support.site import Site


def test_hours_and_tags_are_changed_and_a_mistake_is_shown_at_its_field(page: Page, site: Site) -> None:  # noqa: F811
    page.goto("/settings")
    fits(page)
    page.get_by_role("navigation", name="这一页有什么").get_by_role("link", name="标签", exact=True).click()
    expect(page.get_by_role("heading", name="标签", exact=True)).to_be_in_viewport()
    page.get_by_role("button", name="加一组标签").press("Enter")
    group = page.locator("#tags details").last
    expect(group.get_by_label("组名", exact=True)).to_be_focused()
    group.get_by_label("组名", exact=True).fill("意向")
    group.get_by_label("标签", exact=True).fill("高意向\n低意向")
    group.get_by_label("一次只带一个").check()
    page.get_by_label("工作时间", exact=True).fill("早上")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    assert findings(page, None) == []
    page.get_by_role("button", name="保存").click()
    hours = page.get_by_label("工作时间", exact=True)
    expect(page.locator("#s-workspace-work_hours-wrong")).to_contain_text("时段写作", timeout=SLOW)
    expect(hours).to_be_focused()
    expect(page.get_by_label("组名", exact=True).last).to_have_value("意向")
    fits(page)
    page.evaluate(AXE.read_text(encoding="utf-8"))
    assert findings(page, None) == []
    hours.fill("8:30到20点")
    page.get_by_role("button", name="保存").click()
    page.wait_for_url("**/settings?saved=1")
    expect(page.get_by_role("status").first).to_contain_text("已保存", timeout=SLOW)
    made = tomllib.loads(site.system.environment.config.read_text(encoding="utf-8"))
    assert made["workspace"]["work_hours"] == "08:30-20:00"
    assert made["tags"][-1] == {"group": "意向", "exclusive": True, "names": ["高意向", "低意向"]}


def test_what_goes_to_the_phones_is_seen_before_it_is_saved(page: Page, site: Site) -> None:  # noqa: F811
    page.goto("/settings#tags")
    page.get_by_role("button", name="加一组标签").press("Enter")
    group = page.locator("#tags details").last
    group.get_by_label("组名", exact=True).fill("互动")
    group.get_by_label("标签", exact=True).fill("未回复\n重点")
    group.get_by_label("放到手机上").check()
    page.get_by_role("button", name="保存").click()
    plan = page.get_by_role("alert").filter(has_text="要放到手机上")
    expect(plan).to_contain_text("新建标签 2 个", timeout=SLOW)
    for width in (1440, 375):
        page.set_viewport_size({"width": width, "height": 900})
        fits(page)
    page.evaluate(AXE.read_text(encoding="utf-8"))
    assert findings(page, None) == []
    page.get_by_role("button", name="看过了，仍然保存").click()
    page.wait_for_url("**/settings?saved=1")
    made = tomllib.loads(site.system.environment.config.read_text(encoding="utf-8"))
    assert made["tags"][-1] == {"group": "互动", "phone": True, "names": ["未回复", "重点"]}
