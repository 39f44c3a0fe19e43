"""Stages added, ordered and saved in a real browser, by mouse and keys, wide and small."""

from __future__ import annotations

import tomllib

from playwright.sync_api import Page, expect

from bot.platform import clock
from tests.browser.looking import fits
from tests.browser.test_accessible import AXE, findings
from tests.browser.test_rules import SLOW, page, site  # noqa: F401
from tests.support.rows import Rows
from tests.support.site import Site


def test_a_stage_is_added_moved_refused_and_saved(page: Page, site: Site) -> None:  # noqa: F811
    page.goto("/pipelines")
    fits(page)
    page.get_by_role("link", name="修改流程「课程转化」的阶段").click()
    page.wait_for_url("**/pipelines/1/edit")
    fits(page)
    page.get_by_role("button", name="加一个阶段").click()
    name = page.get_by_label("名字")
    expect(name).to_be_focused()
    name.fill("试听")
    page.get_by_role("button", name="「新阶段」往前移").press("Enter")
    expect(page.locator("[data-step]").nth(3).get_by_label("名字")).to_have_value("试听")
    expect(page.get_by_role("button", name="「试听」往前移")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("[data-step]").nth(2).get_by_label("名字")).to_have_value("试听")
    added = page.locator("[data-step]").nth(2)
    added.get_by_label("带上这些标签").fill("没有的标签")
    page.get_by_role("button", name="加一条").click()
    page.get_by_label("从哪个阶段").select_option("试听")
    page.get_by_label("沉默多久").fill("7天")
    page.get_by_label("移到哪个阶段").select_option("流失")
    fits(page)
    page.evaluate(AXE.read_text(encoding="utf-8"))
    assert findings(page, None) == []
    page.get_by_role("button", name="保存").click()
    wrong = page.get_by_label("带上这些标签").nth(2)
    expect(page.locator("p.wrong").first).to_contain_text("没有标签「没有的标签」", timeout=SLOW)
    expect(wrong).to_be_focused()
    expect(wrong).to_be_in_viewport()
    wrong.fill("已开课")
    if page.viewport_size == {"width": 1440, "height": 900}:
        page.locator("[data-step]").nth(1).evaluate("one => one.scrollIntoView({block: 'start'})")
        start, end = page.locator(".grip").nth(2).bounding_box(), page.locator("[data-step]").nth(1).bounding_box()
        assert start is not None
        assert end is not None
        page.mouse.move(start["x"] + 8, start["y"] + 8)
        page.mouse.down()
        for part in range(1, 13):
            page.mouse.move(
                start["x"] + 8, start["y"] + 8 + (end["y"] + end["height"] * 0.3 - start["y"]) * part / 12
            )
            page.wait_for_timeout(30)
        page.mouse.up()
        expect(page.locator("[data-step]").nth(1).get_by_label("名字")).to_have_value("试听")
    page.get_by_role("button", name="保存").click()
    page.wait_for_url("**/pipelines?saved=1")
    expect(page.get_by_role("status").first).to_contain_text("已保存", timeout=SLOW)
    made = tomllib.loads(site.system.environment.config.read_text(encoding="utf-8"))["pipelines"][0]
    assert {"name": "试听", "on": ["已开课"]} in made["stages"]
    assert made["moves"] == [{"from": "试听", "to": "流失", "after": "7d"}]


def test_a_stage_is_renamed_with_all_who_stand_there(page: Page, site: Site) -> None:  # noqa: F811
    with site.store.write() as session:
        rows = Rows(session, clock.now())
        for _ in range(1000):
            rows.customer(stage="考虑价格")
    page.goto("/pipelines")
    page.get_by_role("link", name="给「考虑价格」改名").click()
    page.wait_for_url("**/pipelines/rename?**")
    fits(page)
    expect(page.locator(".reached")).to_contain_text("1000 位客户")
    name = page.get_by_label("新名字")
    expect(name).to_be_focused()
    page.evaluate(AXE.read_text(encoding="utf-8"))
    assert findings(page, None) == []
    name.fill("成交")
    page.get_by_role("button", name="改名").click()
    expect(page.get_by_role("alert").first).to_contain_text("已经有阶段「成交」", timeout=SLOW)
    page.get_by_label("新名字").fill("谈价格")
    page.get_by_role("button", name="改名").click()
    page.wait_for_url("**/pipelines?renamed=**")
    expect(page.get_by_role("status").first).to_contain_text("1000 位客户跟着改好了")
    expect(page.locator(".stage-rows li", has_text="谈价格")).to_contain_text("手机上的标签正在改名")
    fits(page)
