"""Through real worker processes: phone to board and board to phone, each within three seconds, without an echo."""

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

PROMPT = 3.0  # seconds
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
    until(lambda: shown(stack, who, since) == {AGENT: ["新线索"], COLLEAGUE: ["新线索"]}, 20)
    return who


def until(good: Callable[[], bool], seconds: float) -> float:
    """Wait for something; the seconds it took."""
    began = time.monotonic()
    while not good():
        if time.monotonic() - began > seconds:
            raise AssertionError(f"not within {seconds} s")
        time.sleep(0.02)
    return time.monotonic() - began


def shown(stack: Stack, who: str, since: int = 0) -> dict[str, list[str]]:
    """The stage tags on each phone, by the latest change of each."""
    return {e["userid"]: e["now"] for e in stack.control.effects(since, "tags") if e["external_userid"] == who}


def stands(stack: Stack, who: str) -> str | None:
    with stack.system.store.read() as session:
        return session.scalar(select(Placement.stage).join(Customer).where(Customer.external_userid == who))


def drag(stack: Stack, who: str, to: str) -> None:
    """As the board's page does it."""
    with stack.system.work() as work:
        customer = work.session.scalars(select(Customer).where(Customer.external_userid == who)).one()
        state = load_customer(work.session, customer)
        move_by_hand(work, state, PIPELINE, to, "admin")


def test_both_ways_within_three_seconds_and_no_echo(stack: Stack, who: str) -> None:
    took: dict[str, list[float]] = {"phone to board": [], "board to phones": []}
    before = "新线索"
    for number in range(ROUNDS):
        to = STAGES[number % len(STAGES)]
        both = {AGENT: [to], COLLEAGUE: [to]}
        if number % 2:
            drag(stack, who, to)
            took["board to phones"].append(until(lambda both=both: shown(stack, who) == both, 10))  # type: ignore[misc]
        else:
            stack.control.edit_customer(AGENT, who, add_tag=[to], remove_tag=[before])
            took["phone to board"].append(until(lambda to=to: stands(stack, who) == to, 10))  # type: ignore[misc]
            until(lambda both=both: shown(stack, who) == both, PROMPT)  # type: ignore[misc]
        before = to
    since = stack.control.last_effect()
    time.sleep(2.5)  # an echo would come now
    assert stack.control.effects(since, "tags") == []
    with stack.system.store.read() as session:
        moves = select(StageMove).join(Customer, Customer.id == StageMove.customer_id)
        ledger = session.scalars(moves.where(Customer.external_userid == who).order_by(StageMove.serial)).all()
    assert len(ledger) == 1 + ROUNDS
    assert replayed(ledger) == stands(stack, who) == before
    print({way: [round(max(seconds), 2), round(sum(seconds) / len(seconds), 2)] for way, seconds in took.items()})  # noqa: T201
    assert max(took["phone to board"] + took["board to phones"]) <= PROMPT
