"""The tasks page and what an agent answers there: their own tasks only, each answer once, recorded."""

from __future__ import annotations

import re
from datetime import time, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from bot.platform import clock
from bot.platform.models import Agent, AuditEntry, Outbox, SopTask, ViewEntry
from bot.platform.signed_links import task_url
from bot.sops.prompts import queue_card, queue_digest
from tests.support.rows import Rows
from tests.support.site import Site

HOUR = timedelta(hours=1)


def plan(site: Site, agent: str = "Wang", customer: str = "李女士", **values: Any) -> int:
    """A task of the agent for a customer of theirs; its id."""
    with site.store.write() as session:
        rows = Rows(session, clock.now())
        known = session.scalar(select(Agent).where(Agent.key == agent.casefold()))
        if known is None:
            known = rows.agent(f"{agent}老师")
            known.key, known.userid = agent.casefold(), agent
            session.flush()
        return rows.task(rows.customer(customer, agent=known), known, f"{customer}您好", **values).id


def row(site: Site, task_id: int) -> SopTask:
    with site.store.read() as session:
        return session.get_one(SopTask, task_id)


def test_the_day_is_sorted_by_what_is_overdue_due_to_come_and_done(site: Site) -> None:
    now = clock.now()
    plan(site, customer="甲", state="delivered", due_at=now - 3 * HOUR)
    plan(site, customer="乙", state="delivered", due_at=now - HOUR / 6)
    plan(site, customer="丙", due_at=now + timedelta(days=3))
    plan(site, customer="丁", due_at=now + timedelta(days=30))
    done: dict[str, Any] = {"state": "completed", "completed_at": now, "due_at": now - HOUR}
    plan(site, customer="戊", outcome="edited", similarity=0.83, timing="late", **done)
    plan(site, customer="己", state="cancelled", due_at=now - HOUR)
    html = site.signed_in("agent", "Wang").get("/tasks").text
    heads = re.findall(r"<h2>([^<]+) <span", html)
    assert heads == ["已过时间", "现在该发", "接下来 7 天", "今天完成"]
    places = [html.index(f"<bdi>{name}</bdi>") for name in "甲乙丙戊"]
    assert places == sorted(places)
    for shown in ("改写后发送", "相似度 83%", "晚了"):
        assert shown in html
    assert "<bdi>丁</bdi>" not in html
    assert "<bdi>己</bdi>" not in html


def test_who_sent_in_his_place_is_named(site: Site) -> None:
    now = clock.now()
    plan(site, "Zhao")
    with site.store.read() as session:
        zhao = session.scalars(select(Agent.id).where(Agent.key == "zhao")).one()
    plan(site, state="replied", outcome="exact", completed_at=now, replied_at=now, sent_by_id=zhao)
    html = site.signed_in("agent", "Wang").get("/tasks").text
    assert "由Zhao老师发送" in html


def test_an_empty_day_says_what_will_come(site: Site) -> None:
    assert "都跟进完了" in site.signed_in("agent", "Wang").get("/tasks").text
    assert "还没有任务" in site.signed_in("admin").get("/tasks").text


def test_the_list_is_sent_again_only_when_something_changed(site: Site) -> None:
    task = plan(site, state="delivered")
    client = site.signed_in("agent", "Wang")
    path = re.search(r'hx-get="(/tasks/list[^"]+)"', client.get("/tasks").text)
    assert path is not None
    again = path[1].replace("&amp;", "&")
    assert client.get(again).status_code == 204
    with site.store.write() as session:
        session.get_one(SopTask, task).tapped_at = clock.now()
    assert "已点发送，等存档证实" in client.get(again).text


def test_later_puts_the_task_off_and_keeps_its_card_from_leaving(site: Site) -> None:
    task = plan(site)
    with site.system.work() as work:
        queue_card(work, work.session.get_one(SopTask, task))
    answer = site.signed_in("agent", "Wang").post(
        f"/tasks/{task}/later", data={"delay": "tomorrow"}, headers={"HX-Request": "true"}
    )
    assert answer.status_code == 200
    assert "toast" in answer.headers["HX-Trigger"]
    found = row(site, task)
    local = site.system.settings.calendar.local(found.due_at)
    assert (found.state, local.hour, local.minute) == ("planned", 9, 0)
    assert found.due_at > clock.now()
    with site.store.read() as session:
        assert session.scalars(select(Outbox.state)).all() == ["cancelled"]
        entry = session.scalars(select(AuditEntry)).one()
        assert (entry.actor, entry.action, entry.subject) == ("Wang", "task.later", f"task:{task}")


def test_a_time_of_ones_own_and_a_reason_in_words_are_taken_and_can_be_taken_back(site: Site) -> None:
    task = plan(site, state="delivered")
    was, calendar = row(site, task), site.system.settings.calendar
    client, asked = site.signed_in("agent", "Wang"), {"HX-Request": "true"}
    day = calendar.local(clock.now()).date() + timedelta(days=2)
    for at in ("", "tomorrow", f"{day - timedelta(days=3)}T10:00", f"{day + timedelta(days=99)}T10:00"):
        assert client.post(f"/tasks/{task}/later", data={"delay": "at", "at": at}, headers=asked).status_code == 409
    later = client.post(f"/tasks/{task}/later", data={"delay": "at", "at": f"{day}T10:07"}, headers=asked)
    assert row(site, task).due_at == calendar.next_slot(calendar.instant(day, time(10, 7)))
    assert f"/tasks/{task}/back" in later.headers["HX-Trigger"]
    assert client.post(f"/tasks/{task}/back", headers=asked).status_code == 200
    now = row(site, task)
    assert (now.state, now.due_at, now.expires_at, now.shifts) == ("planned", was.due_at, was.expires_at, [])
    client.post(f"/tasks/{task}/unfit", data={"reason": "other", "words": " 下月  才开学 "})
    assert row(site, task).ended_because == "员工认为不合适：下月 才开学"
    assert "撤销「不合适」" in client.get(f"/tasks/{task}").text
    client.post(f"/tasks/{task}/back")
    back = row(site, task)
    assert (back.state, back.rejected_because, back.ended_because) == ("planned", None, None)
    assert client.post(f"/tasks/{task}/back", headers=asked).status_code == 409
    with site.store.read() as session:
        actions = session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)).all()
    assert actions == ["task.later", "task.back", "task.unfit", "task.back"]


def test_steps_that_were_listed_together_and_put_off_come_together_again(site: Site) -> None:
    tasks = [plan(site, customer="甲"), plan(site, customer="乙")]
    for _ in range(2):
        with site.system.work() as work:
            queue_digest(work, [work.session.get_one(SopTask, one) for one in tasks])
    with site.store.read() as session:
        assert len(set(session.scalars(select(Outbox.key)))) == 2


@pytest.mark.parametrize(("delay", "least"), [("30m", 30), ("2h", 120)])
def test_later_by_a_span_comes_no_sooner(site: Site, delay: str, least: int) -> None:
    task, before = plan(site, state="delivered"), clock.now()
    site.signed_in("agent", "Wang").post(f"/tasks/{task}/later", data={"delay": delay})
    assert row(site, task).due_at >= before + timedelta(minutes=least)


def test_unfit_ends_the_task_with_its_reason_and_once(site: Site) -> None:
    task, client = plan(site, state="delivered"), site.signed_in("agent", "Wang")
    for status in (200, 409):
        answer = client.post(f"/tasks/{task}/unfit", data={"reason": "wording"}, headers={"HX-Request": "true"})
        assert answer.status_code == status
    found = row(site, task)
    assert (found.state, found.rejected_because, found.ended_because) == (
        "cancelled", "wording", "员工认为不合适：话术不合适",
    )  # fmt: skip
    with site.store.read() as session:
        assert len(session.scalars(select(AuditEntry)).all()) == 1


@pytest.mark.parametrize(
    ("name", "form"), [("later", {}), ("later", {"delay": "x"}), ("unfit", {"reason": "9" * 999})]
)
def test_nonsense_changes_nothing(site: Site, name: str, form: dict[str, str]) -> None:
    task = plan(site, state="delivered")
    answer = site.signed_in("agent", "Wang").post(f"/tasks/{task}/{name}", data=form, headers={"HX-Request": "true"})
    assert answer.status_code == 409
    assert row(site, task).state == "delivered"


def test_a_step_that_leaves_as_mass_message_is_not_put_off_alone(site: Site) -> None:
    task = plan(site, state="queued", channel="group-send")
    with site.store.write() as session:
        from bot.platform.models import GroupSend

        found = session.get_one(SopTask, task)
        group = GroupSend(
            agent_id=found.agent_id, sop_id="s", step=0, text="x", created_at=clock.now(), expires_at=clock.now()
        )
        session.add(group)
        session.flush()
        found.group_send_id = group.id
    site.signed_in("agent", "Wang").post(f"/tasks/{task}/later", data={"delay": "2h"})
    assert row(site, task).state == "queued"


PATHS = ("/tasks/{}", "/tasks/{}/file/0", "/tasks/{}/later", "/tasks/{}/unfit")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("number", ["theirs", "999", "99999999999999999999999", "-1", "x"])
def test_what_is_not_his_is_not_there(site: Site, path: str, number: str) -> None:
    theirs = plan(site, "Zhao", state="delivered")
    client = site.signed_in("agent", "Wang")
    url = path.format(theirs if number == "theirs" else number)
    send = client.post if path.endswith(("later", "unfit")) else client.get
    assert (
        send(url, **({"data": {"delay": "2h", "reason": "timing"}} if send == client.post else {})).status_code == 404
    )
    assert row(site, theirs).state == "delivered"


@pytest.mark.parametrize("wanted", ["theirs", "999", "x", "-1", "9" * 30])
def test_another_agents_day_is_not_there_for_an_agent(site: Site, wanted: str) -> None:
    theirs = row(site, plan(site, "Zhao")).agent_id
    client = site.signed_in("agent", "Wang")
    for page in ("/tasks", "/tasks/list"):
        assert client.get(f"{page}?agent={theirs if wanted == 'theirs' else wanted}").status_code == 404


def test_a_leader_sees_his_departments_in_numbers_and_may_look_closer(site: Site) -> None:
    now = clock.now()
    plan(site, "Wang", state="delivered", due_at=now - 2 * HOUR)
    plan(site, "Wang", state="expired", due_at=now - 26 * HOUR)
    for _ in range(3):
        plan(site, "Wang", state="completed", completed_at=now, due_at=now - HOUR)
    other = row(site, plan(site, "Zhao")).agent_id
    with site.store.write() as session:
        wang = session.scalars(select(Agent).where(Agent.key == "wang")).one()
        wang.departments = [7]
        wang_id = wang.id
    leader = site.signed_in("leader", "Chief", departments=[7])
    html = leader.get("/tasks").text
    cells = re.findall(r"<td[^>]*>(?:<meter[^>]*></meter>)?(.*?)</td>", html)
    assert cells == ["1", "0", "1", "3", "75%"]
    assert leader.get(f"/tasks?agent={wang_id}").status_code == 200
    assert leader.get(f"/tasks?agent={other}").status_code == 404
    assert "Zhao老师" in site.signed_in("admin").get("/tasks").text


def test_an_auditor_looks_and_changes_nothing(site: Site) -> None:
    task = plan(site, state="delivered")
    client = site.signed_in("auditor")
    assert "稍后" not in client.get(f"/tasks/{task}").text
    assert client.post(f"/tasks/{task}/later", data={"delay": "2h"}).status_code == 404
    assert site.watcher().get("/tasks").status_code == 404
    assert site.app.test_client().get("/tasks").status_code == 302
    assert row(site, task).state == "delivered"


def test_a_form_without_its_token_does_nothing(site: Site) -> None:
    task, client = plan(site, state="delivered"), site.signed_in("agent", "Wang")
    client.environ_base.pop("HTTP_X_CSRFTOKEN")
    assert client.post(f"/tasks/{task}/later", data={"delay": "2h"}).status_code == 400
    assert row(site, task).state == "delivered"


def test_the_page_of_a_task_is_read_for_the_log(site: Site) -> None:
    task = plan(site, state="delivered")
    assert "李女士您好" in site.signed_in("agent", "Wang").get(f"/tasks/{task}").text
    site.app.test_client().get(link(site, task))
    with site.store.read() as session:
        assert [(v.actor, v.page) for v in session.scalars(select(ViewEntry))] == [("Wang", "task")] * 2


def link(site: Site, task: int) -> str:
    return task_url("", row(site, task).ref, row(site, task).agent_id, site.key, clock.now())


def test_the_signed_link_lets_its_agent_answer_without_signing_in(site: Site) -> None:
    task, client = plan(site, state="delivered"), site.app.test_client()
    path = link(site, task)
    assert "明天 9:00" in client.get(path).text
    answer = client.post(f"{path}/later", data={"delay": "2h"})
    assert (answer.status_code, answer.headers["Location"]) == (303, path)
    assert row(site, task).state == "planned"
    ended = client.post(f"{path}/unfit", data={"reason": "other"}, follow_redirects=True)
    assert row(site, task).state == "cancelled"
    again = client.post(f"{path}/later", data={"delay": "2h"}, follow_redirects=True)
    for page in (ended, again):
        assert page.status_code == 410
        assert "这一步已经结束" in page.text
        assert "李女士" not in page.text
    undo = re.search(r'action="(/t/[^"]+/back)"', ended.text)
    assert undo is not None
    assert client.post(undo[1], follow_redirects=True).status_code == 200
    assert row(site, task).state == "planned"
    with site.store.read() as session:
        assert [(e.actor, e.action) for e in session.scalars(select(AuditEntry).order_by(AuditEntry.id))] == [
            ("Wang", "task.later"),
            ("Wang", "task.unfit"),
            ("Wang", "task.back"),
        ]


def test_a_link_that_is_forged_over_or_for_another_agent_answers_nothing(site: Site) -> None:
    task, client = plan(site, state="delivered"), site.app.test_client()
    agent, ref = row(site, task).agent_id, row(site, task).ref
    over = task_url("", ref, agent, site.key, clock.now() - timedelta(days=31))
    another = task_url("", ref, agent + 1, site.key, clock.now())
    for path, status in (("/t/forged", 404), (over, 410), (another, 410)):
        assert client.post(f"{path}/later", data={"delay": "2h"}).status_code == status
    assert row(site, task).state == "delivered"
