"""A stage renamed: cards, history and config at one moment or not at all, the tag on phones by its id."""

from __future__ import annotations

import tomllib
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.customers.stage_renaming import StageName, Touched, rename, touched, under_way
from bot.platform import clock
from bot.platform.config.file import ConfigEdit, read_config_text, save_config
from bot.platform.config.settings import Settings
from bot.platform.config.stage_names import rename_stage
from bot.platform.models import CorpTag, Placement, StageMove
from bot.platform.work import Work
from bot.system import System
from tests.support.mirrors import CONFIG, PIPELINE, Pair, agree, replayed
from tests.support.parts import AGENT, Town
from tests.support.rows import Rows

NAME = StageName(PIPELINE, "试听", "体验课")
CARDS = 20
THOUSAND = 1000


class StoppedError(Exception):
    """The process ends here."""


@pytest.fixture
def pair(tmp_path: Path, system: System, sandbox: Town) -> Pair:
    """A customer of one agent at the stage, known to WeCom, and some more on the board."""
    (tmp_path / "config.toml").write_text(CONFIG, encoding="utf-8")
    pair = Pair(system, sandbox.control)
    pair.meet()
    pair.drag("试听")
    pair.work()
    agree(pair, [AGENT])
    crowd(pair, CARDS)
    return pair


def crowd(pair: Pair, cards: int) -> None:
    with pair.system.store.write() as session:
        rows = Rows(session, clock.now())
        for _ in range(cards):
            rows.customer(stage="试听")


def renamed(pair: Pair, name: StageName = NAME, *, stop: bool = False) -> int:
    """Rename as the page does. stop: the process ends when the rows are written."""
    system, done = pair.system, list[int]()
    file = read_config_text(system.environment.config)

    def rows(session: Session, settings: Settings) -> None:
        done.append(rename(Work(session, settings, clock.now()), name))
        if stop:
            raise StoppedError

    text = rename_stage(file.text, name.pipeline, name.old, name.new).text
    save_config(system.keeper, ConfigEdit(text, file.stamp, "admin", "改名", rows), clock.now())
    return sum(done)


def standing(pair: Pair, stage: str) -> int:
    with pair.system.store.read() as session:
        count = select(func.count(Placement.id)).where(Placement.pipeline == PIPELINE, Placement.stage == stage)
        return session.scalar(count) or 0


def test_a_thousand_cards_their_history_and_the_phone_follow(pair: Pair) -> None:
    crowd(pair, THOUSAND - CARDS)
    with pair.system.store.read() as session:
        assert touched(session, PIPELINE, "试听") == Touched(THOUSAND + 1, THOUSAND + 1, 1)
        tag_id = session.scalars(select(CorpTag.tag_id).where(CorpTag.stage == "试听")).one()
    since = pair.phone.last_effect()
    assert renamed(pair) == THOUSAND + 1
    assert (standing(pair, "试听"), standing(pair, "体验课")) == (0, THOUSAND + 1)
    with pair.system.store.read() as session:
        assert under_way(session) == {(PIPELINE, "体验课")}
        assert session.scalar(select(func.count(StageMove.id)).where(StageMove.to_stage == "试听")) == 0
    pair.phone.move_clock(20)
    pair.work()
    agree(pair, [AGENT])
    assert (pair.on_board(), pair.on_phone()) == ("体验课", ["体验课"])
    assert pair.marks(since) == []  # nobody's phone was marked anew: the tag itself has the new name
    assert replayed(pair.ledger()) == "体验课"
    with pair.system.store.read() as session:
        tag = session.get_one(CorpTag, tag_id)
        assert (tag.name, tag.stage) == ("体验课", "体验课")
        assert under_way(session) == set()
    pair.drag("成交")
    pair.work()
    agree(pair, [AGENT])


def test_one_that_is_stopped_changed_nothing_and_can_be_done_again(pair: Pair) -> None:
    before = pair.system.environment.config.read_text(encoding="utf-8")
    with pytest.raises(StoppedError):
        renamed(pair, stop=True)
    assert (standing(pair, "试听"), standing(pair, "体验课")) == (CARDS + 1, 0)
    assert pair.system.environment.config.read_text(encoding="utf-8") == before
    with pair.system.store.read() as session:
        assert under_way(session) == set()
    assert renamed(pair) == CARDS + 1
    assert standing(pair, "体验课") == CARDS + 1


def test_who_is_brought_to_the_old_name_by_a_worker_that_has_not_looked_follows(pair: Pair) -> None:
    renamed(pair)
    with pair.system.store.write() as session:
        Rows(session, clock.now()).customer(stage="试听")
    pair.phone.move_clock(20)
    pair.work()
    assert (standing(pair, "试听"), standing(pair, "体验课")) == (0, CARDS + 2)


def test_a_name_that_wecom_refuses_leaves_the_tag_as_it_was_called(pair: Pair) -> None:
    renamed(pair)
    pair.phone.fault("externalcontact/edit_corp_tag", errcode=48002)
    pair.phone.move_clock(20)
    pair.work()
    assert (pair.on_board(), pair.on_phone()) == ("体验课", ["试听"])
    pair.tell("edit")
    pair.work()
    assert pair.on_board() == "体验课"
    pair.drag("成交")
    pair.work()
    agree(pair, [AGENT])


def test_and_back_again(pair: Pair) -> None:
    renamed(pair)
    pair.phone.move_clock(20)
    pair.work()
    assert renamed(pair, StageName(PIPELINE, "体验课", "试听")) == CARDS + 1
    pair.phone.move_clock(int(timedelta(seconds=20).total_seconds()))
    pair.work()
    agree(pair, [AGENT])
    made = tomllib.loads(pair.system.environment.config.read_text(encoding="utf-8"))
    assert made == tomllib.loads(CONFIG)
