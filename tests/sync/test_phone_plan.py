"""A group switched on for many customers: counted before, and written at a pace that WeCom bears."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.customers.phone_plan import PER_MINUTE, plan_phones
from bot.platform import clock
from bot.platform.config.settings import parse_settings
from bot.platform.models import Outbox
from bot.sync.reconcile import agents_to_compare, compare_agents, start_comparison
from tests.support.parts import COLLEAGUE
from tests.support.phones import OFF, PHONE, Phones


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(OFF, encoding="utf-8")
    return path


def more(pair: Phones, people: int) -> None:
    """Further customers of the first agent, each with a tag."""
    first = pair.who
    for number in range(people):
        pair.who = pair.meet(f"客户{number}")
        pair.give("重点")
    pair.who = first


def test_what_it_would_write_is_what_it_writes(pair: Phones, config: Path) -> None:
    pair.give("重点", "未回复")
    more(pair, 3)
    with pair.system.store.read() as session:
        plan = plan_phones(session, pair.settings, parse_settings(PHONE))
        assert plan is not None
        assert plan_phones(session, parse_settings(PHONE), parse_settings(PHONE)) is None
        pilot = parse_settings('[workspace]\npilot = ["' + COLLEAGUE.upper() + '"]\n' + PHONE)
        of_pilot = plan_phones(session, pair.settings, pilot)
        assert of_pilot is not None
        assert (of_pilot.customers, of_pilot.contacts, of_pilot.marks) == (1, 1, 2)
    assert (plan.made, plan.customers, plan.contacts, plan.marks) == (3, 4, 5, 7)
    pair.reload(config, PHONE)
    since = pair.phone.last_effect()
    pair.night()
    clock.move_forward(timedelta(minutes=1))
    pair.work()
    written = [one for one in pair.marks(since) if set(one["added"]) <= {"重点", "未回复"} and one["added"]]  # type: ignore[call-overload]
    assert (len(written), sum(len(one["added"]) for one in written)) == (plan.contacts, plan.marks)  # type: ignore[arg-type,misc]
    assert pair.both() == sorted(["重点", "未回复"])


def test_many_are_written_one_after_the_other(pair: Phones, config: Path) -> None:
    pair.give("重点")
    more(pair, 3)
    pair.reload(config, PHONE)
    for night in (1, 2):  # a second comparison goes on where the first will have ended
        run = start_comparison(pair.system, None, clock.now() + timedelta(milliseconds=night))
        compare_agents(pair.system, run, agents_to_compare(pair.system))
    with pair.system.store.read() as session:
        due = select(Outbox.not_before).where(Outbox.kind == "profile", Outbox.key.like("%:reconcile:%"))
        moments = sorted(session.scalars(due))
    apart = timedelta(minutes=1 / PER_MINUTE)
    assert len(moments) >= 8
    assert all(after - before >= apart * 0.9 for before, after in pairwise(moments))
