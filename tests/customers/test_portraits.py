"""Portraits: kept up soon after something was heard and whole by night, both the same; exported and erased."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from bot.customers.impressions import tell_impression
from bot.customers.nightly_portraits import advance, next_round, refresh_changed
from bot.customers.portraits import portrait_of
from bot.customers.selection import KINDS, Condition, where
from bot.customers.state import load_customer
from bot.customers.tags import TagSource, give_tag
from bot.platform.config.parsing import ConfigError
from bot.platform.config.settings import parse_settings
from bot.platform.database.store import Store
from bot.platform.models import Customer, Order, Portrait, SopEnrolment, Tagging
from bot.platform.work import Work
from bot.privacy.dependent_rows import delete_dependent_rows, dependent_rows_of
from bot.privacy.export import export
from bot.sops.cell_treatment import treat_cells
from tests.intake.test_batch_cost import counted
from tests.support.archived import NOW, WANG, Archived, said

CONFIG = """
[[rules]]
id = "ask-price"
tag = "考虑价格"
any = ["多少钱"]
match = "text"
score = { activity = 40, conversion = 8 }

[[tags]]
group = "心态"
names = ["拿不定主意", "口语", "达人"]

[[sops]]
id = "care"
on = "@joined"

  [[sops.steps]]
  after = "1d"
  say = "谢谢您一直支持我们，有一份小礼物想送您。"

[models.preference]
groups = ["心态"]

[models.matrix]
conversion = 16
cells = [
  { activity = "high", conversion = "low", name = "达人", tag = "达人", budget = "1/week" },
  { activity = "high", conversion = "high", sop = "care" },
]

[[models.mindset]]
name = "迷茫"
tags = ["拿不定主意"]
"""


@pytest.fixture
def archived(store: Store) -> Archived:
    return Archived(store, parse_settings(CONFIG, examples=False))


def whole_round(archived: Archived, later: timedelta = timedelta(0)) -> int:
    asked = 0
    while True:
        with archived.store.write() as session:
            done = advance(Work(session, archived.settings, archived.now + later))
        if done is None:
            return asked
        asked += done


def catch_up(archived: Archived) -> int:
    with archived.store.write() as session:
        return refresh_changed(Work(session, archived.settings, archived.now), 500)


def tag(archived: Archived, *tags: str) -> None:
    with archived.store.write() as session:
        work = Work(session, archived.settings, archived.now)
        state = load_customer(
            session, session.scalars(select(Customer).where(Customer.external_userid == WANG)).one()
        )
        for one in tags:
            give_tag(work, state, one, TagSource("human"))


def test_what_is_heard_shows_soon_and_the_night_finds_the_same(archived: Archived) -> None:
    assert catch_up(archived) == 0  # from now on
    archived.say("多少钱")
    tag(archived, "拿不定主意", "口语")
    assert catch_up(archived) == 3  # three tags, the most rows of one kind
    (row,) = archived.rows(Portrait)
    assert (row.cell, row.phase, row.five_a, row.mindset, row.basis) == ("达人", "获取", "询问", "迷茫", "talks")
    assert row.taste in ("口语", "拿不定主意")
    soon = vars(row) | {"_sa_instance_state": None}
    assert whole_round(archived) == 1
    (row,) = archived.rows(Portrait)
    assert vars(row) | {"_sa_instance_state": None, "r": 0, "f": 0, "rfm": ""} == soon
    assert (row.r, row.f, row.m, row.rfm) == (5, 1, 0, "近来偶尔聊")  # only a whole round knows the bounds
    assert whole_round(archived) == 0


def test_orders_are_read_and_only_paid_ones_count(archived: Archived) -> None:
    archived.say("多少钱")
    (customer,) = archived.rows(Customer)
    with archived.store.write() as session:
        for n, status in enumerate(("paid", "paid", "refunded", "cancelled")):
            session.add(
                Order(source="shop", own_id=str(n), customer_id=customer.id, product_name="口语", amount=20_000,
                      status=status, ordered_at=NOW, changed_at=NOW, taken_at=NOW)
            )  # fmt: skip
    whole_round(archived)
    (row,) = archived.rows(Portrait)
    assert (row.basis, row.frequency, row.money, row.quadrant, row.was) == ("orders", 2, 40_000, "D", "A")
    assert (row.tier, row.phase, row.five_a, row.taste) == ("C", "提升", "行动", "口语")
    with archived.store.read() as session:
        work = Work(session, archived.settings, archived.now)
        said_now = portrait_of(work, session.get_one(Customer, customer.id))
    assert said_now.worth is not None
    assert said_now.worth.why == "30 天里 2 单，合每月 400 元、2 单"


def test_what_colleagues_think_shows_soon_and_a_peer_is_found_by_lists(archived: Archived) -> None:
    def felt(author: str, word: str) -> tuple[str, bool]:
        with archived.store.write() as session:
            work = Work(session, archived.settings, archived.now)
            (one,) = session.scalars(select(Customer.id))
            assert tell_impression(work, one, author, word)
            assert not tell_impression(work, one, author, word)
        catch_up(archived)
        (row,) = archived.rows(Portrait)
        return row.felt, row.peer

    catch_up(archived)
    archived.say("多少钱")
    assert felt("wang", "keen") == ("有意向", False)
    assert felt("zhao", "peer") == ("像是同行", True)
    with archived.store.read() as session:
        asked = [Condition("peer", "1"), Condition("felt", "像是同行")]
        assert session.scalar(select(func.count(Customer.id)).where(*where(asked, NOW))) == 1
    assert felt("zhao", "") == ("有意向", False)


def test_a_round_begins_each_night_and_where_models_changed(archived: Archived) -> None:
    whole_round(archived)
    assert whole_round(archived, timedelta(days=1)) == 0
    done = {**next_round(archived.settings, None, NOW), "step": "done"}
    assert next_round(archived.settings, done, NOW) == done
    assert next_round(archived.settings, done, NOW + timedelta(days=1))["step"] == "ask"
    other = parse_settings(CONFIG.replace("达人", "口碑"), examples=False)
    assert next_round(other, done, NOW)["step"] == "ask"


def test_lists_ask_by_what_the_models_said(archived: Archived) -> None:
    archived.say("多少钱")
    tag(archived, "拿不定主意")
    whole_round(archived)

    def found(kind: str, value: str) -> int:
        with archived.store.read() as session:
            asked = select(func.count(Customer.id)).where(*where([Condition(kind, value)], NOW))
            return session.scalar(asked) or 0

    assert {"cell", "phase", "tier", "quadrant", "rfm", "five_a", "mindset", "level", "taste"} <= KINDS.keys()
    right = {"cell": "达人", "phase": "获取", "five_a": "询问", "mindset": "迷茫", "recent": "5", "no-peer": "1"}
    assert {kind: found(kind, value) for kind, value in right.items()} == dict.fromkeys(right, 1)
    wrong = {"cell": "双高", "phase": "离开", "value": "1", "moved": "A→B", "peer": "1", "tier": "S"}
    assert {kind: found(kind, value) for kind, value in wrong.items()} == dict.fromkeys(wrong, 0)


def test_who_comes_into_a_cell_is_treated_as_the_cell_says(archived: Archived) -> None:
    def treat() -> int:
        catch_up(archived)
        with archived.store.write() as session:
            return treat_cells(Work(session, archived.settings, archived.now), 500)

    catch_up(archived)
    archived.say("多少钱")
    assert treat() == 1
    assert {row.tag for row in archived.rows(Tagging, Tagging.removed_at.is_(None))} == {"考虑价格", "达人"}
    assert treat() == 0
    archived.say("多少钱", 1)
    assert treat() == 1
    assert {row.tag for row in archived.rows(Tagging, Tagging.removed_at.is_(None))} == {"考虑价格"}
    assert [row.sop_id for row in archived.rows(SopEnrolment)] == ["care"]


def test_statements_do_not_grow_with_customers_and_rows_are_exported_and_go(archived: Archived) -> None:
    def asked_of(people: int) -> int:
        archived.arrive(*(said("多少钱", 0, **{"from": f"wm{n:030}"}) for n in range(people)))
        with counted(archived.store) as asked:
            catch_up(archived)
        return len(asked)

    catch_up(archived)
    assert asked_of(40) <= asked_of(4) + 1
    archived.say("多少钱")
    catch_up(archived)
    with archived.store.read() as session:
        told = export(session, WANG, NOW)
        assert [row["cell"] for row in told["tables"]["portrait"]] == ["达人"]
    with archived.store.write() as session:
        customer = session.scalars(select(Customer).where(Customer.external_userid == WANG)).one()
        delete_dependent_rows(session, dependent_rows_of(session, Customer, [customer.id]))
    assert len(archived.rows(Portrait)) == 40


def test_a_wrong_name_in_models_is_refused() -> None:
    wrong = CONFIG + '\n[[models.credit]]\ntag = "不在"\nrestriction = "先款后货"\n'
    with pytest.raises(ConfigError, match="没有标签「不在」"):
        parse_settings(wrong, examples=False)
