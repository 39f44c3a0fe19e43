"""Each role's day in a real browser, against the whole product beside a WeCom of its own.

One product for all of them; each day brings customers of its own. Pictures of every page lie in pytest's folder.
"""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import select

from bot.agents import accounts
from bot.agents.members import ask_member
from bot.customers.identity import find_agents
from bot.platform import clock
from bot.platform.models import Customer, Placement, SopTask, Tagging
from bot.platform.signed_links import board_url
from tests.browser.looking import column, drag, fits
from tests.browser.test_sidebar import BRIDGE, IN_WECOM
from tests.browser.with_sandbox import ProductWithSandbox, product_with_sandbox
from tests.support.engine import send_all
from tests.support.parts import AGENT, ASK, CONFIG, FIRST_STEP

GOOD = "correct horse battery"
ELSEWHERE, BOSS = "ZhouMin", "WuTong"  # of another department; who leads AGENT's
PATIENCE = 30_000
DESK, PHONE = {"width": 1440, "height": 900}, {"width": 375, "height": 760}


@dataclass
class Life:
    """The running product, and browsers that must stay without console errors and foreign requests."""

    product: ProductWithSandbox
    chromium: Browser
    pictures: Path
    contexts: list[BrowserContext] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)

    def browser(self, **options: Any) -> Page:
        context = self.chromium.new_context(**{"viewport": DESK, "base_url": self.product.web, **options})
        context.set_default_timeout(PATIENCE)
        self.contexts.append(context)
        page = context.new_page()
        page.on("console", lambda said: self.note(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: self.note(str(error)))
        ours = (self.product.web, self.product.sandbox, "data:")
        page.on("request", lambda asked: None if asked.url.startswith(ours) else self.note(asked.url))
        return page

    def note(self, text: str) -> None:
        self.troubles.append(text)

    def by_password(self, name: str, path: str) -> Page:
        page = self.browser()
        page.goto(f"/sign-in?next={path}")
        page.get_by_text("用名字和密码登录").click()
        page.get_by_label("名字").fill(name)
        page.get_by_label("密码").fill(GOOD)
        page.get_by_role("button", name="登录", exact=True).click()
        return page

    def look(self, page: Page, name: str) -> None:
        """A picture, and that the page is not wider than its screen."""
        page.screenshot(path=self.pictures / f"{name}.png")
        fits(page, name)

    def meet(self, agent: str, name: str, words: str) -> int:
        """A new customer of the agent says something; their id."""
        who = str(self.product.control.add_customer(agent, name)["external_userid"])
        self.say(who, agent, words)
        with self.product.system.store.read() as session:
            return session.scalars(select(Customer.id).where(Customer.external_userid == who)).one()

    def say(self, who: str, to: str, words: str) -> None:
        self.product.control.say(who, to, words)
        self.product.pull()
        self.deliver()

    def deliver(self) -> None:
        """What a worker would do, until nothing is left."""
        for _ in range(20):
            if not send_all(self.product.system):
                return

    def userid(self, customer: int) -> str:
        with self.product.system.store.read() as session:
            return session.get_one(Customer, customer).external_userid

    def stage(self, customer: int) -> str:
        with self.product.system.store.read() as session:
            return session.scalars(select(Placement.stage).where(Placement.customer_id == customer)).one()

    def tags(self, customer: int) -> set[str]:
        with self.product.system.store.read() as session:
            return set(session.scalars(select(Tagging.tag).where(Tagging.customer_id == customer)))

    def wecom_tags(self, customer: int) -> set[str]:
        """The tags that the customer has in WeCom itself."""
        who = self.userid(customer)
        rows = [row for row in self.product.control.state()["follows"] if row["external_userid"] == who]
        return {tag for row in rows for tag in row["tags"]}


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory, valkey_server: str) -> Iterator[ProductWithSandbox]:
    folder = tmp_path_factory.mktemp("product")
    with (
        pytest.MonkeyPatch.context() as patch,
        product_with_sandbox(folder, valkey_server, patch, demo=False) as product,
    ):
        now = clock.now()
        with product.system.work(now) as work:
            session = work.session
            for name, role in (("root", "admin"), ("looker", "auditor"), ("helper", "agent")):
                accounts.create_account(session, accounts.NewAccount(name, GOOD, role), "test", now)
            for agent in find_agents(session, [AGENT, ELSEWHERE, BOSS], now).values():
                ask_member(work, agent, "test")
        yield product


@pytest.fixture
def life(product: ProductWithSandbox, chromium: Browser, tmp_path: Path) -> Iterator[Life]:
    life = Life(product, chromium, tmp_path)
    life.deliver()
    yield life
    for context in life.contexts:
        context.close()
    # a form that is refused is answered 422, which the browser calls an error; no other there may be
    assert [one for one in life.troubles if "422" not in one] == []


def until(holds: Callable[[], bool]) -> None:
    """Wait for what the page has set going."""
    ends = time.monotonic() + PATIENCE / 1000
    while not holds():
        assert time.monotonic() < ends
        time.sleep(0.05)


def test_the_admin_edits_a_rule_that_bites_on_the_next_message(life: Life) -> None:
    config = life.product.system.environment.config
    before = life.meet(AGENT, "先问的人", "你们的学费怎么算")
    assert life.tags(before) == set()
    page = life.by_password("root", "/rules/r/ask-price/edit")
    page.get_by_label("任意一个").fill("多少钱\n学费")
    life.look(page, "rule")
    page.get_by_role("button", name="保存").click()
    expect(page.get_by_role("status").first).to_contain_text("已保存")
    after = life.meet(AGENT, "后问的人", "你们的学费怎么算")
    assert life.stage(after) == "考虑价格"
    assert life.tags(before) == set()
    page.goto("/board")
    expect(column(page, "考虑价格").get_by_text("后问的人")).to_be_visible()
    life.look(page, "board-admin")

    edited = config.read_text(encoding="utf-8")
    page.goto("/rules/file")
    page.locator("textarea[name=text]").fill(edited + "\nnonsense = [")
    page.get_by_role("button", name="保存").click()
    expect(page.locator("#problems .jump").first).to_be_visible()
    assert config.read_text(encoding="utf-8") == edited
    page.goto("/rules/history")
    life.look(page, "history")
    page.locator("tbody tr").last.get_by_role("link").click()
    page.locator("#restore-form button[type=submit], #restore-form .button").first.click()
    until(lambda: config.read_text(encoding="utf-8") == CONFIG)
    assert life.tags(life.meet(AGENT, "最后问的人", "你们的学费怎么算")) == set()


def test_the_admin_gives_a_role_and_reads_the_doctor(life: Life) -> None:
    page = life.by_password("root", "/admin/people")
    page.get_by_label("helper 的角色").select_option("auditor")
    expect(page.locator("#toasts")).not_to_be_empty()
    life.look(page, "people")
    page.goto("/admin/doctor")
    expect(page.locator(".findings li").nth(20)).to_be_visible()
    life.look(page, "doctor")
    page.goto("/admin/log")
    expect(page.get_by_role("main")).to_contain_text("helper")
    life.look(page, "log")


def test_the_leader_sees_his_department_and_moves_cards_by_mouse_and_keys(life: Life) -> None:
    ours, theirs = life.meet(AGENT, "本部门的人", "你好"), life.meet(ELSEWHERE, "别部门的人", "你好")
    page = life.browser()
    page.goto("/board")
    page.get_by_role("link", name="用企业微信登录").click()
    page.locator(f'a[href*="{BOSS}"]').click()  # stands for scanning the QR code
    expect(page.get_by_text("本部门的人")).to_be_visible()
    expect(page.get_by_text("别部门的人")).to_have_count(0)
    assert page.request.get(f"/c/{theirs}").status == 404
    assert page.request.get(f"/c/{ours}").status == 200
    assert page.request.get("/admin").status == 404
    life.look(page, "board-leader")

    drag(page, ours, "成交")
    expect(column(page, "成交").locator(f"#card-{ours}")).to_be_visible()
    expect(page.get_by_text("本部门的人 已移到「成交」")).to_be_visible()
    life.deliver()
    assert life.wecom_tags(ours) == {"成交"}
    page.locator(f"#open-{ours}").focus()
    page.keyboard.press("m")
    page.keyboard.press("ArrowDown")  # of 新线索 and 考虑价格, the second
    page.keyboard.press("Enter")
    expect(column(page, "考虑价格").locator(f"#card-{ours}")).to_be_visible()
    until(lambda: life.stage(ours) == "考虑价格")
    life.deliver()
    assert life.stage(ours) == "考虑价格"
    assert life.wecom_tags(ours) == {"考虑价格"}
    page.goto("/tasks")
    life.look(page, "tasks-leader")
    page.goto("/reports")
    life.look(page, "reports")


def test_the_agent_works_through_the_day_on_a_phone_inside_wecom(life: Life) -> None:
    mine, theirs = life.meet(AGENT, "手机上的人", ASK), life.meet(ELSEWHERE, "同事的人", ASK)
    page = life.browser(viewport=PHONE, user_agent=IN_WECOM, has_touch=True)
    page.context.add_cookies([{"name": "sandbox_agent", "value": AGENT, "url": life.product.sandbox}])
    page.goto("/tasks")  # signed in by WeCom without a tap
    expect(page.locator(".todo", has_text=FIRST_STEP).filter(has_text="手机上的人").first).to_be_visible()
    expect(page.get_by_text("同事的人")).to_have_count(0)
    assert page.request.get(f"/c/{theirs}").status == 404
    life.look(page, "tasks-phone")

    beside = page.context.new_page()
    beside.expose_function(
        "askClient", lambda name, params, url: ask_client(life, life.userid(mine), name, params, url)
    )
    beside.add_init_script(BRIDGE)
    beside.goto("/sidebar")
    due = beside.locator(".say.due")
    expect(due.locator(".words")).to_have_text(FIRST_STEP)
    life.look(beside, "sidebar-phone")
    due.get_by_role("button", name="发送").click()
    expect(due).to_contain_text("已点发送，等存档证实")
    life.product.pull()
    with life.product.system.store.read() as session:
        steps = session.scalars(select(SopTask).where(SopTask.customer_id == mine)).all()
        assert [(s.state, s.outcome) for s in steps if s.text == FIRST_STEP] == [("completed", "exact")]
    page.goto("/tasks")
    expect(page.locator(".todo.done", has_text="手机上的人")).to_be_visible()
    life.look(page, "tasks-phone-done")
    page.goto(f"/c/{mine}")
    life.look(page, "customer-phone")


def ask_client(life: Life, customer: str, name: str, params: str, url: str) -> str:
    """What WeCom's client on the first agent's phone, in the chat with this customer, answers."""
    given = {"name": name, "params": json.loads(params), "url": url, "userid": AGENT, "external_userid": customer}
    asked = urllib.request.Request(f"{life.product.sandbox}/page/bridge", json.dumps(given).encode())
    with urllib.request.urlopen(asked, timeout=30) as answer:
        return str(answer.read().decode())


def test_the_auditor_reads_everything_and_changes_nothing(life: Life) -> None:
    someone = life.meet(AGENT, "被看的人", ASK)
    page = life.by_password("looker", "/admin/log")
    expect(page.get_by_role("main")).to_contain_text("looker")
    page.goto(f"/c/{someone}")
    expect(page.get_by_role("heading", level=1)).to_have_text("被看的人")
    life.look(page, "customer-auditor")
    page.goto("/admin/views")
    expect(page.get_by_role("main")).to_contain_text("looker")
    page.goto("/board")
    expect(page.get_by_text("被看的人")).to_be_visible()
    assert page.locator(".card-menu, #mover").count() == 0
    token = json.loads(page.locator("main").get_attribute("hx-headers") or "")
    for path in (f"/c/{someone}/move", f"/c/{someone}/tag", f"/c/{someone}/erase", "/rules/save", "/rules/file"):
        assert page.request.post(path, headers=token).status == 404, path


def test_whoever_has_the_boards_link_looks_at_board_and_customers_alone(life: Life) -> None:
    someone = life.meet(AGENT, "路过的人", ASK)
    page = life.browser()
    page.goto(board_url(life.product.web, life.product.system.signing_key, clock.now()))
    page.get_by_text("路过的人").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("路过的人")
    life.look(page, "customer-watcher")
    token = json.loads(page.locator("main").get_attribute("hx-headers") or "")
    assert page.request.post(f"/c/{someone}/tag", headers=token).status == 404
    for path in ("/tasks", "/rules", "/reports", "/admin", "/sops", "/groups"):
        assert page.request.get(path).status == 404, path
