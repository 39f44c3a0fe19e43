"""A pilot: everything is judged, and what nobody asked for leaves for its agents alone; ending it floods nobody."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.analytics.pilot import tables
from bot.analytics.table import ReportScope, ReportTable
from bot.ops.pilot import watch_pilot
from bot.platform import clock
from bot.platform.config.settings import parse_settings
from bot.platform.models import Follow, Outbox
from bot.platform.pilot import UNASKED
from bot.platform.work import About, Work
from bot.system import System
from bot.worker.handlers import HANDLERS
from sop.pilot import WITHHELD, is_outside_pilot, unknown_in_pilot
from tests.support.mass import CONFIG as MASS_CONFIG
from tests.support.mass import Mass
from tests.support.papers import CONFIG, write_files
from tests.support.parts import AGENT, Town

ASKED = {
    "own_follow_up", "app_text", "card_change", "group_poll", "group_cancel", "alarm", "log_digest", "profile",
    "library", "member", "departments", "material", "group_chat", "media", "consent", "webhook", "forget", "week",
    "stage_tag",
}  # fmt: skip
"""What goes on for everybody: answers, reminders to oneself, readings, what tidies up, what tells of Tici itself."""
ON = '[workspace]\npilot = ["ZhangSan"]\nname = "一"\n'


@pytest.fixture
def mass(tmp_path: Path, system: System, sandbox: Town) -> Mass:
    """A customer whose agent is not in the pilot."""
    write_files(tmp_path)
    _configure(system, CONFIG.replace("[workspace]", ON))
    mass = Mass(system, sandbox.control)
    mass.meet(1)
    return mass


def _configure(system: System, text: str) -> None:
    system.environment.config.write_text(text, encoding="utf-8")
    system.__dict__.pop("keeper", None)
    clock.move_forward(timedelta(seconds=5))
    assert system.settings.source == text


def test_each_kind_of_row_is_kept_back_or_asked_for() -> None:
    """A new kind of row must say here which it is."""
    assert set(UNASKED) | ASKED == set(HANDLERS)
    assert not set(UNASKED) & ASKED


@pytest.mark.parametrize(
    ("pilot", "outside"),
    [(None, False), ([], True), (["linxiaoyu"], False), (["LinXiaoyu", "B"], False), (["B"], True)],
)
def test_who_is_outside(pilot: list[str] | None, outside: bool) -> None:
    assert is_outside_pilot(pilot, "LinXiaoyu") is outside


def test_names_that_nobody_has_met_are_told() -> None:
    assert unknown_in_pilot(["LinXiaoyu", "LinXiaoyv"], {"linxiaoyu"}) == ["LinXiaoyv"]


def test_an_empty_pilot_is_warned_of() -> None:
    assert any("pilot" in warning for warning in parse_settings("[workspace]\npilot = []\n").warnings)
    assert parse_settings('[workspace]\npilot = ["A"]\n').warnings == parse_settings("").warnings


def test_an_agent_outside_gets_no_card_and_all_is_judged(mass: Mass) -> None:
    mass.work()
    before = mass.phone.last_effect()
    mass.start(tag="要资料")
    mass.work()
    task = mass.task(mass.who[0])
    assert (task.state, task.ended_because) == ("cancelled", WITHHELD)
    assert [row.error for row in mass.rows("card")] == [WITHHELD]
    assert mass.phone.effects(before, "message") == []


@pytest.mark.parametrize("kind", sorted(set(UNASKED) - {"digest", "group_send", "group_remind"}))
def test_no_kind_leaves_for_them(mass: Mass, kind: str) -> None:
    """Kept back before its handler sees it. Lists and mass messages below; without these nothing reminds of them."""
    row = _put(mass, kind, {"to": "leader", "prompt_id": 0})
    mass.work()
    with mass.system.store.read() as session:
        assert session.get_one(Outbox, row).error == WITHHELD


@pytest.mark.parametrize("kind", ["digest", "group_send"])
def test_the_steps_of_a_list_or_a_mass_message_end_with_it(mass: Mass, kind: str) -> None:
    if kind == "digest":
        mass.start(tag="要资料")
        with mass.system.store.write() as session:
            session.query(Outbox).filter_by(kind="card").delete()
        _put(mass, kind, {"task_ids": [mass.task(mass.who[0]).id]})
    else:
        _configure(mass.system, MASS_CONFIG.replace("[workspace]", ON))
        mass.start()
    for _ in range(3):
        mass.later(seconds=30)
        mass.work()
    assert mass.task(mass.who[0]).state == "cancelled"
    assert mass.made() == []


def _put(mass: Mass, kind: str, payload: dict[str, object]) -> int:
    with mass.system.work() as work:
        follow = work.session.scalars(select(Follow)).one()
        row = work.send(kind, f"{kind}:test", payload, About(follow.customer_id, follow.agent_id))
    return row.id


def test_the_pilots_own_agent_gets_theirs(mass: Mass) -> None:
    _configure(mass.system, CONFIG.replace("[workspace]", ON.replace("ZhangSan", AGENT.upper())))
    mass.work()
    mass.start(tag="要资料")
    mass.work()
    assert mass.task(mass.who[0]).state == "delivered"


def test_ending_it_sends_nothing_of_before(mass: Mass) -> None:
    mass.work()
    mass.start(tag="要资料")
    mass.work()
    before = mass.phone.last_effect()
    _configure(mass.system, CONFIG)
    for _ in range(3):
        mass.later(hours=9)
        mass.work()
    assert mass.phone.effects(before, "message") == []
    assert mass.task(mass.who[0]).state == "cancelled"


def test_the_report_counts_what_was_kept_back(mass: Mass) -> None:
    mass.work()
    mass.start(tag="要资料")
    mass.work()
    found = {table.name: table.rows for table in _tables(mass)}
    (row, absent) = found["pilot-agents"]
    assert row[1:] == ["试点之外", 0, 0, 0, 1, 0, 0]
    assert absent[:2] == ["ZhangSan", "没有找到这位员工"]
    assert found["pilot-kinds"] == [["提醒卡片", 0, 1]]


def _tables(mass: Mass) -> list[ReportTable]:
    now = clock.now() + timedelta(seconds=1)
    with mass.system.store.read() as session:
        return tables(session, mass.system.settings, ReportScope(now - timedelta(days=30), now, None))


def test_three_days_on_it_is_told_once(mass: Mass) -> None:
    text = CONFIG.replace("[workspace]", ON) + f'\n[overdue]\nleaders = ["{AGENT}"]\n'
    _configure(mass.system, text)
    told = [_watch(mass, hours) for hours in (0, 71, 2, 1)]
    assert told == [0, 0, 1, 0]
    (row,) = mass.rows("app_text")
    assert "试点三天了" in row.payload["text"]
    assert row.payload["text"].endswith("https://example.com/reports?report=pilot")


def _watch(mass: Mass, hours: float) -> int:
    mass.later(hours=hours)
    with mass.system.store.write() as session:
        return watch_pilot(Work(session, mass.system.settings, clock.now()), "https://example.com")
