"""Scores: entries by hits, tags and fields, taken back with their evidence; migrated, by night, in any batch."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.agents.misjudged import score_judged
from bot.customers.nightly_scores import next_round
from bot.customers.scores import rescore
from bot.customers.state import load_customer
from bot.customers.tags import TagSource, expire_tags, give_tag, take_tag
from bot.platform.config.parsing import ConfigError
from bot.platform.config.settings import parse_settings
from bot.platform.database import schema
from bot.platform.database.store import Store
from bot.platform.models import Customer, Evidence, Feedback, Model, ScoreEntry
from bot.platform.work import Work
from tests.intake.test_batch_cost import counted
from tests.intake.test_golden import rows_of
from tests.support.archived import NOW, Archived, said
from tests.support.dump import differences
from tests.support.fresh import bring_up
from tests.support.made_archive import CONFIG as MADE
from tests.support.made_archive import MadeArchive
from tests.support.parts import KEYS

CONFIG = """
[workspace]
timezone = "Asia/Shanghai"

[[rules]]
id = "ask-price"
tag = "考虑价格"
any = ["多少钱"]
match = "text"
expires = "3d"
score = { activity = 1, conversion = 8 }

[[tags]]
group = "意向"
exclusive = true
names = ["高意向", "低意向"]

[[scores]]
ledger = "conversion"
cap = 20
half_life = "60d"
give = [{ tag = "高意向", points = 5 }, { tag = "考虑价格", points = 2 }, { field = "birthday", points = 3 }]
"""


def scores(archived: Archived) -> tuple[int, int]:
    (customer,) = archived.rows(Customer)
    return customer.activity, customer.conversion


@pytest.fixture
def archived(store: Store) -> Archived:
    return Archived(store, parse_settings(CONFIG, examples=False))


def test_repetitions_are_capped_and_what_is_recalled_or_misjudged_falls(archived: Archived) -> None:
    asked = [archived.say("多少钱", n) for n in range(5)]
    assert scores(archived) == (5, 22)  # 40 capped at 20, and the tag's 2
    for n, msgid in enumerate(asked[:4]):
        archived.send("revoke", {"pre_msgid": msgid}, 10 + n, action="recall")
    assert scores(archived) == (1, 10)
    (evidence,) = archived.rows(Evidence, Evidence.occasion == asked[4])
    for right, left in ((False, (0, 2)), (True, (1, 10))):
        with archived.store.write() as session:
            work = Work(session, archived.settings, archived.now)
            row = session.get_one(Evidence, evidence.id)
            session.query(Feedback).delete()
            session.add(Feedback(evidence_id=row.id, rule_id=row.rule_id, right=right, author="王", given_at=NOW))
            score_judged(work, row)
        assert scores(archived) == left
    assert {row.fallen_because for row in archived.rows(ScoreEntry)} == {"", "revoked"}


def test_a_tag_gives_while_it_is_carried_and_points_age(archived: Archived) -> None:
    archived.say("多少钱")
    steps = [("高意向", 15), ("低意向", 10), ("高意向", 15), ("", 10)]  # exclusive: the other goes
    for tag, left in steps:
        with archived.store.write() as session:
            work = Work(session, archived.settings, archived.now)
            state = load_customer(session, session.scalars(select(Customer)).one())
            if tag:
                give_tag(work, state, tag, TagSource("human"))
            else:
                take_tag(work, state, "高意向", "取消")
        assert scores(archived)[1] == left
    with archived.store.write() as session:
        assert expire_tags(Work(session, archived.settings, NOW + timedelta(days=4))) == 1
    assert scores(archived)[1] == 8  # the price question alone, four days old
    with archived.store.write() as session:
        (customer,) = session.scalars(select(Customer.id))
        assert rescore(Work(session, archived.settings, NOW + timedelta(days=60)), [customer]) == 1
    assert scores(archived) == (1, 4)


def test_a_round_begins_each_night_and_with_other_terms(archived: Archived) -> None:
    first = next_round(archived.settings, None, NOW)
    assert not first["done"]
    done = {**first, "done": True}
    assert next_round(archived.settings, done, NOW) == done
    assert not next_round(archived.settings, done, NOW + timedelta(days=1))["done"]
    other = parse_settings(CONFIG.replace("cap = 20", "cap = 30"), examples=False)
    assert not next_round(other, done, NOW)["done"]


def test_batches_leave_what_single_messages_leave_with_caps_and_recalls(store: Store, tmp_path: Path) -> None:
    extra = '\n[[scores]]\nledger = "conversion"\ncap = 12\nhalf_life = "2d"\n'
    settings = parse_settings(MADE + extra, examples=False)
    tag = next(iter(sorted({rule.tag for rule in settings.tables.rules if rule.tag})))
    settings = parse_settings(MADE + extra + f'give = [{{ tag = "{tag}", points = 4 }}]\n', examples=False)
    messages = MadeArchive(5, customers=9).messages(300)
    other = Store(f"sqlite:///{tmp_path / 'one.db'}", KEYS)
    bring_up(other.engine)
    singly = rows_of(other, messages, 1, settings)
    other.close()
    assert len(singly["ScoreEntry"]) > 20
    assert any("tag:" in row for row in singly["ScoreEntry"])
    assert differences(singly, rows_of(store, messages, 60, settings)) == []


def test_ten_times_the_hits_cost_no_more_statements(archived: Archived) -> None:
    def talk(rounds: int, at: int) -> list[bytes]:
        return [
            said("多少钱", at + turn / 100, **{"from": f"wm{person:030}"})
            for turn in range(rounds)
            for person in range(20)
        ]

    archived.arrive(*talk(1, 0))
    with counted(archived.store) as few:
        archived.arrive(*talk(1, 1))
    with counted(archived.store) as many:
        archived.arrive(*talk(10, 2))
    assert len(many) <= len(few) + 4, "\n".join(many)


def test_a_wrong_table_is_told_with_its_line() -> None:
    with pytest.raises(ConfigError) as error:
        parse_settings(CONFIG.replace('{ tag = "高意向"', '{ tag = "没有的"'), examples=False)
    assert "没有的" in str(error.value)


def test_scores_in_use_become_entries(database_url: str) -> None:
    store = Store(database_url, KEYS)
    with store.engine.begin() as connection:
        schema.upgrade_on(connection, "0013")
    people = Model.metadata.tables[Customer.__tablename__]
    for number, (who, activity) in enumerate((("wmOLD", 7), ("wmNONE", 0)), 1):
        values = {"id": number, "external_userid": who, "created_at": NOW, "activity": activity, "conversion": 0}
        with store.write() as session:
            session.execute(people.insert().values(values))  # the columns that there were
    schema.upgrade(store.engine)
    with store.read() as session:
        (entry,) = session.scalars(select(ScoreEntry))
        assert (entry.source, entry.ledger, entry.points, entry.at) == ("before", "activity", 7, NOW)
    store.close()
