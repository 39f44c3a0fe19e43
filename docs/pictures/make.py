"""Makes the pictures of the README: starts a demo of its own, plays a little story in it, and photographs the pages.

.venv/bin/python docs/pictures/make.py        (after `make setup-tests`; needs /usr/bin/chromium and CJK fonts)
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode

from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright
from sqlalchemy import select

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(ROOT))

from bot.commands.demo.stack import Stack  # noqa: E402
from bot.platform import clock  # noqa: E402
from bot.platform.models import Agent, Customer, Outbox, SopTask, Tagging  # noqa: E402

CHROMIUM = "/usr/bin/chromium"
AGENT = "LinXiaoyu"
OTHERS = ("ChenGuoan", "ZhouMin")
COMPANY = "education"
STAGE = "考虑价格"
PATIENCE = 120.0  # a busy machine
WIDE: ViewportSize = {"width": 1440, "height": 900}
LOW: ViewportSize = {"width": 1440, "height": 420}
TALL: ViewportSize = {"width": 1080, "height": 1000}
PHONE: ViewportSize = {"width": 390, "height": 844}


def main() -> None:
    """Play, then photograph."""
    config = ROOT / "config.toml"
    with tempfile.TemporaryDirectory(prefix="tici-pictures-") as folder, _company(Path(folder), config) as stack:
        heroine = play(stack)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            photograph(browser, stack, heroine)
            browser.close()


def _company(folder: Path, config: Path) -> Stack:
    """The demo's whole company: three weeks of conversations in every stage."""
    return Stack(folder, config, playbook=COMPANY)


def play(stack: Stack) -> str:
    """A handful of customers at different stages; returns the one who has just asked for the price."""
    told(stack, OTHERS[0], "陈静", "你们的课多少钱?")
    answered(stack, OTHERS[0], "陈静")
    told(stack, OTHERS[1], "何先生", "我零基础可以学吗")
    told(stack, OTHERS[0], "刘倩", "9.9元我付好了")
    told(stack, OTHERS[1], "唐志强", "199元已经付了")
    told(stack, OTHERS[1], "马丽", "我想报名0元课")
    return told(stack, AGENT, "孙晓梅", "你们的课多少钱?")


def told(stack: Stack, agent: str, name: str, words: str) -> str:
    """A customer adds an agent and says something; back when all that follows has left."""
    who = str(stack.control.add_customer(agent, name)["external_userid"])
    until(f"{name} is met", lambda: find(stack, name) == who and not leaving(stack))
    stack.control.say(who, agent, words)
    until(f"{name} is understood", lambda: tags(stack, who) > 0)
    until("all has left", lambda: not leaving(stack))
    return who


def answered(stack: Stack, agent: str, name: str) -> None:
    """The agent sends the prompt with an end of her own; the customer answers."""
    who = find(stack, name)
    until(f"{name}'s card", lambda: "delivered" in states(stack, who))
    task = next(task for task in tasks(stack, who) if task.state == "delivered")
    stack.control.say(agent, who, task.text.replace("我按您的情况推荐，不多花钱。", "我帮您挑一档合适的。"))
    until("the proof", lambda: "completed" in states(stack, who))
    stack.control.say(who, agent, "好的，我先看看，谢谢")
    until("the answer", lambda: "replied" in states(stack, who))


def find(stack: Stack, name: str) -> str:
    with stack.system.store.read() as session:
        people = session.execute(select(Customer.external_userid, Customer.name))
        return next((row.external_userid for row in people if row.name == name), "")


def tags(stack: Stack, who: str) -> int:
    query = select(Tagging.id).join(Customer, Customer.id == Tagging.customer_id)
    with stack.system.store.read() as session:
        return len(session.scalars(query.where(Customer.external_userid == who)).all())


def tasks(stack: Stack, who: str) -> list[SopTask]:
    query = select(SopTask).join(Customer, Customer.id == SopTask.customer_id).order_by(SopTask.due_at)
    with stack.system.store.read() as session:
        return list(session.scalars(query.where(Customer.external_userid == who)))


def states(stack: Stack, who: str) -> list[str]:
    return [task.state for task in tasks(stack, who)]


def leaving(stack: Stack) -> bool:
    """Whether something is on its way; what waits for a later hour (asking again for a consent) is not."""
    now = Outbox.state.in_(("waiting", "sending")) & (Outbox.not_before <= clock.now())
    with stack.system.store.read() as session:
        return session.scalar(select(Outbox.id).where(now).limit(1)) is not None


def until(what: str, holds: Callable[[], bool]) -> None:
    """Wait for it, no longer than PATIENCE seconds."""
    ends = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > ends:
            raise SystemExit(f"not seen within {PATIENCE:.0f} s: {what}")
        time.sleep(0.1)


def photograph(browser: Browser, stack: Stack, who: str) -> None:
    """The demo in three columns, the agent's app with its card, the board, a customer's page, and two phones."""
    phones = {"agent": AGENT, "customer": who}
    with stack.system.store.read() as session:
        customer_id = session.scalars(select(Customer.id).where(Customer.external_userid == who)).one()
        agent_id = session.scalars(select(Agent.id).where(Agent.key == AGENT.casefold())).one()
    tables = stack.system.settings.tables
    rule = next(rule.id for rule in tables.rules if rule.tag == STAGE)
    sop = next(sop.id for sop in tables.sops if sop.stage == STAGE)
    context = browser.new_context(locale="zh-CN", timezone_id="Asia/Shanghai")
    context.new_page().goto(stack.board)  # the key opens the other pages of this browser too
    shots = (
        ("demo", WIDE, f"{stack.sandbox_url}/?{urlencode(phones)}"),
        ("card", WIDE, f"{stack.sandbox_url}/?{urlencode({**phones, 'view': 'app'})}"),
        ("board", LOW, stack.board),
        ("customer", TALL, f"{stack.web_url}/c/{customer_id}"),
        ("board-phone", PHONE, stack.board),
        ("task-phone", PHONE, task_link(stack)),
        ("tasks-phone", PHONE, f"{stack.web_url}/tasks?agent={agent_id}"),
        ("rule", WIDE, f"{stack.web_url}/rules/r/{rule}/edit"),
        ("sop", TALL, f"{stack.web_url}/sops/s/{sop}"),
        ("reports", WIDE, f"{stack.web_url}/reports"),
    )
    for name, size, url in shots:
        page = context.new_page()
        page.set_viewport_size(size)
        shoot(page, url, HERE / f"{name}.png")
        page.close()


def task_link(stack: Stack) -> str:
    """The address behind the last card that our agent got."""
    cards = [e["template_card"] for e in stack.control.effects(0, "message") if e.get("userid") == AGENT]
    return str(cards[-1]["card_action"]["url"])


def shoot(page: Page, url: str, path: Path) -> None:
    answer = page.goto(url)
    if answer is None or not answer.ok:
        raise SystemExit(f"{path.name}: {answer.status if answer else 'no answer'} from {url}")
    page.wait_for_timeout(2500)
    for part in page.frames:  # a narrow board shows one column at a time: the one where something has happened
        column = part.locator(".stage-link", has_text=STAGE)
        if column.count() and column.first.is_visible():
            column.first.click()
            page.wait_for_timeout(800)
    page.screenshot(path=path)
    sys.stdout.write(f"{path.relative_to(ROOT)}  {path.stat().st_size // 1024} KB\n")


if __name__ == "__main__":
    main()
