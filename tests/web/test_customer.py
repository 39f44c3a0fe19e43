"""The pages about one person: the customer's for a watcher, the task's for the agent."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from bot.platform import clock
from bot.platform.models import SopTask
from bot.platform.signed_links import task_url
from tests.support.rows import Rows
from tests.support.sample_board import LONG, RIGHT_TO_LEFT, fill_board
from tests.support.site import Site


def task_path(site: Site, task: str, agent: int, age: timedelta = timedelta(0)) -> str:
    return task_url("", task, agent, site.key, clock.now() - age)


def test_the_conversation_shows_which_words_earned_which_tag(site: Site) -> None:
    story = fill_board(site)
    html = site.watcher().get(f"/c/{story.asking}").text
    marks = re.findall(r'<mark title="([^"]+)">([^<]+)</mark>', html)
    assert marks == [
        ("ask-price: 命中 多少钱 → 价格；非否定；疑问句", "多少钱"),
        ("discount: 命中 优惠；非否定；疑问句", "优惠"),
    ]
    assert html.index("很高兴认识您") < html.index("[图片]") < html.index("多少钱</mark>")


def test_a_message_that_earned_nothing_says_why(site: Site) -> None:
    with site.store.write() as session:
        rows = Rows(session, clock.now())
        customer = rows.customer()
        denied = rows.message(customer, "别再说多少钱了").id
        plain = rows.message(customer, "今天天气不错").id
    client, path = site.watcher(), f"/c/{customer.id}"
    assert client.get(path).text.count("为什么没命中") == 2
    assert "否定" in client.get(f"{path}/why/{denied}").text
    assert "没有哪条规则的词出现在这句话里" in client.get(f"{path}/why/{plain}").text


def test_the_ledger_the_tags_and_the_tasks_are_there(site: Site) -> None:
    story = fill_board(site)
    html = site.watcher().get(f"/c/{story.asking}").text
    for shown in ("在读", "事件 · 客户添加了员工", "高意向", "人工", "首次咨询", "到期", "待发送", "未到时间"):
        assert shown in html


def test_long_conversations_are_read_page_by_page_without_a_gap(site: Site) -> None:
    with site.store.write() as session:
        rows = Rows(session, clock.now())
        customer = rows.customer()
        for number in range(250):  # many within one second, as bursts come
            rows.message(customer, f"第{number:03}句", ago=timedelta(seconds=(250 - number) // 60))
    client, path = site.watcher(), f"/c/{customer.id}"
    found: list[str] = []
    while path:
        html = client.get(path).text
        found = re.findall(r"第(\d+)句", html) + found
        earlier = re.search(r'href="(/c/\d+\?before=\d+)"', html)
        path = earlier[1] if earlier else ""
    assert found == [f"{number:03}" for number in range(250)]


@pytest.mark.parametrize("said", ["\u200b\u200d\ufeff", "\u3000 \n", "\u3164", "\u202e\u2800"])
def test_a_message_that_cannot_be_seen_is_told_in_words(site: Site, said: str) -> None:
    with site.store.write() as session:
        rows = Rows(session, clock.now())
        customer = rows.customer(last_words=said, last_word_at=rows.now)
        rows.message(customer, said)
        rows.message(customer, f"{said}在吗")
    client = site.watcher()
    bubbles = re.findall(
        r'<div class="bubble([^"]*)"[^>]*>(.*?)</div>', client.get(f"/c/{customer.id}").text, re.DOTALL
    )
    assert bubbles == [(" placeholder", "（空白消息）"), ("", f"{said}在吗")]
    assert re.findall(r'<span class="words"[^>]*>(.*?)</span>', client.get("/board").text) == ["（空白消息）"]


@pytest.mark.parametrize("path", ["/c/999", "/c/abc", "/c/-1", "/c/99999999999999999999999999"])
def test_an_unknown_customer_is_a_404(site: Site, path: str) -> None:
    assert site.watcher().get(path).status_code == 404


@pytest.mark.parametrize("before", ["999", "x", "-1", "9" * 40])
def test_a_wild_before_does_no_harm(site: Site, before: str) -> None:
    story = fill_board(site)
    assert site.watcher().get(f"/c/{story.asking}?before={before}").status_code == 200


def test_a_message_of_another_customer_is_no_way_into_a_conversation(site: Site) -> None:
    with site.store.write() as session:
        rows = Rows(session, clock.now())
        mine, other = rows.customer("甲"), rows.customer("乙")
        rows.message(mine, "甲的话")
        edge = rows.message(other, "乙的话")
    html = site.watcher().get(f"/c/{mine.id}?before={edge.id}").text
    assert "的话" not in html


def test_the_task_page_says_who_why_what_and_what_was_said(site: Site) -> None:
    story = fill_board(site)
    html = site.app.test_client().get(task_path(site, story.ref, story.agent)).text
    for shown in ("李女士", "考虑价格", "高意向", "待发送", "课程分三档", "价格跟进", "多少钱", "全部步骤"):
        assert shown in html
    assert len(re.findall(r'aria-current="step"', html)) == 1


def test_looking_at_a_task_changes_nothing(site: Site) -> None:
    story = fill_board(site)

    def state() -> list[tuple[object, ...]]:
        with site.store.read() as session:
            return [tuple(row) for row in session.execute(SopTask.__table__.select())]

    before = state()
    assert site.app.test_client().get(task_path(site, story.ref, story.agent)).status_code == 200
    assert state() == before


@pytest.mark.parametrize(
    ("state", "values", "shown"),
    [
        ("planned", {}, "未到时间"),
        ("completed", {"outcome": "edited", "similarity": 0.834}, "改写后发送 · 相似度 83%"),
        ("replied", {"outcome": "exact", "similarity": 1.0}, "客户已回复"),
        ("cancelled", {"ended_because": "客户已回复，不用再催"}, "客户已回复，不用再催"),
        ("expired", {"ended_because": "错过了提醒时间"}, "错过了提醒时间"),
        ("unknown", {}, "提醒是否送达不明"),
        ("brand-new", {}, "brand-new"),
    ],
)
def test_a_task_tells_its_state_in_words(site: Site, state: str, values: dict[str, Any], shown: str) -> None:
    with site.store.write() as session:
        rows = Rows(session, clock.now())
        agent = rows.agent()
        if state in ("completed", "replied"):
            values = {**values, "completed_at": rows.now}
        task = rows.task(rows.customer(agent=agent), agent, "您好", state=state, **values)
    assert shown in site.signed_in("auditor").get(f"/tasks/{task.id}").text


def test_a_task_link_that_is_over_forged_or_anothers_opens_nothing(site: Site) -> None:
    story = fill_board(site)
    client = site.app.test_client()
    over = client.get(task_path(site, story.ref, story.agent, timedelta(days=31)))
    assert (over.status_code, "链接已过期" in over.text) == (410, True)
    assert client.get("/t/forged").status_code == 404
    assert client.get(task_path(site, story.ref, story.agent + 1)).status_code == 410
    assert client.get(task_path(site, "999", story.agent)).status_code == 410


def test_what_customers_write_stays_text(site: Site) -> None:
    story = fill_board(site)
    client = site.watcher()
    for path in ("/board", *(f"/c/{person}" for person in story.hostile)):
        html = client.get(path).text
        assert "<script>w" not in html
        assert "<img src=x" not in html
    assert "&lt;script&gt;window.hacked=1" in client.get("/board").text
    assert RIGHT_TO_LEFT in client.get(f"/c/{story.hostile[1]}").text
    assert LONG[9:] in client.get(f"/c/{story.hostile[3]}").text


def test_a_hit_that_is_not_yet_enough_does_not_look_like_a_tag(site: Site) -> None:
    with site.store.write() as session:
        rows = Rows(session, clock.now())
        customer = rows.customer("陈静")
        message = rows.message(customer, "怎么报名")
        evidence = rows.evidence(message, [["报名", 2, 4]], "高意向", "命中 报名")
        evidence.counted, evidence.needed = 1, 3
    page = site.watcher().get(f"/c/{customer.id}").text
    assert "高意向 1/3" in page
    assert "第 1 次，共需 3 次" in page
