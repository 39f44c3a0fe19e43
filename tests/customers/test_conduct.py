"""What agents say and a rule about conduct hears: kept for their leaders, with nothing for the customer in it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from bot.agents.conduct import RIGHT, judge_finding
from bot.agents.conduct_notices import KIND, TellAgentOfConduct, TellOfConduct, tell_of_conduct
from bot.analytics.conduct import conduct_tables
from bot.delivery.handler import NotNeededError
from bot.platform.config.settings import Settings, parse_settings
from bot.platform.database.store import Store
from bot.platform.models import (
    Account,
    Agent,
    ConductFinding,
    Customer,
    Evidence,
    GroupChat,
    Message,
    Outbox,
    StageMove,
    Tagging,
)
from bot.platform.work import Work
from bot.privacy.dependent_rows import delete_dependent_rows, dependent_rows_of
from bot.privacy.retention import KINDS
from tests.intake.test_batch_cost import counted
from tests.support.archived import CHEN, CONFIG, LIN, NOW, ROOM, WANG, ZHAO, Archived, said

RULES = """
[workspace]
workdays = "everyday"

[[rules]]
id = "private"
kind = "conduct"
title = "私下转账"
from = "agent"
any = ["转我微信"]
match = "text"

[[rules]]
id = "insult"
kind = "conduct"
title = "辱骂客户"
from = "agent"
any = ["有病吧"]
match = "text"
"""
SETTINGS = parse_settings(CONFIG + RULES, examples=False)
OURS: dict[str, Any] = {"from": LIN, "tolist": [WANG]}
IN_GROUP: dict[str, Any] = {"from": LIN, "tolist": [WANG, CHEN], "roomid": ROOM}
BAD = "学费转我微信就行"


@pytest.fixture
def archived(store: Store) -> Archived:
    return Archived(store, SETTINGS)


def findings(archived: Archived) -> list[tuple[str, bool]]:
    """The rules that found something, and whether it was said to one customer."""
    return [(row.rule_id, row.customer_id is not None) for row in archived.rows(ConductFinding)]


def test_it_is_found_once_in_a_talk_and_in_a_group_and_nothing_else_follows(archived: Archived) -> None:
    archived.say("在吗")
    archived.say("大家好", **IN_GROUP)
    before = [len(archived.rows(model)) for model in (Evidence, Tagging, StageMove, Outbox)]
    archived.say(BAD, 1, msgid="twice_external", **OURS)
    archived.say(BAD, 1, msgid="twice_external", **OURS)
    archived.say("你有病吧", 2, **IN_GROUP)
    assert findings(archived) == [("private", True), ("insult", False)]
    row = archived.rows(ConductFinding)[0]
    assert (row.title, row.spans, row.judged) == ("私下转账", [["转我微信", 2, 6]], "")
    assert [len(archived.rows(model)) for model in (Evidence, Tagging, StageMove, Outbox)] == before


def test_customers_words_quotes_and_colleagues_are_no_conduct(archived: Archived) -> None:
    archived.say(BAD)
    archived.arrive(said("「王女士：转我微信行吗」\n- - - - - - - - - - - - - - -\n不行的", 1, **OURS))
    archived.say(BAD, 2, **{"from": LIN, "tolist": [CHEN]})
    assert findings(archived) == []
    with archived.store.write() as session:
        session.add(GroupChat(chat_id=ROOM, internal=True, first_seen_at=NOW))
    archived.say(BAD, 3, **IN_GROUP)
    assert findings(archived) == []


def test_words_taken_back_stay_found(archived: Archived) -> None:
    msgid = archived.say(BAD, **OURS)
    archived.say("", 1, **(OURS | {"action": "recall", "msgtype": "revoke", "revoke": {"pre_msgid": msgid}}))
    assert findings(archived) == [("private", True)]


def test_ten_times_the_findings_cost_no_more_statements(archived: Archived) -> None:
    def talk(count: int, at: int) -> list[bytes]:
        return [said(BAD, at + n / 100, **(OURS if n % 2 else IN_GROUP)) for n in range(count)]

    archived.arrive(*talk(4, 0))
    with counted(archived.store) as few:
        archived.arrive(*talk(4, 1))
    with counted(archived.store) as many:
        archived.arrive(*talk(40, 2))
    assert len(many) <= len(few) + 3
    assert len(findings(archived)) == 48


def lead(store: Store, userid: str, role: str = "leader", department: int = 2) -> int:
    """Have somebody lead the department of Lin; returns their agent's id."""
    with store.write() as session:
        agents = {agent.key: agent for agent in session.scalars(select(Agent))}
        agents[LIN.casefold()].departments = [2]
        leader = agents.get(userid.casefold()) or Agent(key=userid.casefold(), userid=userid, created_at=NOW)
        leader.departments = [department]
        session.add(leader)
        session.flush()
        session.add(Account(agent_id=leader.id, role=role, role_by="the test", created_at=NOW))
        return leader.id


def tell(archived: Archived, hours: float, settings: Settings = SETTINGS) -> list[Outbox]:
    with archived.store.write() as session:
        tell_of_conduct(Work(session, settings, NOW + timedelta(hours=hours)))
    return [row for row in archived.rows(Outbox) if row.kind == KIND]


def test_the_leader_alone_is_told_by_one_message_a_day_and_without_any_words(archived: Archived) -> None:
    for minute in range(2):
        archived.say(BAD, minute, **OURS)
    leader = lead(archived.store, "WuTong")
    lead(archived.store, "Elsewhere", department=9)
    lead(archived.store, "Auditor", role="auditor")
    assert tell(archived, 1) == []
    archived.say("你有病吧", 5, **IN_GROUP)
    assert tell(archived, 12) == []  # midnight in Shanghai
    (row,) = tell(archived, 1)
    assert (row.agent_id, len(row.payload["finding_ids"])) == (leader, 3)
    for minute in range(10, 14):
        archived.say(BAD, minute, **OURS)
    assert len(tell(archived, 2)) == 1
    assert len(tell(archived, 25)) == 2
    with archived.store.write() as session:
        work = Work(session, SETTINGS, NOW + timedelta(hours=1))
        text = TellOfConduct().prepare(work, System(), session.merge(row))["text"]  # type: ignore[arg-type]
    assert text.splitlines()[1:3] == [f"{LIN}：私下转账 2 条", f"{LIN}：辱骂客户 1 条"]
    assert BAD not in text
    assert text.endswith("https://tici.example/conduct")


class Environment:
    base_url = "https://tici.example"


class System:
    """What a handler asks of the system."""

    environment = Environment()


def test_what_was_judged_meanwhile_needs_no_notice_and_nobody_is_told_of_themselves(archived: Archived) -> None:
    for minute in range(3):
        archived.say(BAD, minute, **OURS)
    lead(archived.store, LIN)
    assert tell(archived, 1) == []  # Lin leads their own department; there is nobody else
    lead(archived.store, "Boss", role="admin")
    (row,) = tell(archived, 1)
    with archived.store.write() as session:
        for one in session.scalars(select(ConductFinding)):
            one.judged = "wrong"
        work = Work(session, SETTINGS, NOW + timedelta(hours=1))
        with pytest.raises(NotNeededError):
            TellOfConduct().prepare(work, System(), session.merge(row))  # type: ignore[arg-type]


@pytest.mark.parametrize("tells", [True, False])
def test_the_agent_hears_only_where_config_says_so(archived: Archived, tells: bool) -> None:
    archived.say(BAD, **OURS)
    settings = parse_settings(CONFIG + RULES + f"\n[conduct]\ntell_agent = {str(tells).lower()}\n", examples=False)
    with archived.store.write() as session:
        work, row = Work(session, settings, NOW), session.scalars(select(ConductFinding)).one()
        for _ in range(2):
            judge_finding(work, row, RIGHT, "吴桐")
        session.flush()
        rows = session.scalars(select(Outbox).where(Outbox.kind == "conduct_agent")).all()
        assert len(rows) == tells
        for one in rows:
            text = TellAgentOfConduct().prepare(work, System(), one)["text"]  # type: ignore[arg-type]
            assert "「私下转账」" in text
            judge_finding(work, row, "", "吴桐")
            with pytest.raises(NotNeededError):
                TellAgentOfConduct().prepare(work, System(), one)  # type: ignore[arg-type]


def test_the_report_counts_by_rule_agent_and_week(archived: Archived) -> None:
    for days in (0, 0, -7 * 24 * 60 * 2):
        archived.say(BAD, days, **OURS)
    archived.arrive(said("你有病吧", 0, **{"from": CHEN, "tolist": [ZHAO]}))
    with archived.store.write() as session:
        for row, word in zip(session.scalars(select(ConductFinding)), ("right", "wrong", "right", ""), strict=True):
            row.judged = word
        session.flush()
        rules, agents, weeks = conduct_tables(session, SETTINGS, ConductFinding.id > 0)
    assert rules.rows == [["私下转账", 3, 2, 1, 0, 2 / 3], ["辱骂客户", 1, 0, 0, 1, None]]
    assert [row[:2] for row in agents.rows] == [[LIN, 3], [CHEN, 1]]
    assert [row[:2] for row in weeks.rows] == [["2025-12-22", 1], ["2025-12-29", 0], ["2026-01-05", 3]]


def test_erasing_the_customer_takes_the_finding_and_age_only_its_words(archived: Archived) -> None:
    archived.say(BAD, **OURS)
    archived.say(BAD, **(OURS | {"tolist": [ZHAO]}))
    with archived.store.write() as session:
        erased = session.scalars(select(Customer.id).where(Customer.external_userid == ZHAO)).one()
        delete_dependent_rows(session, dependent_rows_of(session, Customer, [erased]))
    assert len(findings(archived)) == 1
    with archived.store.write() as session:
        ids = list(session.scalars(select(Message.id)))
        next(kind for kind in KINDS if kind.name == "messages").purge(session, ids)
    (row,) = archived.rows(ConductFinding)
    assert (row.message_id, row.spans, row.reason, row.rule_id) == (None, [], "", "private")
    with archived.store.read() as session:
        assert session.scalar(select(func.count()).select_from(Message)) == 0


def test_a_rule_on_trial_finds_but_tells_nobody(store: Store) -> None:
    trial = parse_settings(CONFIG + RULES.replace('match = "text"', 'match = "text"\nshadow = true'), examples=False)
    archived = Archived(store, trial)
    for minute in range(5):
        archived.arrive(said(BAD, minute, **OURS))
    lead(store, "WuTong")
    assert [row.shadow for row in archived.rows(ConductFinding)] == [True] * 5
    assert tell(archived, 1, trial) == []
