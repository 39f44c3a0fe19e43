"""Past answers on a real database: offered once used twice, fresh, nothing of anybody, gone with the erased."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.agents.past_answers import PastAnswer, PastAnswers
from bot.platform import clock
from bot.platform.models import Agent, Customer, Message
from bot.privacy.erasure import erase
from taggers.asked import Asked
from tests.support.rows import Rows
from tests.support.site import CONFIG, Site, open_site

ON = CONFIG + "[suggestions]\nhistory = true\n"
CANARIES = ("秋水伊人", "13912345678", "A2026030417", "3980", "tok9f8e7d")


@pytest.fixture
def site(tmp_path: Path, database_url: str) -> Iterator[Site]:
    with open_site(tmp_path, ON, {"TICI_DATABASE_URL": database_url}) as site:
        yield site


def talk(site: Site, name: str, asked: str, answer: str, *, goes_on: bool = True) -> str:
    """One customer asks, one agent answers, the customer goes on; returns who that is."""
    with site.store.write() as session:
        rows = Rows(session, clock.now())
        agent = session.scalars(select(Agent)).first() or rows.agent("林晓雨")
        customer = rows.customer(name, None, agent)
        turns = [(asked, None), (answer, agent), *([("好的呢", None)] if goes_on else [])]
        for ago, (text, by) in zip((9, 8, 7), turns, strict=False):
            rows.message(customer, text, by, ago=timedelta(minutes=ago))
        return customer.external_userid


def find(site: Site, past: PastAnswers, asked: str) -> list[PastAnswer]:
    settings = site.system.settings
    past.refresh(settings, clock.now(), wait=True)
    return past.find(Asked(asked), settings, clock.now(), 3)


def fill(site: Site) -> list[str]:
    """Enough talks for the likeness of words to be told, each answer to two customers and more."""
    about = {"发票怎么开": "付款后在订单里点开票就可以", "可以请假吗": "可以的，请假的课会给您顺延",
             "课程能回看吗": "能的，录播随时可以看", "老师是谁": "都是专业院校毕业的老师"}  # fmt: skip
    return [talk(site, f"客户{asked[0]}{n}", asked, answer) for asked, answer in about.items() for n in range(4)]


def test_an_answer_comes_back_for_a_like_question_and_for_none_other(site: Site) -> None:
    fill(site)
    past = PastAnswers(site.system)
    found = find(site, past, "发票怎么开呀")
    assert [(one.text, one.customers) for one in found] == [("付款后在订单里点开票就可以", 4)]
    assert past.of(found[0].key) == found[0]
    assert find(site, past, "今天下雨了心情不好") == []


def test_new_talk_counts_at_the_next_look(site: Site) -> None:
    fill(site)
    past = PastAnswers(site.system)
    assert find(site, past, "教材要自己买吗") == []
    talk(site, "客户甲", "教材要自己买吗", "教材我们会寄给您的")
    assert find(site, past, "教材要自己买吗") == [], "said to one customer only"
    talk(site, "客户乙", "教材要自己买吗", "教材我们会寄给您的！")
    talk(site, "客户丙", "教材要自己买吗", "教材要看一看再说吧", goes_on=False)
    assert [one.text for one in find(site, past, "教材要自己买吗")] == ["教材我们会寄给您的"]


def test_nothing_of_anybody_comes_out(site: Site) -> None:
    """Canaries in answers to two customers each: none is in anything that is held as an answer."""
    fill(site)
    for number, canary in enumerate(CANARIES):
        for n in range(2):
            talk(
                site,
                CANARIES[0] if not n else f"客户子{number}",
                "发票怎么开",
                f"付款后给{canary}在订单里点开票就可以",
            )
    past = PastAnswers(site.system)
    assert find(site, past, "发票怎么开")
    assert past._kept is not None
    held = [case[1] for case in past._kept.cases if case]
    assert held
    assert not [text for text in held for canary in CANARIES if canary in text]


def test_the_erased_and_the_taken_back_are_gone_at_once(site: Site) -> None:
    people = fill(site)
    past = PastAnswers(site.system)
    assert find(site, past, "发票怎么开")
    for who in people[:3]:
        erase(site.system, who, "test", clock.now())
    assert find(site, past, "发票怎么开") == [], "one customer is left"
    assert past._kept is not None
    with site.store.read() as session:
        left = set(session.scalars(select(Customer.id)))
    assert {case[0].customer for case in past._kept.cases if case} <= left
    assert find(site, past, "课程能回看吗")
    with site.store.write() as session:
        rows = Rows(session, clock.now())
        for message in session.scalars(select(Message).where(Message.role == "agent")).all():
            recall(rows, message)
    assert find(site, past, "课程能回看吗") == []


def recall(rows: Rows, message: Message) -> None:
    """The message is taken back by its sender."""
    message.revoked_at = rows.now
    told = rows.message(rows.session.get_one(Customer, message.customer_id), "撤回了一条消息")
    told.action, told.revokes = "revoke", message.msgid


def test_a_message_taken_back_has_its_own_talk_heard_again_and_no_other(site: Site) -> None:
    fill(site)
    past = PastAnswers(site.system)
    (before,) = find(site, past, "发票怎么开")
    heard = past.size.heard
    with site.store.write() as session:
        rows = Rows(session, clock.now())
        said = select(Message).where(Message.role == "agent")
        last = next(one for one in session.scalars(said).all() if one.text == before.text)
        rows.message(session.get_one(Customer, last.customer_id), "还想问可以请假吗")
        recall(rows, last)
    (after,) = find(site, past, "发票怎么开")
    assert (before.customers, after.customers) == (4, 3)
    assert past.of(before.key) == after, "the words themselves are still those of the others"
    assert past.size.heard - heard == 3, "what is left of that talk: the question, the reaction, and what is new"
    assert past._kept is not None
    assert last.id not in {one for case in past._kept.cases if case for one in case[0].messages}
    fresh = PastAnswers(site.system)
    assert find(site, fresh, "发票怎么开") == [after]
    assert find(site, fresh, "可以请假吗") == find(site, past, "可以请假吗") != []


def test_a_page_waits_for_no_long_reading_and_what_must_be_forgotten_is_gone_before_it_ends(site: Site) -> None:
    people = fill(site)
    past, ends = PastAnswers(site.system), threading.Event()
    assert find(site, past, "发票怎么开")
    past._reader = threading.Thread(target=ends.wait, daemon=True)  # a reading that goes on and on
    past._reader.start()
    now, settings = clock.now(), site.system.settings
    past._looked = float("-inf")
    talk(site, "客户甲", "发票怎么开", "付款后在订单里点开票就可以")
    assert past.find(Asked("发票怎么开"), settings, now, 3), "what is held is served meanwhile"
    erase(site.system, people[0], "test", now)
    past._looked = float("-inf")
    assert past.find(Asked("发票怎么开"), settings, now, 3) == []
    ends.set()
    assert [one.customers for one in find(site, past, "发票怎么开")] == [4]


def test_names_that_come_after_their_customer_are_kept_out_as_well(site: Site) -> None:
    """Only those who were heard are looked up between two readings of all names."""
    fill(site)
    who = talk(site, "", "你好呀", "您好，有什么可以帮您")
    past = PastAnswers(site.system)
    assert find(site, past, "发票怎么开")
    with site.store.write() as session:
        customer = session.scalars(select(Customer).where(Customer.external_userid == who)).one()
        customer.name = "秋水伊人"
        Rows(session, clock.now()).message(customer, "我想问一下")
    for n in range(2):
        talk(site, f"客户丁{n}", "校服怎么领", "校服在秋水伊人那里领就可以")
        talk(site, f"客户己{n}", "校服怎么换", "校服在前台那里换就可以")
    assert find(site, past, "校服怎么领") == []
    assert past._kept is not None
    assert [case[1] for case in past._kept.cases if case and "校服" in case[1]] == ["校服在前台那里换就可以"] * 2


def test_new_answers_stay_in_few_indexes(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.agents.past_answers_held.MOST_TO_RENEW", 0)
    fill(site)
    past = PastAnswers(site.system)
    find(site, past, "发票怎么开")
    for n in range(12):
        talk(site, f"客户戊{n}", "老师可以回看吗", "老师的课在录播里回看")
        find(site, past, "老师可以回看吗")
    assert past._kept is not None
    great, *small = past._kept.parts
    assert len(great.rows) == 16
    assert 1 <= len(small) <= 3
    assert sum(len(part.rows) for part in small) == 11, "the first was said to one customer only"
    assert [one.customers for one in find(site, past, "老师可以回看吗")] == [12]


def test_where_it_is_off_nothing_is_read(tmp_path: Path) -> None:
    with open_site(tmp_path) as site:
        fill(site)
        past = PastAnswers(site.system)
        assert past.find(Asked("发票怎么开"), site.system.settings, clock.now(), 3) == []
        assert past._kept is None
