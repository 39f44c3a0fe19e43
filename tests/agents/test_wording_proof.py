"""The archive shows what became of offered words: sent as they are, changed, passed over, answered, moved on from."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from bot.agents.reading import reader_of_agent
from bot.agents.suggestions import Suggestion
from bot.agents.waiting import RemindWaiting
from bot.agents.wording_offers import not_noted, note_offers, note_tap
from bot.analytics.wording_uses import offers_by_wording, steps_by_wording, uses_of
from bot.platform.config.settings import parse_settings
from bot.platform.database.store import Store
from bot.platform.models import Agent, Customer, Follow, Message, Outbox, SopTask, WordingOffer
from bot.platform.work import Work
from bot.privacy.dependent_rows import delete_dependent_rows, dependent_rows_of
from bot.privacy.retention import KINDS
from sop.wording_use import WordingUse
from tests.support.archived import CONFIG, LIN, NOW, ROOM, WANG, Archived

SAY, SAID = "{customer.name}您好，付款后在订单里点开票就可以", "李女士您好，付款后在订单里点开票就可以"
ANSWERS = f"""
[[answers]]
id = "invoice"
ask = ["发票怎么开"]
say = "{SAY}"

[[answers]]
id = "leave"
ask = ["可以请假吗"]
say = "可以的，请假的课会给您顺延到学期末"
"""
SETTINGS = parse_settings(CONFIG + ANSWERS, examples=False)
INVOICE = Suggestion("answer:invoice", "answer", SAID, "", wording=SAY)
BY_LIN = {"from": LIN, "tolist": [WANG]}


@pytest.fixture
def archived(store: Store) -> Archived:
    """WANG asked LinXiaoyu something an hour ago."""
    archived = Archived(store, SETTINGS)
    archived.say("在吗", at=-60)
    archived.say("在的", at=-59, **BY_LIN)
    return archived


def offer(archived: Archived, at: float = 0, words: Suggestion = INVOICE, *, tapped: bool = False) -> None:
    """The words are shown beside the chat, or searched for and tapped."""
    with archived.store.write() as session:
        work = Work(session, SETTINGS, NOW + timedelta(minutes=at))
        customer, agent = session.scalars(select(Customer)).one(), session.scalars(select(Agent)).one()
        if tapped:
            note_tap(work, customer, agent, words)
        else:
            note_offers(work, customer, agent, not_noted(work, customer, agent, [words]))


def use(archived: Archived, after: timedelta = timedelta(days=2)) -> WordingUse:
    with archived.store.read() as session:
        return uses_of(session, ["answer:invoice"], NOW + after).get("answer:invoice", WordingUse())


def test_words_shown_all_day_are_one_offer_and_one_passed_over(archived: Archived) -> None:
    for minute in (0, 1, 1, 600):
        offer(archived, minute)
    assert use(archived, timedelta(hours=1)) == WordingUse(), "there is still time to send them"
    assert use(archived) == WordingUse(offered=1)
    offer(archived, 1441)
    assert [row.after for row in archived.rows(WordingOffer)] == [0, archived.rows(WordingOffer)[0].id]
    assert use(archived, timedelta(days=3)).ignored == 2


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (SAID + "！", WordingUse(1, 1, exact=1, edited=0, judged=1)),
        ("李女士，付款后在订单里点开票就可以哦", WordingUse(1, 1, exact=0, edited=1, judged=1)),
        ("我问一下财务再回复您", WordingUse(offered=1)),
    ],
)
def test_what_was_sent_is_told_by_the_archive(archived: Archived, said: str, expected: WordingUse) -> None:
    offer(archived)
    archived.say(said, at=3, **BY_LIN)
    assert use(archived) == expected


def test_an_answer_and_a_move_within_a_day_count(archived: Archived) -> None:
    offer(archived)
    archived.say(SAID, at=3, **BY_LIN)
    archived.now = NOW + timedelta(minutes=10)
    archived.say("那多少钱", at=10)  # which moves the card
    archived.say("好的", at=11)
    assert use(archived) == WordingUse(1, 1, 1, 0, 1, 1, 1)


def test_an_answer_after_a_day_and_words_in_a_group_do_not_count(archived: Archived) -> None:
    offer(archived)
    archived.say(SAID, at=1, roomid=ROOM, **BY_LIN)
    assert use(archived) == WordingUse(offered=1)
    archived.say(SAID, at=3, **BY_LIN)
    archived.say("好的", at=4, roomid=ROOM)
    archived.say("好的", at=3 + 24 * 60 + 1)
    assert use(archived) == WordingUse(1, 1, 1, 0, 1, 0, 0)


def test_what_was_taken_back_was_not_sent(archived: Archived) -> None:
    offer(archived)
    msgid = archived.say(SAID, at=3, **BY_LIN)
    archived.send("revoke", {"pre_msgid": msgid}, at=4, action="recall", **BY_LIN)
    assert use(archived) == WordingUse(offered=1)


def test_words_that_were_looked_up_or_known_count_as_sent_and_never_as_passed_over(archived: Archived) -> None:
    offer(archived, tapped=True)
    assert use(archived) == WordingUse()
    archived.say(SAID, at=1, **BY_LIN)
    archived.say("可以的，请假的课会给您顺延到学期末。", at=2, **BY_LIN)
    rows = archived.rows(WordingOffer)
    assert [(row.key, row.by, row.outcome) for row in rows] == [
        ("answer:invoice", "searched", "exact"),
        ("answer:leave", "known", "exact"),
    ]
    with archived.store.read() as session:
        counted = offers_by_wording(session, NOW + timedelta(days=2))
    assert counted["answer:invoice"] == {SAY: WordingUse(exact=1, judged=1)}


def test_steps_count_by_their_words(archived: Archived) -> None:
    archived.say("多少钱", at=0)
    with archived.store.write() as session:
        task = session.scalars(select(SopTask)).one()
        task.state, task.delivered_at = "delivered", NOW + timedelta(days=1)
    archived.say("明天再聊", at=24 * 60 + 5, **BY_LIN)
    archived.say("好", at=24 * 60 + 9)
    with archived.store.read() as session:
        counted = steps_by_wording(session, NOW + timedelta(days=3))
    assert counted == {"step:price:0": {"明天再聊。": WordingUse(1, 1, 1, 0, 1, 1, 0)}}


@pytest.mark.parametrize(("asked", "answered"), [("请问发票怎么开", True), ("今天下雨了心情不好", False)])
def test_who_is_reminded_of_a_waiting_customer_is_told_what_to_answer(
    archived: Archived, asked: str, answered: bool
) -> None:
    archived.say(asked, at=-5)
    with archived.store.write() as session:
        follow = session.scalars(select(Follow)).one()
        follow.waiting_since, work = NOW - timedelta(minutes=5), Work(session, SETTINGS, NOW)
        reader = reader_of_agent(session, follow.agent_id, NOW)
        listed = RemindWaiting().listed(work, Outbox(payload={"follow_ids": [follow.id]}), reader)
        agents, leaders = (RemindWaiting().words(work, listed, about) for about in ("", "林晓雨"))
    assert ("可以这样答：您好，付款后在订单里点开票就可以" in agents) is answered
    assert "可以这样答" not in leaders
    assert [row.key for row in archived.rows(WordingOffer)] == (["answer:invoice"] if answered else [])


def test_the_erased_leave_nothing_and_old_offers_lose_their_words(archived: Archived) -> None:
    offer(archived)
    archived.say(SAID, at=3, **BY_LIN)
    archived.say("好的", at=NOW.minute + 3000)
    with archived.store.write() as session:
        purge = next(kind.purge for kind in KINDS if kind.name == "messages")
        purge(session, [message.id for message in archived.rows(Message)])
    assert [(row.text, row.wording) for row in archived.rows(WordingOffer)] == [("", SAY)]
    with archived.store.write() as session:
        ids = list(session.scalars(select(Customer.id)))
        delete_dependent_rows(session, dependent_rows_of(session, Customer, ids))
    assert archived.rows(WordingOffer) == []
