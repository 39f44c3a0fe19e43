"""The handover page: the brief in full, a checklist that is ticked, a colleague who takes over and says so."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.platform import clock
from bot.platform.models import AuditEntry, Follow, Handover, Note
from tests.support.rows import Rows
from tests.support.site import CONFIG, Site, open_site

ITEM = "认识关键联系人"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Wang and Zhao both have customer 1, Zhao alone another one."""
    with open_site(tmp_path, config=CONFIG) as site:
        with site.store.write() as session:
            rows = Rows(session, clock.now())
            wang, zhao = rows.agent("王老师"), rows.agent("赵老师")
            wang.key, wang.userid, zhao.key, zhao.userid = "wang", "Wang", "zhao", "Zhao"
            customer = rows.customer("陈女士", "考虑价格", wang, corp_name="示例科技")
            session.add(Follow(agent_id=zhao.id, customer_id=customer.id, added_at=clock.now()))
            rows.task(customer, wang, "您好，看看目录")
            session.add(Note(customer_id=customer.id, author="Wang", text="喜欢早上聊", created_at=clock.now()))
            rows.customer("别人", agent=zhao)
        yield site


def row(site: Site) -> Handover:
    with site.store.read() as session:
        return session.scalars(select(Handover)).one()


def test_a_customer_is_handed_over_ticked_off_and_taken(site: Site) -> None:
    wang, zhao = site.signed_in("agent", "Wang"), site.signed_in("agent", "Zhao")
    page = wang.get("/c/1/handover").text
    for shown in ("陈女士", "示例科技", "考虑价格", "您好，看看目录", "喜欢早上聊", "还没有交接"):
        assert shown in page
    (to,) = re.findall(r'<option value="(\d+)">赵老师', page)
    assert "交接单" in wang.get("/c/1").text
    assert wang.post("/c/1/handover", data={"to": "999"}).status_code == 400
    assert wang.post("/c/1/handover", data={"to": to}).status_code == 302
    assert (row(site).taker_id, row(site).cause, row(site).told_at) == (int(to), "hand", None)
    assert zhao.post("/c/1/handover/tick", data={"item": "没有的", "on": "1"}).status_code == 400
    zhao.post("/c/1/handover/tick", data={"item": ITEM, "on": "1"})
    page = zhao.get("/c/1/handover").text
    assert "要做的：1/5" in page
    assert re.findall(r'aria-pressed="true">✓ (\S+)</button></form> <span class="muted"><bdi>(\S+)</bdi>', page) == [
        (ITEM, "赵老师")
    ]
    assert wang.post("/c/1/handover/accept").status_code == 404  # Zhao takes over, not Wang
    assert zhao.post("/c/1/handover/accept").status_code == 302
    assert "已接手" in zhao.get("/c/1/handover").text
    with site.store.read() as session:
        done = session.scalars(
            select(AuditEntry.action).where(AuditEntry.action.startswith("handover")).order_by(AuditEntry.id)
        ).all()
    assert done == ["handover.begin", "handover.tick", "handover.accept"]


def test_nobody_is_handed_what_they_may_not_see_and_who_looks_changes_nothing(site: Site) -> None:
    wang, auditor = site.signed_in("agent", "Wang"), site.signed_in("auditor")
    assert wang.get("/c/2/handover").status_code == 404
    assert wang.post("/c/2/handover", data={"to": "1"}).status_code == 404
    assert wang.post("/c/1/handover/accept").status_code == 404  # there is none
    assert auditor.get("/c/1/handover").status_code == 200
    assert auditor.post("/c/1/handover", data={"to": "2"}).status_code == 404
