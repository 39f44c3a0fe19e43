"""A stage tag set by mistake and set back on the phone: what followed is taken back, as on the board."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from bot.platform.models import SopEnrolment
from bot.sops.undoing import UNDONE
from bot.system import System
from sop.stopping import reason_of
from tests.support.mirrors import CONFIG, Pair
from tests.support.parts import Town

SOPS = """
[[sops]]
id = "lead"
stage = "新线索"
stop = ["moved"]
  [[sops.steps]]
  after = "3d"
  say = "还在考虑吗"

[[sops]]
id = "trial"
stage = "试听"
stop = ["left"]
  [[sops.steps]]
  after = "1d"
  say = "试听课这样来"
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(CONFIG + SOPS, encoding="utf-8")
    return path


@pytest.fixture
def pair(config: Path, system: System, sandbox: Town) -> Pair:
    assert config.exists()
    pair = Pair(system, sandbox.control)
    pair.meet()
    return pair


def enrolments(pair: Pair) -> list[tuple[str, str | None]]:
    """Each SOP they were put on, in order, and why it has ended."""
    with pair.system.store.read() as session:
        rows = session.scalars(select(SopEnrolment).order_by(SopEnrolment.id))
        return [(row.sop_id, row.ended_because) for row in rows]


def test_a_stage_set_back_on_the_phone_takes_back_what_followed(pair: Pair) -> None:
    assert enrolments(pair) == [("lead", None)]
    pair.edit(add=["试听"], remove=["新线索"])
    pair.tell("edit")
    pair.work()
    assert enrolments(pair) == [("lead", reason_of("moved")), ("trial", None)]
    pair.edit(add=["新线索"], remove=["试听"])
    pair.tell("edit")
    pair.work()
    assert enrolments(pair) == [("lead", None), ("trial", UNDONE)]
