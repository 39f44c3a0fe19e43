"""What no event told of is found by comparing, repaired by policy, and reported."""

from __future__ import annotations

import json
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bot.app import create_app
from bot.commands.wecom import run_comparison
from bot.platform import clock
from bot.platform.config.settings import parse_settings
from bot.platform.database.store import get_status
from bot.platform.models import Customer, Follow, Outbox, Placement, SopEnrolment
from bot.sync.nightly import STATUS, next_state
from bot.system import System
from bot.worker import jobs
from sop.tag_sync import Policy
from tests.support.mirrors import CONFIG, Pair, agree, replayed
from tests.support.parts import AGENT, COLLEAGUE, Town

SEEDS = 3  # the customers whom a fresh sandbox knows and we do not


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The config file, written before anything reads it."""
    path = tmp_path / "config.toml"
    path.write_text(CONFIG + NEWCOMERS, encoding="utf-8")
    return path


NEWCOMERS = """
[[sops]]
id = "hello"
on = "@added"
  [[sops.steps]]
  after = "1d"
  say = "您好"

[welcome]
say = "欢迎"
"""


@pytest.fixture
def pair(config: Path, system: System, sandbox: Town) -> Pair:
    """A customer of two agents, all settled; the seeds are already taken in."""
    assert config.exists()
    pair = Pair(system, sandbox.control)
    pair.meet()
    pair.phone.add_customer(COLLEAGUE, "", external_userid=pair.who, welcome=False)
    pair.tell("add", COLLEAGUE)
    pair.work()
    run_comparison(system, None)
    agree(pair)
    return pair


def command(pair: Pair, *arguments: str) -> dict[str, Any]:
    """`flask wecom reconcile ... --json`."""
    runner = create_app(pair.system).test_cli_runner()
    result = runner.invoke(args=["wecom", "reconcile", "--json", *arguments])
    assert result.exit_code == 0, result.output
    told: dict[str, Any] = json.loads(result.stdout)
    return told


def test_nothing_differs(pair: Pair) -> None:
    told = command(pair)
    assert (told["differences"], told["repairs"], told["follows"], told["agents"]) == (0, 0, SEEDS + 2, 4)


@pytest.mark.parametrize(("policy", "stage"), [("newest", "成交"), ("wecom", "成交"), ("ours", "新线索")])
def test_another_apps_edit_is_found_and_repaired(pair: Pair, policy: Policy, stage: str) -> None:
    pair.other_app(add=["成交"], remove=["新线索"])
    dry = command(pair, "--policy", policy, "--dry-run")
    assert (pair.on_board(), pair.on_phone(), dry["repairs"]) == ("新线索", ["成交"], 0)
    told = command(pair, "--policy", policy)
    assert told["by_kind"] == dry["by_kind"] == {"stage": 1}
    found = told["drift"][0]
    assert (found["userid"], found["ours"], found["theirs"]) == (AGENT, "新线索", "成交")
    assert (told["repairs"], told["failed"], told["open"]) == (1, 0, 0)
    assert pair.on_board() == stage
    agree(pair)
    assert command(pair, "--policy", policy)["differences"] == 0


@pytest.mark.parametrize(
    ("add", "remove", "kind", "stage"),
    [
        pytest.param(["成交"], [], "stages", "成交", id="two stage tags"),
        pytest.param([], ["新线索"], "stage", "新线索", id="tag missing"),
    ],
)
def test_kinds_of_drift(pair: Pair, add: list[str], remove: list[str], kind: str, stage: str) -> None:
    pair.other_app(add=add, remove=remove)
    assert command(pair)["by_kind"] == {kind: 1}
    assert pair.on_board() == stage
    agree(pair)


def test_without_a_tag_on_the_phone_wecoms_policy_leaves_it(pair: Pair) -> None:
    pair.other_app(remove=["新线索"])
    told = command(pair, "--policy", "wecom")
    assert (told["drift"][0]["repair"], told["repairs"]) == ("不动", 0)
    assert pair.on_phone() == []


def test_what_is_still_to_be_marked_is_no_drift(pair: Pair) -> None:
    pair.drag("成交")
    assert command(pair, "--dry-run")["differences"] == 0


@pytest.mark.parametrize(("hours", "greeted"), [(1, ["hello"]), (13, [])])
def test_a_contact_no_event_told_of(pair: Pair, hours: int, greeted: list[str]) -> None:
    """News of today begins as a newcomer does, though no welcome is possible; an old one is not greeted."""
    since = pair.phone.last_effect()
    who = pair.phone.add_customer(AGENT, "赵磊")["external_userid"]
    pair.phone.move_clock(hours * 3600)
    assert command(pair, "--dry-run")["by_kind"] == {"new": 1}
    assert command(pair)["by_kind"] == {"new": 1}
    assert (pair.on_board(who), pair.on_phone(who=who)) == ("新线索", ["新线索"])
    with pair.system.store.read() as session:
        customer = session.scalars(select(Customer).where(Customer.external_userid == who)).one()
        mine = SopEnrolment.customer_id == customer.id
        assert customer.name == "赵磊"
        assert session.scalars(select(SopEnrolment.sop_id).where(mine)).all() == greeted
    assert pair.phone.effects(since, "welcome") == []
    pair.tell("add", who=who)  # the event comes after all
    pair.work()
    assert replayed(pair.ledger(who)) == "新线索"


def test_a_contact_whose_phone_knows_the_stage(pair: Pair) -> None:
    """As after the loss of our database: what the phones say is all there is."""
    who = pair.phone.add_customer(AGENT, "赵磊")["external_userid"]
    pair.edit(add=["试听"], who=who)
    for policy in ("ours", "newest"):
        command(pair, "--policy", policy)
        assert (pair.on_board(who), pair.on_phone(who=who)) == ("试听", ["试听"])


def test_a_contact_that_ended_unheard(pair: Pair) -> None:
    pair.phone.part(AGENT, pair.who)
    assert command(pair)["differences"] == 0  # so young a contact may be missing from a list begun before
    pair.phone.move_clock(300)
    assert command(pair, "--dry-run")["by_kind"] == {"ended": 1}
    assert command(pair)["by_kind"] == {"ended": 1}
    with pair.system.store.read() as session:
        ended = {f.agent.userid: f.ended_by for f in session.scalars(select(Follow)) if f.ended_at is not None}
        assert ended == {AGENT: "agent"}
        agents = {e.agent_id: e.ended_because for e in session.scalars(select(SopEnrolment))}
        assert len([why for why in agents.values() if why]) == 1
    assert command(pair)["differences"] == 0


def test_an_unlicensed_agents_contacts_have_not_ended(pair: Pair) -> None:
    pair.phone.move_clock(300)
    pair.phone.post("members", {"userid": AGENT, "licensed": False})
    assert command(pair)["differences"] == 0


def test_who_has_deleted_the_agent_stays_gone(pair: Pair) -> None:
    """WeCom still lists them with the agent."""
    pair.phone.move_clock(300)
    pair.phone.part(AGENT, pair.who, by="customer")
    with pair.system.store.write() as session:
        for follow in session.scalars(select(Follow)):
            if follow.agent.userid == AGENT and follow.customer.external_userid == pair.who:
                follow.ended_at, follow.ended_by = clock.now(), "customer"
    assert command(pair)["differences"] == 0


def test_a_deleted_group_is_made_again_and_marked(pair: Pair) -> None:
    group = next(g for g in pair.system.wecom.corp_tags() if g["group_name"] == "课程转化")
    pair.system.wecom.post("externalcontact/del_corp_tag", data={"tag_id": [], "group_id": [group["group_id"]]})
    told = command(pair)
    assert told["by_kind"] == {"library": 5, "stage": SEEDS + 2}
    agree(pair)


def test_a_renamed_tag_is_drift_that_is_followed(pair: Pair) -> None:
    pair.system.wecom.post("externalcontact/edit_corp_tag", data={"id": pair.id_of("新线索"), "name": "新朋友"})
    told = command(pair)
    assert [drift["what"] for drift in told["drift"]] == [
        "阶段「新线索」的标签在企业微信里改名为「新朋友」，仍按同一个标签跟随"
    ]
    assert pair.on_phone() == ["新朋友"]


def test_ordinary_tags_are_compared(pair: Pair) -> None:
    pair.system.wecom.add_corp_tags("意向", ["高意向"])
    pair.system.wecom.mark_tag(AGENT, pair.who, add=[pair.id_of("高意向", "意向")])
    assert command(pair)["by_kind"] == {"tags": 1}
    assert set(pair.carried()) == {"高意向"}
    assert command(pair)["differences"] == 0


def test_the_nights_comparison_runs_once_and_goes_on(pair: Pair) -> None:
    jobs.reconcile()  # the first look only notes the day
    pair.other_app(add=["成交"], remove=["新线索"])
    jobs.reconcile()
    pair.work()
    assert pair.on_board() == "新线索"
    pair.phone.move_clock(86_400)
    local = clock.now().astimezone(pair.settings.zone)
    pair.phone.move_clock((datetime.combine(local.date(), time(23), local.tzinfo) - local).total_seconds() % 86_400)
    jobs.reconcile()
    pair.work()
    assert pair.on_board() == "成交"
    agree(pair)
    with pair.system.store.read() as session:
        status = get_status(session, STATUS)
        assert status is not None
        assert (status.value["done"], status.value["drift"], status.value["follows"]) == (True, 1, SEEDS + 2)
    pair.other_app(add=["试听"], remove=["成交"])
    jobs.reconcile()
    pair.work()
    assert pair.on_board() == "成交"


@pytest.mark.parametrize(
    ("known", "at", "day", "done"),
    [
        pytest.param(None, "2026-03-03T05:00", "2026-03-03", True, id="the first day is let be"),
        pytest.param(("2026-03-02", True), "2026-03-03T03:29", "2026-03-02", True, id="not yet"),
        pytest.param(("2026-03-02", True), "2026-03-03T03:30", "2026-03-03", False, id="now"),
        pytest.param(("2026-03-02", False), "2026-03-03T02:00", "2026-03-02", False, id="yesterday's goes on"),
        pytest.param(("2026-03-03", False), "2026-03-03T04:00", "2026-03-03", False, id="goes on where it stopped"),
        pytest.param(("2026-03-03", True), "2026-03-03T23:00", "2026-03-03", True, id="done for today"),
    ],
)
def test_when_a_night_is_due(known: tuple[str, bool] | None, at: str, day: str, done: bool) -> None:
    settings = parse_settings("")
    now = datetime.fromisoformat(at).replace(tzinfo=settings.zone).astimezone(UTC)
    before = None if known is None else {"day": known[0], "after": "x", "done": known[1], "drift": 1, "follows": 2}
    state = next_state(settings, before, now)
    assert (state["day"], state["done"]) == (day, done)
    assert state["after"] == ("x" if before and before["day"] == day else "")


def test_one_customer_has_one_place_and_no_errand_failed(pair: Pair) -> None:
    pair.phone.move_clock(timedelta(hours=1).total_seconds())
    for add in ("成交", "试听", "考虑价格"):
        pair.other_app(add=[add], userid=COLLEAGUE)
        command(pair)
        agree(pair)
    with pair.system.store.read() as session:
        assert len(session.scalars(select(Placement)).all()) == SEEDS + 1
        assert session.scalars(select(Outbox).where(Outbox.state == "failed")).all() == []
