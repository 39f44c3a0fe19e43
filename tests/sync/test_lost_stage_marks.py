"""A stage's tag that WeCom set, whose answer was lost, never passes for a move by hand: also where it was new."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.platform import clock
from bot.platform.models import Outbox
from bot.system import System
from bot.worker import jobs
from tests.support.mirrors import CONFIG, PIPELINE, Pair, agree
from tests.support.parts import AGENT, Town

MARK = "externalcontact/mark_tag"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(CONFIG, encoding="utf-8")
    return path


@pytest.fixture
def pair(config: Path, system: System, sandbox: Town) -> Pair:
    assert config.exists()
    return Pair(system, sandbox.control)


def lose_the_answer(pair: Pair) -> None:
    """The tags are made, then one is set, and no answer to that comes."""
    pair.phone.fault(MARK, times=-1, status=502, after=True)
    for _ in range(3):
        pair.work_once()
    pair.phone.clear_faults()


def tell_of_the_edit(pair: Pair) -> None:
    """WeCom tells that the phone's tags were changed; it does not tell by whom."""
    pair.tell("edit", at=clock.now() + timedelta(seconds=2))
    pair.work()


def test_the_first_tag_of_a_company(pair: Pair) -> None:
    pair.who = pair.phone.add_customer(AGENT, "李女士", welcome=False)["external_userid"]
    pair.tell("add")
    jobs.handle_events()
    lose_the_answer(pair)
    assert pair.on_phone() == ["新线索"]
    pair.by_rule("考虑价格")
    tell_of_the_edit(pair)
    assert [move.to_stage for move in pair.ledger()] == ["新线索", "考虑价格"]
    agree(pair, [AGENT])


def test_a_tag_made_anew_after_somebody_deleted_it(pair: Pair) -> None:
    pair.meet()
    gone = {"tag_id": [pair.id_of(name) for name in ("考虑价格", "试听")]}
    pair.system.wecom.post("externalcontact/del_corp_tag", data=gone)
    pair.by_rule("考虑价格")
    pair.work_once()  # WeCom does not know the tag
    lose_the_answer(pair)
    assert pair.on_phone() == ["考虑价格"]
    pair.by_rule("已约试听")
    tell_of_the_edit(pair)
    assert [move.to_stage for move in pair.ledger()] == ["新线索", "考虑价格", "试听"]
    agree(pair, [AGENT])


def test_a_tag_that_cannot_be_made_is_said_and_nothing_is_asked_for_ever(pair: Pair) -> None:
    pair.meet()
    before = len(pair.marks())
    pair.phone.fault(MARK, times=-1, errcode=40068)
    pair.by_rule("考虑价格")
    pair.work()
    assert len(pair.marks()) == before
    assert pair.on_phone() == ["新线索"]
    with pair.system.store.read() as session:
        given_up = select(Outbox.payload).where(Outbox.kind == "mark_tag", Outbox.state == "failed")
        assert [payload["pipeline"] for payload in session.scalars(given_up)] == [PIPELINE]
