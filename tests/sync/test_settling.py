"""Whatever happens to tags, cards and events: after comparing, WeCom's tags equal ours and the ledger is whole."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from bot.agents.manual_moves import MoveRefusedError
from bot.commands.wecom import run_comparison
from bot.platform import clock
from bot.platform.environment import read_environment
from bot.platform.models import Customer, Outbox, Placement
from bot.system import System
from sop.tag_sync import Policy
from tests.support.fresh import bring_up
from tests.support.mirrors import CONFIG, STAGES, Pair, agree, replayed
from tests.support.parts import AGENT, COLLEAGUE, open_town, variables

AGENTS = (AGENT, COLLEAGUE)
_STAGE, _AGENT = st.sampled_from(STAGES), st.sampled_from(AGENTS)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), _AGENT, _STAGE),
        st.tuples(st.just("change"), _AGENT, _STAGE),
        st.tuples(st.just("remove"), _AGENT, _STAGE),
        st.tuples(st.just("other app"), _AGENT, _STAGE),
        st.tuples(st.just("drag"), _AGENT, _STAGE),
        st.tuples(st.just("rule"), _AGENT, _STAGE),
        st.tuples(st.just("event"), _AGENT, st.just("")),
        st.tuples(st.just("late event"), _AGENT, st.just("")),
        st.tuples(st.just("work"), _AGENT, st.just("")),
        st.tuples(st.just("refused"), _AGENT, st.just("")),
        st.tuples(st.just("half"), _AGENT, st.just("")),
        st.tuples(st.just("unanswered"), _AGENT, st.just("")),
        st.tuples(st.just("compare"), _AGENT, st.just("")),
    ),
    max_size=14,
)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory, valkey_server: str) -> Iterator[Pair]:
    """One board and its phones for all examples; each example has a customer of its own."""
    folder: Path = tmp_path_factory.mktemp("settling")
    (folder / "config.toml").write_text(CONFIG, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch, open_town(folder / "sandbox") as town:
        patch.setenv("TICI_CLOCK_FILE", str(folder / "clock"))
        given = variables(folder, town, TICI_REDIS_URL=valkey_server)
        system = System(read_environment(given))
        bring_up(system.store.engine)
        town.control.switches(limits=False)
        yield Pair(system, town.control)
        system.store.close()


@given(steps=STEPS, policy=st.sampled_from(["newest", "ours", "wecom"]))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_all_comes_to_agree(pair: Pair, steps: list[tuple[str, str, str]], policy: Policy) -> None:
    pair.who = ""
    pair.meet()
    pair.phone.add_customer(COLLEAGUE, "", external_userid=pair.who, welcome=False)
    pair.tell("add", COLLEAGUE)
    pair.work()
    for what, userid, stage in steps:
        do(pair, what, userid, stage)
    pair.phone.clear_faults()
    pair.phone.switches(partial_marks=0)
    pair.work()
    run_comparison(pair.system, policy)
    pair.work()
    check(pair, policy)
    settled = len(pair.ledger())
    for userid in AGENTS:
        pair.tell("edit", userid, at=clock.now() - timedelta(seconds=30))  # events that were lost come after all
    pair.work()
    assert len(pair.ledger()) == settled
    check(pair, policy)


def do(pair: Pair, what: str, userid: str, stage: str) -> None:
    """One step; events are told by steps of their own, or never."""
    if what in ("other app", "compare"):  # these call WeCom themselves
        pair.phone.clear_faults()
    if what == "add":
        pair.edit(userid, add=[stage])
    elif what == "change":
        pair.edit(userid, add=[stage], remove=[name for name in STAGES if name != stage])
    elif what == "remove":
        pair.edit(userid, remove=[stage])
    elif what == "other app":
        pair.other_app(add=[stage], userid=userid)
    elif what == "drag":
        try:
            pair.drag(stage)
        except MoveRefusedError:
            assert pair.on_board() == stage
    elif what == "rule":
        pair.by_rule(stage)
    elif what in ("event", "late event"):
        pair.tell("edit", userid, at=clock.now() - timedelta(minutes=5 * (what == "late event")))
    elif what == "work":
        pair.work()
    elif what == "refused":
        pair.phone.fault("externalcontact/mark_tag", errcode=45035)
    elif what == "half":
        pair.phone.switches(partial_marks=1)
    elif what == "unanswered":
        pair.phone.fault("externalcontact/mark_tag", status=502, after=True)
    elif what == "compare":
        run_comparison(pair.system, None)


def check(pair: Pair, policy: Policy) -> None:
    stage = pair.on_board()
    assert stage in STAGES
    assert replayed(pair.ledger()) == stage
    if policy == "wecom":  # which leaves a phone without a tag as it is
        assert {tuple(pair.on_phone(userid)) for userid in AGENTS} <= {(), (stage,)}
    else:
        agree(pair)
    with pair.system.store.read() as session:
        mine = select(Customer.id).where(Customer.external_userid == pair.who).scalar_subquery()
        places = select(func.count()).select_from(Placement).where(Placement.customer_id == mine)
        assert session.scalar(places) == 1
        failed = select(Outbox).where(Outbox.customer_id == mine, Outbox.state.in_(("failed", "unknown")))
        assert session.scalars(failed).all() == []
