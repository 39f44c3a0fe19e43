"""The pages of the API's tokens and of webhooks in a real browser, filled with data, wide and small."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from pytest_httpserver import HTTPServer
from sqlalchemy import select

from bot.agents.api_tokens import create_token, revoke_token
from bot.delivery.webhook_news import forget_who_asks
from bot.platform import clock
from bot.platform.models import ApiToken
from tests.browser.looking import fits
from tests.browser.test_accessible import AXE, findings
from tests.browser.test_rules import SLOW, page  # noqa: F401
from tests.delivery.test_webhooks import Receiver, send_all, tag
from tests.support.rows import Rows
from tests.support.site import CONFIG, Site, open_site


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    forget_who_asks()
    with open_site(tmp_path, CONFIG, {"TICI_WEBHOOK_NETWORKS": "127.0.0.0/8"}) as site:
        with site.store.write() as session:
            rows = Rows(session, clock.now())
            rows.customer("张秘密", agent=rows.agent())
            for number in range(12):
                of = (f"第 {number} 家店铺，名字很长很长的那一家", f"shop-with-a-long-name-{number}")
                create_token(session, of, ["orders:read", "orders:write", "customers:read"], "admin-1", clock.now())
            session.flush()
            last = session.scalars(select(ApiToken).order_by(ApiToken.id.desc())).first()
            assert last is not None
            revoke_token(session, last.id, "admin-1", clock.now())
        yield site
    forget_who_asks()


def looked_at(page: Page) -> None:  # noqa: F811
    """It fits, and nothing of it is out of reach."""
    fits(page)
    page.evaluate(AXE.read_text(encoding="utf-8"))
    assert findings(page, None) == []


def asked(page: Page, what: str, token: str, body: Any = None) -> int:  # noqa: F811
    """What the API answers another system that shows this token."""
    headers = {"Authorization": f"Bearer {token}"}
    path = f"/api/v1/{what}"
    to = page.request
    answer = to.get(path, headers=headers) if body is None else to.post(path, headers=headers, data=body)
    return answer.status


def test_a_token_is_made_used_and_revoked(page: Page, site: Site) -> None:  # noqa: F811
    page.goto("/admin/api")
    looked_at(page)
    page.get_by_label("名字", exact=True).fill("教务系统")
    page.get_by_label("来源（").fill("school")
    page.get_by_role("button", name="新建令牌").click()
    expect(page.get_by_role("alert")).to_be_visible(timeout=SLOW)  # it may do nothing yet
    looked_at(page)
    page.get_by_label("名字", exact=True).fill("教务系统")
    page.get_by_label("来源（").fill("school")
    page.get_by_label("产品：读").check()
    page.get_by_role("button", name="新建令牌").click()
    shown = page.get_by_role("status").filter(has_text="只显示这一次").locator("code")
    expect(shown).to_be_visible(timeout=SLOW)
    token = shown.inner_text()
    looked_at(page)
    assert asked(page, "products", token) == 200
    assert asked(page, "products", token + "x") == 401
    assert asked(page, "orders", token) == 403
    assert asked(page, "products", token, {"products": [{"id": "1", "name": "课"}]}) == 403
    page.goto("/admin/api")
    assert token not in page.content()
    row = page.get_by_role("row").filter(has_text="教务系统")
    expect(row).not_to_contain_text("还没有用过")
    row.get_by_role("button", name="停用").click()
    expect(row).to_contain_text("已停用", timeout=SLOW)
    assert asked(page, "products", token) == 401
    looked_at(page)


def test_a_receiver_that_fails_twice_is_seen_and_told_again(page: Page, site: Site, httpserver: HTTPServer) -> None:  # noqa: F811
    receiver = Receiver(httpserver, 500, 503)
    page.goto("/admin/webhooks")
    page.get_by_label("名字", exact=True).fill("教务系统，地址很长的那一个")
    page.get_by_label("地址", exact=True).fill("http://10.1.2.3/hook")
    page.get_by_label("阶段", exact=True).check()
    page.get_by_role("button", name="新建通知").click()
    expect(page.get_by_role("alert")).to_be_visible(timeout=SLOW)  # an address inside
    looked_at(page)
    page.get_by_label("名字", exact=True).fill("教务系统，地址很长的那一个")
    page.get_by_label("地址", exact=True).fill(receiver.url)
    page.get_by_label("阶段", exact=True).check()
    page.get_by_role("button", name="新建通知").click()
    secret = page.get_by_role("status").filter(has_text="只显示这一次").locator("code")
    expect(secret).to_contain_text("whsec_", timeout=SLOW)
    looked_at(page)
    tag(site)
    assert [send_all(site) for _ in range(2)] == [["waiting"]] * 2
    page.goto("/admin/webhooks")
    row = page.get_by_role("row").filter(has_text="教务系统")
    expect(row).to_contain_text("连续 2 次没有收下")
    looked_at(page)
    row.get_by_role("link").click()
    expect(page.get_by_role("row").filter(has_text="stage.moved")).to_contain_text("正在发送", timeout=SLOW)
    looked_at(page)
    assert send_all(site) == ["sent"]
    page.reload()
    sent = page.get_by_role("row").filter(has_text="stage.moved")
    expect(sent).to_contain_text("已收下")
    assert sent.get_by_role("cell").nth(2).inner_text() == "3"
    sent.get_by_role("button", name="重发").click()
    expect(sent).to_contain_text("正在发送", timeout=SLOW)
    assert send_all(site) == ["sent"]
    assert len({request.headers["webhook-id"] for request in receiver.came}) == 1
    assert len(receiver.came) == 4
    page.goto("/admin/webhooks")
    expect(page.get_by_role("row").filter(has_text="教务系统")).to_contain_text("正常")
    page.get_by_role("button", name="停用").click()
    expect(page.get_by_role("row").filter(has_text="教务系统")).to_contain_text("已停用", timeout=SLOW)
    looked_at(page)
