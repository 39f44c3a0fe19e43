"""Reports count what they say: small stories with known sums, on both databases, and the pages that show them."""

from __future__ import annotations

import csv
import html
import io
import re
import time
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.analytics.behind import COUNTED, Figure, customers_behind
from bot.analytics.comparison import beside
from bot.analytics.reports import REPORTS, ReportRequest, compute, stored_report
from bot.analytics.table import ReportScope, ReportTable
from bot.platform import clock
from bot.platform.config.settings import Settings, parse_settings
from bot.platform.csv_cells import safe_cell
from bot.platform.database.store import Store
from bot.platform.models import (
    Agent,
    Customer,
    Department,
    Follow,
    Order,
    Portrait,
    SopEnrolment,
    SopTask,
    StageMove,
)
from sop.intervals import wilson
from tests.support.rows import Rows
from tests.support.site import CONFIG, Site

NOW = datetime.fromisoformat("2026-03-04T04:00:00+00:00")  # Wednesday noon in Shanghai
SETTINGS = parse_settings(CONFIG)


def tables(store: Store, name: str, agents: set[int] | None = None, days: int = 30) -> dict[str, ReportTable]:
    scope = ReportScope(NOW - timedelta(days=days), NOW, None if agents is None else frozenset(agents))
    with store.read() as session:
        return {table.name: table for table in REPORTS[name][1](session, SETTINGS, scope)}


def walk(session: Session, customer: Customer, *stages: tuple[str, int]) -> None:
    """Moves to stages, each so many days ago."""
    before = None
    for serial, (stage, ago) in enumerate(stages, 1):
        session.add(
            StageMove(
                customer_id=customer.id, pipeline="课程转化", serial=serial, from_stage=before, to_stage=stage,
                cause="tag", version="v1", moved_at=NOW - timedelta(days=ago),
            )
        )  # fmt: skip
        before = stage


@pytest.fixture
def told(store: Store) -> tuple[int, int]:
    """Two agents' customers: one went all the way, one stopped, one was lost, one came long ago and went back."""
    with store.write() as session:
        rows = Rows(session, NOW)
        mine, other = rows.agent("林"), rows.agent("陈")
        people = [rows.customer(f"客户{n}", None, mine if n < 3 else other) for n in range(4)]
        walk(session, people[0], ("新线索", 20), ("考虑价格", 10), ("成交", 4))
        walk(session, people[1], ("新线索", 9))
        walk(session, people[2], ("新线索", 8), ("流失", 2))
        walk(session, people[3], ("新线索", 60), ("考虑价格", 40), ("新线索", 5))
        return mine.id, other.id


def test_the_funnel_counts_who_came_in_the_time_and_how_far(store: Store, told: tuple[int, int]) -> None:
    funnel = tables(store, "stages")["funnel-0"]
    assert funnel.values["n"] == 3
    assert funnel.rows == [["新线索", 3, 1.0, 1.0], ["考虑价格", 1, 1 / 3, 1 / 3], ["成交", 1, 1 / 3, 1.0]]


def test_flows_add_up_to_the_moves_and_mark_those_back(store: Store, told: tuple[int, int]) -> None:
    flows = tables(store, "stages")["flows-0"]
    assert sum(row[2] for row in flows.rows) == flows.values["n"] == 7
    assert ["考虑价格", "新线索", 1, "回退"] in flows.rows
    assert ["新线索", "流失", 1, ""] in flows.rows


def test_stays_are_counted_when_they_end(store: Store, told: tuple[int, int]) -> None:
    times = {row[0]: row for row in tables(store, "stages")["times-0"].rows}
    day = 86400
    assert times["新线索"][1:3] == [2, 8 * day]  # of ten and of six days
    assert times["考虑价格"][1:3] == [2, 20.5 * day]  # of six and of thirty-five days


def test_losses_are_counted_by_the_reasons_that_agents_give(store: Store, told: tuple[int, int]) -> None:
    with store.write() as session:
        lost = session.scalars(select(StageMove).where(StageMove.to_stage == "流失")).one()
        lost.reason = "嫌贵"
        rows = Rows(session, NOW)
        walk(session, rows.customer("客户", None, rows.agent()), ("流失", 3))
    asking = parse_settings(CONFIG.replace("lost = true }", 'lost = true, reasons = ["嫌贵"] }'))
    scope = ReportScope(NOW - timedelta(days=30), NOW, None)
    with store.read() as session:
        found = {table.name: table for table in REPORTS["stages"][1](session, asking, scope)}
    assert sorted(found["reasons-0"].rows) == [["流失", "", 1, 0.5], ["流失", "嫌贵", 1, 0.5]]
    assert "reasons-0" not in tables(store, "stages")


def test_a_leader_sees_the_figures_of_his_own_agents_only(store: Store, told: tuple[int, int]) -> None:
    _mine, other = told
    assert tables(store, "stages", {other})["flows-0"].rows == [["考虑价格", "新线索", 1, "回退"]]
    assert tables(store, "stages", set())["funnel-0"].values["n"] == 0


def task(session: Session, customer: Customer, agent: Agent, key: str, **values: Any) -> None:
    enrolment = SopEnrolment(
        customer_id=customer.id,
        agent_id=agent.id,
        sop_id="nurture",
        cause=key,
        stop=[],
        version="v1",
        enrolled_at=NOW,
    )
    session.add(enrolment)
    session.flush()
    due = NOW - timedelta(days=1)
    session.add(
        SopTask(
            enrolment_id=enrolment.id, customer_id=customer.id, agent_id=agent.id, step=0, due_at=due, expires_at=NOW,
            text="一", **{"wording": "甲", "state": "planned", **values},
        )
    )  # fmt: skip


def test_steps_and_wordings_count_what_was_proven(store: Store) -> None:
    sent = NOW - timedelta(hours=20)
    done: dict[str, Any] = {"delivered_at": sent, "completed_at": sent, "window_until": NOW, "window_closed_at": NOW}
    with store.write() as session:
        rows = Rows(session, NOW)
        agent = rows.agent()
        people = [rows.customer(f"客户{n}", None, agent) for n in range(4)]
        task(session, people[0], agent, "a", state="replied", replied_at=NOW - timedelta(hours=1), **done)
        task(session, people[1], agent, "a", state="completed", outcome="edited", timing="late", **done)
        task(session, people[2], agent, "a", state="expired", delivered_at=sent)
        task(session, people[3], agent, "a", state="replied", wording="乙", replied_at=NOW, **done)
        walk(session, people[0], ("考虑价格", 0))
        session.flush()
        move = session.query(StageMove).one()
        move.moved_at = sent + timedelta(hours=2)
    found = tables(store, "sops")
    assert found["steps"].rows == [["nurture", 1, 4, 4, 3, 0.75, 2, 2 / 3, 1, 1]]
    first, second = sorted(found["wordings"].rows, key=lambda row: -row[3])
    assert first[:6] == ["nurture", 1, "甲", 2, 1, 0.5]
    assert first[6] == list(wilson(1, 2))
    assert second[2:6] == ["乙", 1, 1, 1.0]
    (prompts,) = tables(store, "agents")["prompts"].rows
    assert prompts[1:] == [4, 3, 0.75, 1, 1, 0, 1, 0, 0]
    assert prompts[1] == prompts[2] + sum(prompts[6:])


def opened(store: Store, table: str, row: list[str], column: int, **scope: Any) -> set[int] | None:
    with store.read() as session:
        period = ReportScope(NOW - timedelta(days=30), NOW, None, **scope)
        return customers_behind(session, SETTINGS, period, Figure(table, tuple(row), column))


def test_a_figure_counts_the_customers_that_it_leads_to(store: Store, told: tuple[int, int]) -> None:
    """Of every row of funnel, flows and stays: as many as the cell says (each customer made each move once)."""
    for name, table in tables(store, "stages").items():
        kind = Figure(name, (), 0).kind
        for row in table.rows:
            for column in COUNTED[kind]:
                found = opened(store, name, [str(cell) for cell in table.labels(row)], column)
                assert found is not None
                assert len(found) == row[column], (name, row)


@pytest.mark.parametrize(
    ("table", "row", "column"),
    [("funnel-9", ["新线索"], 1), ("funnel-0", ["没有这个阶段"], 1), ("funnel-0", ["新线索"], 2),
     ("flows-0", ["新线索"], 2),
     ("nothing", ["x"], 1), ("steps", ["nurture", "x"], 2), ("funnel-0", [], 1)],
)  # fmt: skip
def test_there_is_nobody_behind_what_is_no_figure(store: Store, table: str, row: list[str], column: int) -> None:
    assert opened(store, table, row, column) is None


def test_prompts_and_steps_lead_to_their_customers(store: Store) -> None:
    with store.write() as session:
        rows = Rows(session, NOW)
        agent = rows.agent("林")
        people = [rows.customer(f"客户{n}", None, agent) for n in range(3)]
        at = NOW - timedelta(hours=20)
        task(session, people[0], agent, "a", state="completed", delivered_at=at, completed_at=at, outcome="exact")
        task(session, people[1], agent, "a", state="expired", delivered_at=at)
        task(session, people[2], agent, "a", state="delivered", delivered_at=at)
        ids = [one.id for one in people]
    assert opened(store, "steps", ["nurture", "1"], 2) == set(ids)
    assert opened(store, "steps", ["nurture", "1"], 4) == {ids[0]}
    assert opened(store, "prompts", ["林"], 7) == {ids[1]}
    assert opened(store, "prompts", ["林"], 8) == {ids[2]}
    assert opened(store, "prompts", ["陈"], 1) == set()


def test_channel_and_pipeline_narrow_what_is_counted(store: Store, told: tuple[int, int]) -> None:
    with store.write() as session:
        first = session.scalars(select(Customer).order_by(Customer.id)).all()[0]
        first.channel = "live"
        found = first.id
    assert opened(store, "funnel-0", ["新线索"], 1, channel="live") == {found}
    assert opened(store, "funnel-0", ["新线索"], 1, pipeline="没有") == set()


def test_figures_of_the_period_before_stand_beside_those_of_now(store: Store, told: tuple[int, int]) -> None:
    now, before = tables(store, "stages")["flows-0"], ReportScope(NOW - timedelta(days=30), NOW, None).before
    with store.read() as session:
        then = {table.name: table for table in REPORTS["stages"][1](session, SETTINGS, before)}["flows-0"]
    assert then.rows == [["", "新线索", 1, ""], ["新线索", "考虑价格", 1, ""]]
    found = {now.labels(row): figures for row, figures in zip(now.rows, beside(now, then), strict=True)}
    assert found["", "新线索", ""] == [None, None, 1, None]
    assert found["新线索", "流失", ""] is None
    assert all(figures is None for figures in beside(now, None))


def test_own_dates_are_whole_local_days_and_never_ahead(store: Store) -> None:
    request = ReportRequest("stages", 30, None, (date(2026, 3, 1), date(2026, 3, 9)))
    scope = request.scope(SETTINGS, NOW)
    assert scope.since == datetime.fromisoformat("2026-02-28T16:00:00+00:00")
    assert scope.until == NOW
    assert request.key != ReportRequest("stages", 30, None).key
    assert len(request.key) <= 64


def test_answers_count_from_the_first_word_and_from_opening_time(store: Store) -> None:
    with store.write() as session:
        rows = Rows(session, NOW)
        agent = rows.agent("林")
        customer = rows.customer("客户", None, agent)
        minutes = timedelta(minutes=1)
        for text, by, ago in (
            ("在吗", None, 60 * minutes), ("多少钱", None, 50 * minutes), ("在的", agent, 40 * minutes),
            ("还有", agent, 39 * minutes), ("夜里问", None, timedelta(hours=12)),
            ("早上答", agent, timedelta(hours=3)),
        ):  # fmt: skip
            rows.message(customer, text, by, ago=ago)
        session.flush()
    (row,) = tables(store, "agents")["answers"].rows
    assert row[:3] == ["林", 2, (20 * 60 + 0) / 2]  # twenty minutes; and at once when work began at nine


def test_growth_counts_newcomers_by_what_they_did_and_all_by_their_phase(store: Store) -> None:
    with store.write() as session:
        rows = Rows(session, NOW - timedelta(days=9))
        once, twice, talker, _silent = (
            rows.customer(name, None, channel=channel)
            for name, channel in (("一", "门店"), ("二", "门店"), ("三", None), ("四", None))
        )
        Rows(session, NOW - timedelta(days=99)).customer("早就认识", None)
        for day in (1, 2):
            rows.message(talker, "在吗", ago=-timedelta(days=day))
        rows.message(once, "在吗")
        session.add_all(
            Portrait(customer_id=one.id, at=NOW, phase=phase) for one, phase in ((once, "获取"), (talker, "离开"))
        )
    found = tables(store, "growth")
    assert [row[:2] for row in found["aarrr"].rows] == [
        ["获取", 4], ["激活", 2], ["留存", 1], ["推荐", 0], ["变现", 0],
    ]  # fmt: skip
    assert [(row[0], row[1]) for row in found["phases"].rows if row[1]] == [("获取", 1), ("离开", 1)]
    with store.write() as session:
        for number, (customer, status) in enumerate(
            [(once, "paid"), (once, "refunded"), (twice, "paid"), (twice, "paid"), (talker, "cancelled")]
        ):
            session.add(
                Order(source="shop", own_id=str(number), customer_id=customer.id, amount=10_000, status=status,
                      ordered_at=NOW, changed_at=NOW, taken_at=NOW)
            )  # fmt: skip
    found = tables(store, "growth")
    assert [row[1] for row in found["aarrr"].rows] == [4, 2, 1, 0, 2]
    assert found["aarrr-channels"].rows == [["不清楚", 2, 0, 0, 0, 0, 0], ["门店", 2, 2, 1, 0, 2, 300]]


def test_a_wilson_interval_is_as_the_books_have_it() -> None:
    low, high = wilson(8, 10)
    assert (round(low, 3), round(high, 3)) == (0.490, 0.943)
    assert wilson(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize("text", ["=1+1", "+86", "-1", "@cmd", "\tx", "\rx", " =x"])
def test_no_cell_is_a_formula(text: str) -> None:
    assert str(safe_cell(text)).startswith("'")


def drawn(store: Store, name: str) -> dict[str, dict[str, Any]]:
    return {key: table.as_stored() for key, table in tables(store, name).items()}


def test_nothing_is_drawn_where_nobody_came(store: Store) -> None:
    for name in REPORTS:
        for table in drawn(store, name).values():
            assert (table["rows"], table["chart"]) == ([], None), table["name"]
    assert drawn(store, "stages")["funnel-0"]["nothing"] == "这段时间里没有人进来"


def test_a_funnel_says_that_those_who_came_are_in_none_of_its_stages(store: Store) -> None:
    with store.write() as session:
        rows = Rows(session, NOW)
        walk(session, rows.customer("客户", None, rows.agent()), ("流失", 2))
    found = drawn(store, "stages")
    assert found["funnel-0"]["rows"] == []
    assert found["funnel-0"]["nothing"].format(**found["funnel-0"]["values"]).startswith("进来的 1 位客户都还没")
    assert found["flows-0"]["chart"] == {"kind": "sankey", "columns": [2]}


def test_a_chart_of_zeros_is_left_out_and_its_table_stays(store: Store) -> None:
    with store.write() as session:
        rows = Rows(session, NOW)
        agent = rows.agent("林")
        customer = rows.customer("客户", None, agent)
        rows.message(customer, "夜里问", None, ago=timedelta(hours=12))
        rows.message(customer, "上班前答", agent, ago=timedelta(hours=11))
        other = rows.customer("客户", None, agent)
        rows.message(other, "在吗", None, ago=timedelta(hours=1))
        rows.message(other, "在", agent, ago=timedelta(hours=1) - timedelta(seconds=9))
    answers = drawn(store, "agents")["answers"]
    assert answers["rows"] == [["林", 2, 4.5, None, 1.0]]
    assert answers["chart"] is None


def test_the_page_says_that_nobody_came_instead_of_drawing(site: Site) -> None:
    computed(site, site.system.settings)
    page = site.signed_in("admin").get("/reports?report=stages").text
    assert "data-chart" not in page
    assert page.count("<b>这段时间里没有人进来</b>") == 2


def computed(site: Site, settings: Settings) -> None:
    for name in REPORTS:
        compute(site.store, settings, ReportRequest(name, 30, None), clock.now())


def test_pages_show_what_was_kept_and_csv_says_the_same(site: Site) -> None:
    with site.store.write() as session:
        agent = Agent(key="x", userid="X", name="=HYPERLINK()", created_at=clock.now())
        session.add(agent)
        session.flush()
        customer = Customer(external_userid="wm1", name="客户", created_at=clock.now())
        session.add(customer)
        session.flush()
        session.add(Follow(agent_id=agent.id, customer_id=customer.id, added_at=clock.now()))
        task(session, customer, agent, "a", state="delivered", delivered_at=clock.now() - timedelta(hours=1))
    computed(site, site.system.settings)
    client = site.signed_in("admin")
    page = client.get("/reports?report=agents").text
    assert "=HYPERLINK()" in page
    assert "统计于" in page
    rows = list(csv.reader(io.StringIO(client.get("/reports/agents/prompts.csv").text.lstrip("\ufeff"))))
    assert rows[1][:3] == ["'=HYPERLINK()", "1", "0"]


def test_the_csv_of_the_report_on_waiting_names_who_left_a_question_alone(site: Site) -> None:
    asked_at = clock.now() - timedelta(days=2)
    with site.store.write() as session:
        rows = Rows(session, asked_at)
        agent = rows.agent("林")
        customer = rows.customer("甲", None, agent)
        rows.message(customer, "发票怎么开").agent_id = agent.id
    computed(site, site.system.settings)
    text = site.signed_in("admin").get("/reports/waits/waits-agents.csv").text.lstrip("\ufeff")
    head, row = csv.reader(io.StringIO(text))
    assert row[:4] == ["林", "1", "0", "1"]
    assert len(head) == len(row)


def test_a_report_never_counted_is_counted_behind_the_page(site: Site) -> None:
    client = site.signed_in("admin")
    assert "正在统计" in client.get("/reports?report=tags&days=7").text
    ends = time.monotonic() + 30
    while time.monotonic() < ends:
        with site.store.read() as session:
            if stored_report(session, ReportRequest("tags", 7, None).key) is not None:
                break
    assert "统计于" in client.get("/reports/tags/part?days=7").text


@pytest.mark.parametrize(
    "path", ["/reports?report=none", "/reports?days=12", "/reports/none/part", "/reports/tags/none.csv"]
)  # fmt: skip
def test_nonsense_is_not_found(site: Site, path: str) -> None:
    assert site.signed_in("admin").get(path).status_code == 404


def test_agents_have_no_reports(site: Site) -> None:
    assert site.signed_in("agent", userid="Lin").get("/reports").status_code == 404


def test_the_page_takes_dates_team_agent_and_comparison_and_opens_a_figure(site: Site) -> None:
    now = clock.now()
    with site.store.write() as session:
        rows = Rows(session, now)
        agent = rows.agent("林")
        agent.departments = [7]
        session.add(Department(id=7, parent_id=1, name="招生一组"))
        customer = rows.customer("陈女士", None, agent)
        rows.tag(customer, "高意向", tagged_at=now - timedelta(days=1))
        rows.tag(rows.customer("别人", None, rows.agent("赵")), "高意向", tagged_at=now - timedelta(days=1))
        session.flush()
        agent_id = agent.id
    today = now.astimezone(site.system.settings.zone).date()
    asked = {
        "from": str(today - timedelta(days=3)),
        "to": str(today),
        "team": "7",
        "agent": str(agent_id),
        "compare": "1",
    }
    request = ReportRequest(
        "tags", 30, frozenset({agent_id}), (today - timedelta(days=3), today), compared=True
    )  # fmt: skip
    compute(site.store, site.system.settings, request, clock.now())
    client = site.signed_in("admin")
    page = client.get("/reports", query_string={"report": "tags", **asked}).text
    assert "招生一组" in page
    link = re.search(r'href="(/reports/tags/tags/customers[^"]+column=1[^"]*)"', page)
    assert link is not None
    people = client.get(html.unescape(link[1])).text
    assert "陈女士" in people
    assert "别人" not in people
    assert "1 位客户" in people


@pytest.mark.parametrize("address", ["days=8", "days=x", "team=x", "agent=-1", "report=nothing", "agent=" + "9" * 30])
def test_an_odd_address_is_no_report(site: Site, address: str) -> None:
    assert site.signed_in("admin").get(f"/reports?{address}").status_code == 404
