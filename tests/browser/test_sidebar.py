"""The sidebar in a real browser with WeCom's own JS-SDK: a tap really sends, and the archive proves it."""

from __future__ import annotations

import json
import math
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, FrameLocator, Page, Route, expect

from bot.platform import clock
from bot.platform.models import Account, SopTask
from bot.platform.signed_links import task_url
from tests.browser.looking import fits
from tests.browser.with_sandbox import CUSTOMER, ProductWithSandbox, product_with_sandbox
from tests.support.parts import AGENT, CONFIG, FIRST_STEP

PHONE = {"width": 375, "height": 760}
IN_WECOM = "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/120 Mobile MicroMessenger/7.0.1 wxwork/4.1.36"
PATIENCE = 30_000
MOST_BYTES = 100_000
TURNS = 2.5  # times one word of plain text; 1.4 of them are usual
SLOW_4G = {"offline": False, "latency": 150, "downloadThroughput": 1_600_000 / 8, "uploadThroughput": 750_000 / 8}
# A bridge as WeCom's client injects it; here it leads to the sandbox, by way of the test.
BRIDGE = """
window.WeixinJSBridge = {
  invoke: (name, params, callback) => window.askClient(name, JSON.stringify(params), location.href).then(
    (answer) => callback(JSON.parse(answer))),
  on: () => {},
};
"""


@pytest.fixture
def demo(tmp_path: Path, valkey: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[ProductWithSandbox]:
    """The demo: the sandbox's phone shows the sidebar in a frame."""
    with product_with_sandbox(tmp_path, valkey, monkeypatch) as product:
        product.ask_price()
        yield product


@pytest.fixture
def troubles() -> list[str]:
    return []


@pytest.fixture
def page(chromium: Browser, troubles: list[str]) -> Iterator[Page]:
    """A page without console errors (other than answers a test provokes), policy violations or foreign requests."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.on("console", lambda said: troubles.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on(
        "request", lambda asked: None if asked.url.startswith("http://127.0.0.1:") else troubles.append(asked.url)
    )
    yield page
    context.close()


def open_beside(page: Page, product: ProductWithSandbox) -> FrameLocator:
    """The agent's phone in the sandbox, with the sidebar open beside the chat."""
    page.goto(f"{product.sandbox}/?agent={AGENT}&customer={CUSTOMER}")
    page.frame_locator("iframe.frame").locator("#board").wait_for(timeout=PATIENCE)  # the board signs the player in
    page.get_by_text("提词侧边栏").click()
    return page.frame_locator("[data-beside] iframe")


def sent_texts(product: ProductWithSandbox) -> list[str]:
    return [e["text"] for e in product.control.effects(0, "said") if e["sender"] == AGENT]


def test_a_tap_sends_once_and_the_archive_proves_it(
    page: Page, demo: ProductWithSandbox, troubles: list[str]
) -> None:
    beside = open_beside(page, demo)
    due = beside.locator(".say.due")
    expect(due.locator(".words")).to_have_text(FIRST_STEP, timeout=PATIENCE)
    due.get_by_role("button", name="发送").dblclick()
    expect(due).to_contain_text("已点发送，等存档证实", timeout=PATIENCE)
    expect(page.locator(".phone.wechat")).to_contain_text(FIRST_STEP, timeout=PATIENCE)
    assert sent_texts(demo) == [FIRST_STEP]
    assert demo.tasks()[0].state in ("planned", "queued", "delivered")
    demo.pull()
    done = demo.tasks()[0]
    assert (done.state, done.outcome) == ("completed", "exact")
    expect(beside.locator(".words", has_text=FIRST_STEP)).to_have_count(0, timeout=PATIENCE)
    assert sent_texts(demo) == [FIRST_STEP]
    assert troubles == []


def test_one_tap_sends_text_and_attachments(page: Page, demo: ProductWithSandbox, troubles: list[str]) -> None:
    links = [{"kind": "link", "title": title, "url": f"https://example.com/{title}"} for title in ("课表", "作品")]
    with demo.system.store.write() as session:
        session.get_one(SopTask, demo.tasks()[0].id).attach = links
    beside = open_beside(page, demo)
    due = beside.locator(".say.due")
    due.get_by_role("button", name="发送，连同 2 个附件").click(timeout=PATIENCE)
    expect(page.locator(".phone.wechat")).to_contain_text("作品", timeout=PATIENCE)
    assert sent_texts(demo) == [FIRST_STEP, "", ""]  # and two links, which have no words of their own
    demo.pull()
    done = demo.tasks()[0]
    assert (done.state, sorted(done.attached)) == ("completed", [0, 1])
    assert troubles == []


def test_a_refusal_comes_in_words_with_copying_as_the_way_out(page: Page, demo: ProductWithSandbox) -> None:
    demo.control.fault("jssdk/sendChatMessage", text="fail no permission")
    beside = open_beside(page, demo)
    due = beside.locator(".say.due")
    due.get_by_role("button", name="发送").click(timeout=PATIENCE)
    expect(beside.locator("#notice")).to_contain_text("企业微信不允许", timeout=PATIENCE)
    expect(due.get_by_role("button", name="复制")).to_have_class("weui-btn weui-btn_default hint")
    assert sent_texts(demo) == []
    assert demo.tasks()[0].tapped_at is None
    due.get_by_role("button", name="发送").click()
    expect(page.locator(".phone.wechat")).to_contain_text(FIRST_STEP, timeout=PATIENCE)


def test_whoever_thinks_better_of_it_is_told_nothing(page: Page, demo: ProductWithSandbox) -> None:
    demo.control.fault("jssdk/sendChatMessage", text="cancel")
    beside = open_beside(page, demo)
    due = beside.locator(".say.due")
    with page.expect_response("**/sidebar/unsent"):
        due.get_by_role("button", name="发送").click(timeout=PATIENCE)
    expect(due.get_by_role("button", name="发送")).to_be_enabled()
    expect(beside.locator("#notice")).to_be_empty()
    expect(due.get_by_role("button", name="复制")).not_to_have_class("weui-btn weui-btn_default hint")
    assert sent_texts(demo) == []


def test_stage_and_later_are_a_tap_away(page: Page, demo: ProductWithSandbox, troubles: list[str]) -> None:
    beside = open_beside(page, demo)
    beside.get_by_text("考虑价格", exact=True).first.click(timeout=PATIENCE)
    beside.get_by_role("button", name="成交").click()
    expect(beside.locator(".stage summary")).to_contain_text("成交", timeout=PATIENCE)
    later = beside.locator(".menu summary", has_text="稍后").first
    if later.count():
        later.click()
        beside.get_by_role("button", name="2 小时后").first.click()
        expect(beside.locator("#notice")).to_have_text("已推迟", timeout=PATIENCE)
    assert troubles == []


def ask_client(product: ProductWithSandbox, name: str, params: str, url: str) -> str:
    """What the client of this agent, in the chat with this customer, answers."""
    given: dict[str, Any] = {"name": name, "params": json.loads(params), "url": url}
    given |= {"userid": AGENT, "external_userid": CUSTOMER}
    asked = urllib.request.Request(f"{product.sandbox}/page/bridge", json.dumps(given).encode())
    with urllib.request.urlopen(asked, timeout=30) as answer:
        return str(answer.read().decode())


@pytest.fixture
def real(tmp_path: Path, valkey: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[ProductWithSandbox]:
    """As in a company: no demo, no stand-in; one signs in by WeCom."""
    with product_with_sandbox(tmp_path, valkey, monkeypatch, demo=False) as product:
        product.ask_price()
        yield product


@pytest.fixture
def phone(chromium: Browser, real: ProductWithSandbox) -> Iterator[Page]:
    """The agent's phone: WeCom's browser, its bridge, and the client that knows who they are."""
    context = chromium.new_context(viewport=PHONE, user_agent=IN_WECOM)  # type: ignore[arg-type]
    context.add_cookies([{"name": "sandbox_agent", "value": AGENT, "url": real.sandbox}])
    page = context.new_page()
    page.expose_function("askClient", lambda name, params, url: ask_client(real, name, params, url))
    page.add_init_script(BRIDGE)
    yield page
    context.close()


def test_one_is_signed_in_silently(phone: Page, real: ProductWithSandbox) -> None:
    phone.goto(f"{real.web}/sidebar")  # sign-in by WeCom, without a tap
    expect(phone.locator(".say.due .words")).to_have_text(FIRST_STEP, timeout=PATIENCE)
    with real.system.store.read() as session:
        assert session.query(Account).one().role == "agent"


def first_paint(page: Page) -> float:
    """When the page's first words were painted, in milliseconds from its beginning."""
    script = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
    page.wait_for_function(script, timeout=PATIENCE)
    return float(page.evaluate(script))


def test_it_is_light_and_painted_after_few_turns_on_a_slow_phone(phone: Page, real: ProductWithSandbox) -> None:
    """Beside one word of plain text on the same phone in the same moment: that is what one turn to the server costs,
    and nothing is painted sooner."""
    phone.goto(f"{real.web}/sidebar")
    tools = phone.context.new_cdp_session(phone)
    tools.send("Network.enable")
    tools.send("Network.emulateNetworkConditions", SLOW_4G)
    tools.send("Emulation.setCPUThrottlingRate", {"rate": 4})
    over_the_wire: list[float] = []
    tools.on("Network.loadingFinished", lambda event: over_the_wire.append(event["encodedDataLength"]))
    paint = control = math.inf
    for _ in range(6):
        tools.send("Network.clearBrowserCache")
        phone.goto(f"{real.web}/healthz")
        control = min(control, first_paint(phone))
        tools.send("Network.clearBrowserCache")
        over_the_wire.clear()
        phone.goto(f"{real.web}/sidebar")
        expect(phone.locator(".say.due .words")).to_have_text(FIRST_STEP, timeout=PATIENCE)
        assert 20_000 < sum(over_the_wire) < MOST_BYTES
        paint = min(paint, first_paint(phone))
        if paint <= TURNS * control:
            break
    assert paint <= TURNS * control


@pytest.mark.parametrize("width", [320, 375])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_narrow_screens(phone: Page, real: ProductWithSandbox, width: int, scheme: Any) -> None:
    phone.emulate_media(color_scheme=scheme)
    phone.set_viewport_size({"width": width, "height": 640})
    phone.goto(f"{real.web}/sidebar")
    expect(phone.locator(".say.due .words")).to_have_text(FIRST_STEP, timeout=PATIENCE)
    fits(phone)


def task_page(product: ProductWithSandbox) -> str:
    """The address on the card of the first step."""
    task = product.tasks()[0]
    return task_url(product.web, task.ref, task.agent_id, product.system.signing_key, clock.now())


def test_a_task_leads_into_its_customers_chat_with_one_tap(phone: Page, real: ProductWithSandbox) -> None:
    phone.goto(task_page(real))
    phone.get_by_role("button", name="去聊天").click()
    expect(phone.get_by_text("话已复制，到聊天里粘贴")).to_be_visible(timeout=PATIENCE)
    assert [e["customers"] for e in real.control.effects(0, "chat_opened")] == [[CUSTOMER]]
    fits(phone)


def test_where_the_client_cannot_the_way_to_the_chat_is_said(phone: Page, real: ProductWithSandbox) -> None:
    real.control.fault("jssdk/openEnterpriseChat", text="fail no permission")
    phone.goto(task_page(real))
    phone.get_by_role("button", name="去聊天").click()
    expect(phone.get_by_text("打开聊天，长按粘贴")).to_be_visible(timeout=PATIENCE)


def test_words_are_changed_and_sent_beside_the_chat(
    page: Page, demo: ProductWithSandbox, troubles: list[str]
) -> None:
    due = open_beside(page, demo).locator(".say.due")
    due.get_by_text("改一改再发").click(timeout=PATIENCE)
    due.get_by_label("要发的话").fill("姐，我先把课表给您看看")
    due.get_by_role("button", name="发送改过的").click()
    expect(page.locator(".phone.wechat")).to_contain_text("姐，我先把课表给您看看", timeout=PATIENCE)
    assert sent_texts(demo) == ["姐，我先把课表给您看看"]
    assert troubles == []


def test_outside_a_chat_it_says_where_to_open_it(chromium: Browser, real: ProductWithSandbox) -> None:
    context = chromium.new_context(viewport=PHONE)  # type: ignore[arg-type]
    context.add_cookies([{"name": "sandbox_agent", "value": AGENT, "url": real.sandbox}])
    page = context.new_page()
    page.goto(f"{real.web}/sign-in/wecom?next=/sidebar")
    page.locator(f'a[href*="{AGENT}"]').click()  # stands for scanning the QR code
    expect(page.get_by_role("heading", level=1)).to_have_text("请从聊天里打开", timeout=PATIENCE)
    context.close()


ANSWERS = """
[[answers]]
id = "invoice"
category = "售后"
ask = ["发票怎么开"]
say = "付款后在订单里点开票就可以"
"""


def test_a_wording_is_searched_and_sent_and_stays_while_the_panel_renews(
    page: Page, tmp_path: Path, valkey: str, monkeypatch: pytest.MonkeyPatch, troubles: list[str]
) -> None:
    with product_with_sandbox(tmp_path, valkey, monkeypatch, CONFIG + ANSWERS) as product:
        product.ask_price()
        beside = open_beside(page, product)
        expect(beside.locator(".say.due .words")).to_have_text(FIRST_STEP, timeout=PATIENCE)
        beside.get_by_role("searchbox", name="找话术").fill("fp")
        beside.get_by_role("button", name="找", exact=True).click()
        found = beside.locator("#found .say")
        expect(found.locator(".words")).to_have_text("付款后在订单里点开票就可以", timeout=PATIENCE)
        found.get_by_role("button", name="发送").click()
        expect(found).to_contain_text("已点发送", timeout=PATIENCE)
        expect(page.locator(".phone.wechat")).to_contain_text("付款后在订单里点开票就可以", timeout=PATIENCE)
        assert sent_texts(product) == ["付款后在订单里点开票就可以"]
    assert troubles == []


def test_an_own_wording_is_kept_changed_and_removed_beside_the_chat(
    page: Page, tmp_path: Path, valkey: str, monkeypatch: pytest.MonkeyPatch, troubles: list[str]
) -> None:
    with product_with_sandbox(tmp_path, valkey, monkeypatch, CONFIG + ANSWERS) as product:
        product.ask_price()
        beside = open_beside(page, product)
        expect(beside.locator(".say.due .words")).to_have_text(FIRST_STEP, timeout=PATIENCE)
        beside.get_by_text("记一条我的话术").click()
        fresh = beside.locator(".own-new form")
        fresh.get_by_label("客户会怎么问").fill("能试听吗")
        fresh.get_by_label("怎样回答").fill("可以的，我发您一节体验课")
        fresh.get_by_role("button").click()
        expect(fresh.get_by_label("怎样回答")).to_be_empty(timeout=PATIENCE)  # it is kept
        beside.get_by_role("searchbox", name="找话术").fill("st")
        beside.get_by_role("button", name="找", exact=True).click()
        found = beside.locator("#found .say")
        expect(found).to_have_count(1, timeout=PATIENCE)
        expect(found.locator(".words")).to_have_text("可以的，我发您一节体验课", timeout=PATIENCE)
        beside.get_by_text("修改或删除").click()
        changing = found.locator("form[data-own]").first
        changing.get_by_label("怎样回答").fill("可以试听，一节都行")
        changing.get_by_role("button").click()
        expect(found.locator(".words")).to_have_text("可以试听，一节都行", timeout=PATIENCE)
        found.get_by_role("button", name="发送", exact=True).click()
        expect(found).to_contain_text("已点发送", timeout=PATIENCE)
        assert sent_texts(product) == ["可以试听，一节都行"]
        beside.get_by_text("修改或删除").click()
        found.get_by_role("button", name="删除", exact=True).click()
        expect(found).to_have_count(0, timeout=PATIENCE)
    assert troubles == []


def test_an_answer_that_comes_late_does_not_cover_what_was_looked_for_since(
    page: Page, tmp_path: Path, valkey: str, monkeypatch: pytest.MonkeyPatch, troubles: list[str]
) -> None:
    with product_with_sandbox(tmp_path, valkey, monkeypatch, CONFIG + ANSWERS) as product:
        product.ask_price()
        beside = open_beside(page, product)
        expect(beside.locator(".say.due .words")).to_have_text(FIRST_STEP, timeout=PATIENCE)
        held: list[Route] = []
        page.route("**/sidebar/answers", lambda route: held.append(route))
        look_for = beside.get_by_role("searchbox", name="找话术")
        for words in ("宇宙飞船", "fp"):
            look_for.fill(words)
            beside.get_by_role("button", name="找", exact=True).click()
        page.wait_for_timeout(200)
        earlier, later = held
        later.continue_()
        found = beside.locator("#found .say .words")
        expect(found).to_have_text("付款后在订单里点开票就可以", timeout=PATIENCE)
        with page.expect_response("**/sidebar/answers"):
            earlier.continue_()
        page.wait_for_timeout(200)
        expect(found).to_have_text("付款后在订单里点开票就可以")
    assert troubles == []
