"""Who deleted the agent and is added anew: one stage tag on the phone, nothing invented, and SOPs that live."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from bot.agents.manual_moves import move_by_hand
from bot.platform import clock
from bot.platform.models import Follow, SopEnrolment, Tagging
from bot.platform.work import Work
from bot.sync.reconcile import agents_to_compare, compare_agents, start_comparison
from bot.system import System
from tests.support.mirrors import CONFIG, PIPELINE, Pair, agree
from tests.support.parts import AGENT, Town

LOST = (
    CONFIG.replace(
        '  { name = "成交", on = [], won = true },',
        '  { name = "成交", on = [], won = true },\n  { name = "流失", on = ["@lost"], lost = true },',
    )
    + """
[[sops]]
id = "hello"
on = "@added"
  [[sops.steps]]
  after = "1d"
  say = "您好，又见面了"
"""
)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(LOST, encoding="utf-8")
    return path


@pytest.fixture
def pair(config: Path, system: System, sandbox: Town) -> Pair:
    """A customer of one agent, all settled."""
    assert config.exists()
    pair = Pair(system, sandbox.control)
    pair.meet()
    agree(pair, [AGENT])
    return pair


def part(pair: Pair, by: str) -> None:
    """One of them deletes the other; the event arrives."""
    pair.phone.part(AGENT, pair.who, by)
    change = "del_follow_user" if by == "customer" else "del_external_contact"
    person = f"<UserID>{AGENT}</UserID><ExternalUserID>{pair.who}</ExternalUserID>"
    pair._event("change_external_contact", change, person, None)
    pair.work()


def come_back(pair: Pair) -> None:
    clock_later(pair, 60)
    pair.phone.add_customer(AGENT, "", external_userid=pair.who, welcome=False)
    pair.tell("add")
    pair.work()


def clock_later(pair: Pair, seconds: float) -> None:
    pair.phone.move_clock(seconds)


def night(pair: Pair) -> None:
    """The nightly comparison, and all that follows from it."""
    run = start_comparison(pair.system, None, clock.now())
    compare_agents(pair.system, run, agents_to_compare(pair.system))
    pair.work()


@pytest.mark.parametrize("by", ["customer", "agent"])
def test_one_stage_tag_and_no_change_by_a_person(pair: Pair, by: str) -> None:
    pair.system.wecom.add_corp_tags("意向", ["高意向"])
    pair.edit(add=["高意向"])
    pair.tell("edit")
    pair.work()
    part(pair, by)
    come_back(pair)
    agree(pair, [AGENT])
    before = len(pair.ledger())
    clock_later(pair, 3600)
    night(pair)
    agree(pair, [AGENT])
    assert len(pair.ledger()) == before, "the comparison moved no card"
    with pair.system.store.read() as session:
        mine = session.scalars(select(Tagging).where(Tagging.tag == "高意向")).all()
        assert [(row.removed_at, row.by) for row in mine] == [(None, "wecom")], "given once, by the person who did"
        assert session.scalars(select(SopEnrolment.sop_id).where(SopEnrolment.ended_at.is_(None))).all() == ["hello"]


@pytest.mark.parametrize("by", ["customer", "agent"])
@pytest.mark.parametrize("told", [True, False], ids=["later", "never"])
def test_a_parting_that_is_told_after_the_coming_back_ends_nothing(pair: Pair, by: str, told: bool) -> None:
    parted_at = clock.now()
    pair.phone.part(AGENT, pair.who, by)
    come_back(pair)
    if told:
        change = "del_follow_user" if by == "customer" else "del_external_contact"
        person = f"<UserID>{AGENT}</UserID><ExternalUserID>{pair.who}</ExternalUserID>"
        pair._event("change_external_contact", change, person, parted_at)
        pair.work()
    agree(pair, [AGENT])
    with pair.system.store.read() as session:
        assert session.scalars(select(Follow.ended_at)).all() == [None]
        assert session.scalars(select(SopEnrolment.sop_id).where(SopEnrolment.ended_at.is_(None))).all() == ["hello"]
    before = len(pair.ledger())
    night(pair)
    agree(pair, [AGENT])
    assert len(pair.ledger()) == before


def test_a_stage_left_by_hand_while_they_were_away_is_the_one_shown(pair: Pair) -> None:
    part(pair, "customer")
    with pair.system.store.write() as session:
        work = Work(session, pair.system.settings, clock.now())
        move_by_hand(work, pair.state(session), PIPELINE, "试听", "admin")
    come_back(pair)
    agree(pair, [AGENT])
    night(pair)
    agree(pair, [AGENT])
    assert pair.on_board() == "试听"


def test_an_agent_who_deleted_the_contact_as_well_kept_no_tags(pair: Pair) -> None:
    part(pair, "customer")
    part(pair, "agent")
    with pair.system.store.read() as session:
        assert session.scalars(select(Follow.ended_by)).all() == ["agent"]
    come_back(pair)
    agree(pair, [AGENT])
