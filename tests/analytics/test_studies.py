"""Backtests and searches for rules in pieces: the same figures as the command line, never twice, ended at will."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import insert

from bot import cli
from bot.analytics import studies
from bot.analytics.studies import advance, any_open, ask_backtest, ask_mining, cancel_study, outcome_of
from bot.platform import clock
from bot.platform.database.store import Store, take_lease
from bot.platform.environment import read_environment
from bot.platform.models import Customer, Message, Study, Tagging
from bot.platform.work import Work
from bot.system import System
from tests.support.parts import CONFIG, variables

DRAFT = CONFIG.replace('any = ["多少钱"]', 'any = ["价格", "学费"]\nnegated = "match"')
WORDS = ("多少钱", "价格呢", "你好", "学费怎么算", "不谈价格", "在吗")


@pytest.fixture
def system(store: Store, tmp_path: Path) -> System:
    system = System(read_environment(variables(tmp_path, TICI_DATABASE_URL=store.url)))
    system.__dict__["store"] = store
    return system


def fill(store: Store, customers: int, each: int) -> None:
    now, seq = clock.now(), 0
    with store.write() as session:
        for customer in range(1, customers + 1):
            session.execute(insert(Customer).values(id=customer, external_userid=f"wm{customer}", created_at=now))
            for number in range(each):
                seq += 1
                text = WORDS[(customer * 7 + number) % len(WORDS)]
                session.add(
                    Message(
                        msgid=f"m{seq}", seq=seq, action="send", kind="text", sender="x", role="customer", raw="{}",
                        customer_id=customer, sent_at=now - timedelta(days=2, minutes=seq), stored_at=now, text=text,
                    )
                )  # fmt: skip


def ask(system: System, draft: str = DRAFT) -> int:
    settings = system.settings
    with system.store.write() as session:
        return ask_backtest(Work(session, settings, clock.now()), draft, "WuTong").id


def finish(system: System) -> int:
    for count in range(1, 200):
        if not advance(system, clock.now()):
            return count
    raise AssertionError("it never ends")


def read(system: System, study_id: int) -> Study:
    with system.store.read() as session:
        return session.get_one(Study, study_id)


def by_command(system: System, folder: Path) -> dict[str, Any]:
    (folder / "draft.toml").write_text(DRAFT, encoding="utf-8")
    app = Flask("tici-test")
    app.extensions["tici"] = system
    cli.register(app)
    given = ["rules", "backtest", "--config", str(folder / "draft.toml"), "--processes", "1", "--json"]
    result = app.test_cli_runner().invoke(args=given)
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.output)
    return found


def figures(tags: Any) -> list[tuple[str, int, int, int, int]]:
    return sorted((one["tag"], one["before"], one["after"], one["gained"], one["lost"]) for one in tags)


def test_a_backtest_in_pieces_says_what_the_command_line_says(
    system: System, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(studies, "PIECE_MESSAGES", 20)
    fill(system.store, customers=30, each=5)
    study_id = ask(system)
    assert finish(system) > 5
    study = read(system, study_id)
    assert (study.state, study.messages) == ("done", 150)
    found = outcome_of(study.result)
    assert found is not None
    told = by_command(system, tmp_path)
    assert (found.customers, found.messages) == (told["customers"], told["messages"]) == (30, 150)
    mine = sorted((one.tag, one.before, one.after, one.gained, one.lost) for one in found.tags)
    assert mine == figures(told["tags"])
    assert sum(gained for _, _, _, gained, _ in mine) > 0
    assert found.tags[0].gains[0].text in WORDS


def test_a_piece_that_two_workers_did_counts_once(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(studies, "PIECE_MESSAGES", 20)
    fill(system.store, customers=15, each=4)  # three pieces
    study_id = ask(system)
    assert advance(system, clock.now())  # the plan
    done = read(system, study_id)
    for _ in range(2):
        assert advance(system, clock.now())
    counted, came_to = outcome_of(read(system, study_id).result), read(system, study_id).piece
    with system.store.write() as session:  # a second worker held the lease after the first one froze
        held = take_lease(session, "study", system.owner, 60)
    assert held is not None
    studies._record(system, held, done, studies._backtest_piece(system, done), clock.now())
    assert outcome_of(read(system, study_id).result) == counted
    assert read(system, study_id).piece == came_to == 2


def test_only_one_worker_at_a_time(system: System) -> None:
    fill(system.store, customers=2, each=1)
    ask(system)
    with system.store.write() as session:
        assert take_lease(session, "study", "somebody else", 60) is not None
    assert advance(system, clock.now()) is False
    with system.store.read() as session:
        assert any_open(session)


def test_cancelled_it_ends_and_keeps_what_it_had(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(studies, "PIECE_MESSAGES", 10)
    fill(system.store, customers=20, each=3)
    study_id = ask(system)
    advance(system, clock.now())
    advance(system, clock.now())
    with system.store.write() as session:
        assert cancel_study(session, study_id, clock.now())
        assert not cancel_study(session, study_id, clock.now())
    assert advance(system, clock.now()) is False
    study = read(system, study_id)
    assert study.state == "cancelled"
    assert outcome_of(study.result) is not None


def test_a_draft_that_cannot_be_used_fails_with_its_reason_and_the_next_one_goes_on(system: System) -> None:
    fill(system.store, customers=2, each=1)
    broken = ask(system, "nonsense")
    good = ask(system)
    finish(system)
    assert read(system, broken).state == "failed"
    assert "nonsense" in read(system, broken).why or "TOML" in read(system, broken).why
    assert read(system, good).state == "done"


def test_of_no_messages_nothing_comes(system: System) -> None:
    study_id = ask(system)
    finish(system)
    found = outcome_of(read(system, study_id).result)
    assert found is not None
    assert (read(system, study_id).state, found.messages) == ("done", 0)


def test_proposals_are_found_in_the_background(system: System) -> None:
    now = clock.now()
    with system.store.write() as session:
        for customer in range(1, 60):
            text = "怎么报名呢" if customer < 7 else "你好呀"
            session.execute(insert(Customer).values(id=customer, external_userid=f"wm{customer}", created_at=now))
            session.add(
                Message(
                    msgid=f"m{customer}", seq=customer, action="send", kind="text", sender="x", role="customer",
                    raw="{}", customer_id=customer, sent_at=now - timedelta(hours=1), stored_at=now, text=text,
                )
            )  # fmt: skip
            if customer < 7:
                session.add(Tagging(customer_id=customer, tag="高意向", by="human", version="v", tagged_at=now))
    settings = system.settings
    with system.store.write() as session:
        study_id = ask_mining(Work(session, settings, now), "WuTong").id
    finish(system)
    study = read(system, study_id)
    assert study.state == "done"
    (best, *_) = study.result["proposals"]
    assert (best["tag"], best["before"]) == ("高意向", 6)
    assert "报名" in best["phrase"]


def test_a_conduct_rule_is_tried_on_what_agents_said_to_customers_and_in_groups(system: System, store: Store) -> None:
    now = clock.now()
    with store.write() as session:
        session.execute(insert(Customer).values(id=1, external_userid="wm1", created_at=now))
        for number, (customer, room, role) in enumerate(
            [(1, "", "agent"), (1, "", "customer"), (None, "wrA", "agent"), (None, "wrA", "robot")]
        ):
            session.add(
                Message(
                    msgid=f"m{number}", seq=number, action="send", kind="text", sender="x", role=role, raw="{}",
                    customer_id=customer, roomid=room, sent_at=now, stored_at=now, text="转我微信吧",
                )
            )  # fmt: skip
    rule = '\n[[rules]]\nid = "p"\nkind = "conduct"\ntitle = "私下转账"\nfrom = "agent"\nany = ["转我微信"]\n'
    study = ask(system, CONFIG + rule + 'match = "text"\n')
    finish(system)
    outcome = outcome_of(read(system, study).result)
    assert outcome is not None
    assert [(one.tag, one.gained) for one in outcome.tags if one.gained] == [("私下转账", 2)]
    assert (outcome.customers, outcome.messages, read(system, study).messages) == (1, 3, 3)
