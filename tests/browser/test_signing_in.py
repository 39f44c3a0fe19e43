"""Signing in and the settings in a real browser: with the sandbox's QR page, wide and on a phone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from bot.agents import accounts
from bot.platform import clock
from bot.web.auth import sessions
from tests.browser.looking import fits
from tests.support.parts import Town, listening, served
from tests.support.site import open_site

GOOD = "correct horse battery"


@pytest.fixture
def address(tmp_path: Path, sandbox: Town) -> Iterator[str]:
    """A site whose WeCom is the sandbox, with a local admin; where it listens."""
    folder = tmp_path / "site"
    folder.mkdir()
    with listening() as held:
        url = f"http://127.0.0.1:{held.getsockname()[1]}"
        given = {"TICI_BASE_URL": url, "WECOM_LOGIN_URL": f"http://127.0.0.1:{sandbox.port}", **sandbox.variables}
        with open_site(folder, extra=given) as site:
            with site.store.write() as session:
                accounts.create_account(session, accounts.NewAccount("root", GOOD, "admin"), "test", clock.now())
            with served(site.app, held):
                yield url


@pytest.fixture(params=[1440, 320])
def page(request: pytest.FixtureRequest, chromium: Browser, address: str) -> Iterator[Page]:
    """A page that must stay without console errors and policy violations; closed before its server ends."""
    context = chromium.new_context(viewport={"width": request.param, "height": 760})
    page = context.new_page()
    troubles: list[str] = []
    page.on("console", lambda said: troubles.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: troubles.append(str(error)))
    yield page
    context.close()
    assert troubles == []


def test_an_agent_signs_in_with_wecom_and_out_again(page: Page, address: str) -> None:
    page.goto(f"{address}/me")
    page.get_by_role("link", name="用企业微信登录").click()
    page.get_by_text("林晓雨").click()
    expect(page).to_have_url(f"{address}/me")
    expect(page.get_by_role("main").get_by_text("一线员工")).to_be_visible()
    page.get_by_role("button", name="深色").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(17, 20, 24)"
    page.get_by_role("main").get_by_role("button", name="退出登录").click()
    expect(page.get_by_role("heading", name="登录提词")).to_be_visible()


def test_the_admin_walks_through_the_settings_and_gives_a_role(page: Page, address: str) -> None:
    page.goto(f"{address}/sign-in?next=/admin")
    page.get_by_text("用名字和密码登录").click()
    page.get_by_label("名字").fill("root")
    page.get_by_label("密码").fill(GOOD)
    page.get_by_role("button", name="登录", exact=True).click()
    for tab in ("概况", "人员与角色", "配置版本", "隔离区", "查看记录", "操作记录"):
        page.get_by_role("link", name=tab, exact=True).click()
        expect(page.locator(".tabs [aria-current]")).to_have_text(tab)
        fits(page, tab)
    page.get_by_role("button", name="检验完整性").click()
    expect(page.get_by_text("环环相扣")).to_be_visible()
    page.get_by_role("link", name="人员与角色").click()
    page.get_by_label("root 的角色").select_option("auditor")  # the last admin stays one
    expect(page.get_by_text("最后一位管理员")).to_be_visible()
    expect(page.get_by_label("root 的角色")).to_have_value("admin")


def test_who_signed_in_long_ago_is_asked_once_more_and_comes_back(
    page: Page, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    page.goto(f"{address}/sign-in?next=/admin/people")
    page.get_by_text("用名字和密码登录").click()
    page.get_by_label("名字").fill("root")
    page.get_by_label("密码").fill(GOOD)
    page.get_by_role("button", name="登录", exact=True).click()
    expect(page.get_by_label("root 的角色")).to_be_visible()
    page.wait_for_load_state()  # until then nothing listens to a choice
    with monkeypatch.context() as later:
        later.setattr(sessions, "PROOF_LIFE", timedelta(0))
        page.get_by_label("root 的角色").select_option("auditor")
        expect(page.get_by_role("heading", name="请再确认一次是您")).to_be_visible()
    fits(page, "the question")
    page.get_by_label("您的密码").fill(GOOD)
    page.get_by_role("button", name="确认并继续").click()
    expect(page).to_have_url(f"{address}/admin/people")
    expect(page.get_by_text("最后一位管理员")).to_be_visible()
    page.goto(f"{address}/me/code")
    page.get_by_role("button", name="开启验证码").click()
    expect(page.get_by_role("img", name="二维码")).to_be_visible()
    fits(page, "the QR code")
