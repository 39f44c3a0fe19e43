"""The customer list in a real browser: conditions, segments, deeds on all of them, undone again; and on a phone."""

from __future__ import annotations

from playwright.sync_api import Browser, expect
from sqlalchemy import select

from bot.agents import bulk_job
from bot.platform import clock
from bot.platform.models import BulkItem, Tagging
from tests.browser.conftest import Served
from tests.browser.looking import card, fits
from tests.browser.test_accessible import AXE, findings
from tests.browser.test_board import Opened, opened
from tests.web.test_access import SOP

__all__ = ["opened"]
_ = Browser


def carried(served: Served, tag: str) -> int:
    with served.site.store.read() as session:
        rows = session.scalars(select(Tagging.id).where(Tagging.tag == tag, Tagging.removed_at.is_(None)))
        return len(rows.all())


def work(served: Served) -> None:
    while bulk_job.advance(served.site.system, clock.now()):
        pass


def test_a_condition_is_counted_and_all_that_match_are_tagged_and_untagged(served: Served, opened: Opened) -> None:
    page = opened("/customers")
    everybody = page.locator("#found").inner_text()
    page.get_by_label("加一个条件").select_option("stage")
    page.locator("#value select").select_option(index=1)
    expect(page.locator("#found")).not_to_have_text(everybody)
    found = page.locator("#found").inner_text()
    page.get_by_role("button", name="筛选").click()
    expect(page.locator("#found")).to_have_text(found)
    count = page.locator("tbody tr").count()
    assert found == f"符合 {count} 位"
    page.get_by_label("选这一页").check()
    expect(page.locator("#deed")).to_contain_text(f"已选 {count} 位")
    page.get_by_label("要做什么").select_option("tag")
    page.locator("#deed-value select").select_option("已续费")
    page.get_by_role("button", name="下一步").click()
    expect(page.locator("#deed-check")).to_contain_text(f"加标签「已续费」 · {count} 位客户")
    page.get_by_role("button", name="确定").click()
    expect(page.get_by_text("正在做")).to_be_visible()
    work(served)
    expect(page.get_by_text("做完了")).to_be_visible()
    assert carried(served, "已续费") == count
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="撤销").click()
    expect(page.get_by_text("正在撤销").first).to_be_visible()
    work(served)
    expect(page.get_by_text("已撤销")).to_be_visible()
    assert carried(served, "已续费") == 0


def test_a_segment_is_built_changed_and_all_of_it_enrolled_so_many_a_day(served: Served, opened: Opened) -> None:
    config = served.site.system.environment.config
    config.write_text(config.read_text("utf-8") + SOP, encoding="utf-8")
    served.site.system.keeper.look_again()
    page = opened("/customers?score=0", width=1440)
    page.get_by_role("link", name="存成分群").click()
    page.get_by_label("分群的名字").fill("都要联系的")
    page.get_by_role("button", name="保存").click()
    page.get_by_role("link", name="改分群都要联系的").click()
    everybody = page.locator("#found").inner_text()
    page.get_by_label("加一个条件").select_option("stage")
    page.locator("#value select").select_option(index=1)
    expect(page.locator("#found")).not_to_have_text(everybody)
    found = page.locator("#found").inner_text()
    page.get_by_role("button", name="保存").click()
    page.get_by_role("link", name="都要联系的", exact=True).click()
    expect(page.locator("#found")).to_have_text(found)
    page.get_by_label("选这一页").check()
    page.get_by_label("要做什么").select_option("enrol")
    page.locator("#deed-value select").select_option(index=1)
    page.locator("#deed-value input[name=per_day]").fill("1")
    page.get_by_role("button", name="下一步").click()
    expect(page.locator("#deed-check")).to_contain_text(f"{found.removeprefix('符合 ').removesuffix(' 位')} 位客户")
    page.get_by_role("button", name="确定").click()
    expect(page.get_by_text("正在做")).to_be_visible()
    work(served)
    with served.site.store.read() as session:
        items = [item.state for item in session.scalars(select(BulkItem).order_by(BulkItem.turn))]
    assert len(items) > 1
    assert items[0] in ("done", "skipped")
    assert set(items[1:]) == {"waiting"}
    page.get_by_role("button", name="停止").click()
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="撤销").click()
    expect(page.get_by_text("正在撤销").first).to_be_visible()
    work(served)
    expect(page.get_by_text("已撤销")).to_be_visible()
    phone = opened("/customers/segments", width=375)
    fits(phone)


def test_a_view_is_saved_and_the_list_fits_a_phone(served: Served, opened: Opened) -> None:
    page = opened("/customers?score=1&sort=score", width=375)
    fits(page)
    page.get_by_text("存成视图").click()
    page.get_by_label("视图的名字").fill("有意向的")
    page.get_by_role("button", name="保存").click()
    expect(page.get_by_role("link", name="有意向的")).to_be_visible()
    expect(page.get_by_role("link", name="意向分至少")).to_be_visible()
    fits(page)


def test_presets_and_several_cards_of_the_board_on_a_screen_and_a_phone(served: Served, opened: Opened) -> None:
    story = served.story
    page = opened("/board", width=1440)
    page.get_by_role("button", name="多选").click()
    first, second = card(page, story.asking), page.locator(f".card:not(#card-{story.asking})").first
    first.click(position={"x": 60, "y": 40})  # anywhere on the card
    second.click(position={"x": 60, "y": 40})
    expect(page.locator("#deed")).to_contain_text("已选 2 位")
    with page.expect_response(lambda answer: "/board/changes" in answer.url):
        page.evaluate("refreshAll()")
    expect(first.get_by_role("checkbox")).to_be_checked()
    page.get_by_label("要做什么").select_option("tag")
    page.locator("#deed-value select").select_option("已续费")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    assert findings(page, None) == []
    page.get_by_role("button", name="下一步").click()
    expect(page.locator("#deed-check")).to_contain_text("加标签「已续费」 · 2 位客户")
    page.get_by_role("button", name="确定").click()
    expect(page.get_by_text("正在做")).to_be_visible()
    work(served)
    expect(page.get_by_text("做完了")).to_be_visible()
    assert carried(served, "已续费") == 2
    phone = opened("/board", width=375)
    phone.get_by_role("link", name="等回复").click()
    expect(phone.get_by_role("link", name="等回复")).to_have_attribute("aria-current", "true")
    fits(phone)
    phone.get_by_role("link", name="等回复").click()
    phone.get_by_role("button", name="多选").click()
    card(phone, story.asking).click(position={"x": 60, "y": 40})
    expect(phone.locator("#deed")).to_contain_text("已选 1 位")
    phone.evaluate(AXE.read_text(encoding="utf-8"))
    assert findings(phone, None) == []
    fits(phone)
