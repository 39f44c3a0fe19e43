"""An agent's list of the day, and the tracked links that customers open."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from bot.platform import clock
from bot.platform.models import LinkOpening
from bot.platform.signed_links import day_url, link_url
from bot.web.public import tracked_links
from tests.support.rows import Rows
from tests.support.site import Site


def test_the_day_lists_what_is_due_and_leads_to_each_task(site: Site) -> None:
    now = clock.now()
    with site.store.write() as session:
        rows = Rows(session, now)
        agent = rows.agent("林晓雨")
        rows.task(
            rows.customer("陈静", agent=agent), agent, "分三档", state="delivered", due_at=now - timedelta(hours=1)
        )
        rows.task(rows.customer("改天再说", agent=agent), agent, "以后", due_at=now + timedelta(days=3))
        rows.task(rows.customer("做完了", agent=agent), agent, "好了", state="completed", due_at=now)
        path = day_url("", agent.id, site.key, now)
    page = site.app.test_client().get(path)
    assert page.status_code == 200
    assert "陈静" in page.text
    assert "分三档" in page.text
    assert "改天再说" not in page.text
    assert "做完了" not in page.text


def test_a_day_link_that_is_not_ours_or_too_old_opens_nothing(site: Site) -> None:
    with site.store.write() as session:
        agent_id = Rows(session, clock.now()).agent().id
    client = site.app.test_client()
    old = day_url("", agent_id, site.key, clock.now() - timedelta(days=3))
    assert client.get(old).status_code == 410
    assert client.get(old + "x").status_code == 404
    assert client.get("/day/none").status_code == 404


def test_a_tracked_link_leads_on_and_each_opening_is_noted(site: Site) -> None:
    attach = [{"kind": "link", "title": "三档对照表", "url": "https://example.com/compare"}]
    with site.store.write() as session:
        rows = Rows(session, clock.now())
        task = rows.task(rows.customer("陈静"), rows.agent("林晓雨"), "看看", attach=attach)
    client = site.app.test_client()
    path = link_url("", task.ref, 0, site.key)
    assert client.head(path).status_code == 302
    answer = client.get(path)
    assert (answer.status_code, answer.headers["Location"]) == (302, "https://example.com/compare")
    assert client.get(link_url("", task.ref, 5, site.key)).status_code == 404
    assert client.get(path[:-2]).status_code == 404
    with site.store.read() as session:
        assert session.scalars(select(LinkOpening.title)).all() == ["三档对照表"]


def test_a_link_that_is_opened_without_end_fills_no_database(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracked_links, "MOST_NOTED", 3)
    attach = [{"kind": "link", "title": title, "url": "https://example.com/"} for title in ("甲", "乙")]
    with site.store.write() as session:
        rows = Rows(session, clock.now())
        task = rows.task(rows.customer("陈静"), rows.agent("林晓雨"), "看看", attach=attach)
    client = site.app.test_client()
    for _ in range(5):
        assert client.get(link_url("", task.ref, 0, site.key)).status_code == 302
    assert client.get(link_url("", task.ref, 1, site.key)).status_code == 302
    with site.store.read() as session:
        assert session.scalars(select(LinkOpening.title).order_by(LinkOpening.id)).all() == ["甲"] * 3 + ["乙"]
