"""Through real worker processes: phone to board and board to phone, each by the bell alone, without an echo."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import select

from bot.agents.manual_moves import move_by_hand
from bot.commands.demo.stack import Stack
from bot.customers.state import load_customer
from bot.ops.consistency import audit
from bot.platform import clock
from bot.platform.models import Customer, Placement, StageMove
from tests.support.mirrors import CONFIG, PIPELINE, replayed
from tests.support.parts import AGENT, COLLEAGUE

PATIENCE = 60.0  # seconds for what takes one
ROUNDS = 12
STAGES = ("考虑价格", "试听", "成交", "新线索")


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The whole product and its WeCom as child processes, with two workers."""
    folder = tmp_path_factory.mktemp("sync")
    (folder / "config.toml").write_text(CONFIG, encoding="utf-8")
    with Stack(folder / "var", folder / "config.toml", workers=2) as stack:
        yield stack
        assert audit(stack.system.store, clock.now(), running=False) == []


@pytest.fixture
def who(stack: Stack) -> str:
    """A customer of two agents, settled on the board and on both phones."""
    since = stack.control.last_effect()
    who: str = stack.control.add_customer(AGENT, "李女士")["external_userid"]
    stack.control.add_customer(COLLEAGUE, "", external_userid=who)
    until(lambda: shown(stack, who, since) == {AGENT: ["新线索"], COLLEAGUE: ["新线索"]})
    return who


def until(good: Callable[[], bool]) -> None:
    """Wait for something."""
    ends = time.monotonic() + PATIENCE
    while not good():
        assert time.monotonic() < ends, f"not within {PATIENCE} s"
        time.sleep(0.02)


def shown(stack: Stack, who: str, since: int = 0) -> dict[str, list[str]]:
    """The stage tags on each phone, by the latest change of each."""
    return {e["userid"]: e["now"] for e in stack.control.effects(since, "tags") if e["external_userid"] == who}


def marked(stack: Stack, who: str, wanted: dict[str, list[str]]) -> bool:
    """Whether the phones show it; WeCom takes one mark of a customer at a time and puts the next off by a second."""
    let_due(stack)
    return shown(stack, who) == wanted


def let_due(stack: Stack) -> None:
    """Let a worker take what has come due, which only the clock tells; rows whose call was lost are not found so."""
    stack.system.queue.enqueue_once("due", seconds=1)


def stands(stack: Stack, who: str) -> str | None:
    """The stage on the board. Two edits within a second bring equal events: the second is read a second later."""
    let_due(stack)
    with stack.system.store.read() as session:
        return session.scalar(select(Placement.stage).join(Customer).where(Customer.external_userid == who))


def drag(stack: Stack, who: str, to: str) -> None:
    """As the board's page does it."""
    with stack.system.work() as work:
        customer = work.session.scalars(select(Customer).where(Customer.external_userid == who)).one()
        state = load_customer(work.session, customer)
        move_by_hand(work, state, PIPELINE, to, "admin")


def test_both_ways_at_once_and_no_echo(stack: Stack, who: str) -> None:
    """What waited for a sweep would wait for ever: the scheduler is stopped, and only the bell is left."""
    scheduler = stack.child("scheduler")
    stack.stop(scheduler)
    before = "新线索"
    for number in range(ROUNDS):
        to = STAGES[number % len(STAGES)]
        both = {AGENT: [to], COLLEAGUE: [to]}
        if number % 2:
            drag(stack, who, to)
        else:
            stack.control.edit_customer(AGENT, who, add_tag=[to], remove_tag=[before])
            until(lambda to=to: stands(stack, who) == to)  # type: ignore[misc]
        until(lambda both=both: marked(stack, who, both))  # type: ignore[misc]
        before = to
    since = stack.control.last_effect()
    stack.start(scheduler)
    time.sleep(2.5)  # an echo would come now
    assert stack.control.effects(since, "tags") == []
    with stack.system.store.read() as session:
        moves = select(StageMove).join(Customer, Customer.id == StageMove.customer_id)
        ledger = session.scalars(moves.where(Customer.external_userid == who).order_by(StageMove.serial)).all()
    assert len(ledger) == 1 + ROUNDS
    assert replayed(ledger) == stands(stack, who) == before
