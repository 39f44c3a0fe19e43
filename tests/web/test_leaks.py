"""Nothing of the inside is read on any page: no codes, names of fields, ids or userids, in either language."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape

import pytest

from bot.analytics import reports
from bot.platform import clock
from bot.platform.database import audit_log
from bot.platform.database.reading_log import viewed
from bot.platform.database.store import set_status
from bot.platform.models import Agent, StageMove
from tests.support.rows import Rows
from tests.support.site import CONFIG, Site, open_site
from tests.web.test_english import NO_PAGES, PAGES, SAID

SOP = """
[[sops]]
id = "price-nurture"
title = "价格跟进"
stage = "考虑价格"
cap = "1/day"

  [[sops.steps]]
  after = "0m"
  say = "您好"
"""
# What is stored, and must be said in words. `code` holds what is to be typed on a server, and is left out.
INSIDE = re.compile(
    r"\bcli:|刚刚前|just now ago|\d/(?:day|week)\b|\b(?:customer|task|agent|account|evidence|tombstone|study):"
    r"|\b[a-z]+_[a-z]+\b|WangLei"
)
# Words of English as well, told apart in Chinese only.
CODES = re.compile(r"\b(?:undo|archive|reconcile|api|seq|None|True|False)\b")
ALLOWED = re.compile(r"search_messages|extra_workdays|WECOM_[A-Z_]+|TICI_[A-Z_]+")
BESIDE = ("/admin/people", "/rules/file", "/rules/file/check")  # userids are told apart there; the config as it is


@pytest.fixture(scope="module")
def lived_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site on which everything happened once that is stored as a code."""
    with open_site(tmp_path_factory.mktemp("lived-in"), CONFIG + SOP) as site:
        with site.store.write() as session:
            rows = Rows(session, clock.now() - timedelta(minutes=1))
            agent: Agent = rows.agent("王磊")
            agent.userid, agent.key = "WangLei", "wanglei"
            customer = rows.customer("李女士", "考虑价格", agent, last_words="多少钱", last_word_at=rows.now)
            for serial, (cause, trigger, actor) in enumerate(
                (("event", "@added", "archive"), ("drag", "考虑价格", "WangLei"), ("undo", "undo", "WangLei"),
                 ("api", "考虑价格", "WangLei"), ("event", "@added", "reconcile")), start=2,
            ):  # fmt: skip
                session.add(
                    StageMove(customer_id=customer.id, pipeline="课程转化", serial=serial, from_stage="新线索",
                              to_stage="考虑价格", cause=cause, trigger=trigger, actor=actor, version="v1",
                              evidence="" if cause == "event" else "WangLei 移动", moved_at=rows.now)
                )  # fmt: skip
            said = rows.message(customer, "多少钱", agent)
            rows.evidence(said, [["多少钱", 0, 3]], "考虑价格", "命中 多少钱")
            rows.tag(customer, "考虑价格", reason="命中 多少钱")
            task = rows.task(customer, agent, "您好", state="expired", ended_because="过期未发")
            rows.task(customer, agent, "您好", state="delivered")
            audit_log.record(session, "WangLei", "task.later", f"task:{task.id}", rows.now, option="30m", by="link")
            audit_log.record(session, "cli:root", "privacy.purge", "database", rows.now, purged={"message": 2})
            audit_log.record(session, "WangLei", "customer.peace", f"customer:{customer.id}", rows.now, on=True)
            audit_log.record(
                session, "WangLei", "feedback.give", "evidence:1", rows.now, word="wrong", rule="ask-price"
            )
            audit_log.record(session, "WangLei", "sop.hold", "sop:price-nurture", rows.now)
            viewed(session, "WangLei", customer.id, "task", rows.now)
            set_status(session, "scheduler", {"owner": "x"}, clock.now())
        for name in reports.REPORTS:
            asked = reports.ReportRequest(name, 30, None)
            reports.compute(site.store, site.system.settings, asked, clock.now())
        yield site


def leaks(html: str) -> list[str]:
    """The texts and labels of a page in which something of the inside is read."""
    html = re.sub(r"<(textarea|script|code|option)\b.*?</\1>", "", html, flags=re.DOTALL)
    texts = (unescape(label or text).strip() for label, text in SAID.findall(html))
    told = re.compile(f"{INSIDE.pattern}|{CODES.pattern}") if '<html lang="zh' in html else INSIDE
    return [text for text in texts if told.search(ALLOWED.sub("", text))]


WALK = [path for path in PAGES if not NO_PAGES.match(path) and not path.endswith("/broken") and path not in BESIDE]
OF_PEOPLE = ["/c/1", "/tasks/1", "/sops/s/price-nurture", "/board?q=李", "/rules/r/ask-price"]


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("path", [*WALK, *OF_PEOPLE])
def test_nothing_of_the_inside_is_read(lived_in: Site, path: str, language: str) -> None:
    client = lived_in.signed_in("admin")
    client.get(f"/sign-in?lang={language}&stay=1")
    answer = client.get(path)
    assert answer.status_code in (200, 302, 404), path
    assert leaks(answer.text) == []


def test_the_log_names_what_was_done_to_which_follow_up(lived_in: Site) -> None:
    shown = lived_in.signed_in("admin").get("/admin/log").text
    assert "SOP 价格跟进" in shown
    assert ("其他" in shown, "price-nurture" in shown) == (False, False)


@pytest.mark.parametrize("name", reports.REPORTS)
def test_nothing_of_the_inside_is_read_in_a_report(lived_in: Site, name: str) -> None:
    assert leaks(lived_in.signed_in("admin").get(f"/reports?report={name}").text) == []


def test_the_walk_sees_a_leak_where_there_is_one() -> None:
    html = '<html lang="zh"><p title="undo">a</p><b>1/day</b><i>from_stage 新线索</i><code>flask db</code><u>看板</u>'
    assert leaks(html) == ["undo", "1/day", "from_stage 新线索"]


def test_a_search_for_names_only_says_so_and_where_words_are_switched_on(lived_in: Site) -> None:
    shown = lived_in.signed_in("admin").get("/board?q=李").text
    assert "现在只找名字" in shown
    assert 'href="/rules/file"' in shown
    assert "管理员可以在配置里打开" in lived_in.signed_in("agent", "WangLei").get("/board?q=李").text
    assert "现在只找名字" not in lived_in.signed_in("admin").get("/board").text
