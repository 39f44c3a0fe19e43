"""An agent's own follow-ups on pages: beside the chat and on the day's page, theirs alone, each change recorded."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from bot.platform import clock
from bot.platform.models import Agent, AuditEntry, Customer, Follow, OwnFollowUp
from bot.platform.signed_links import day_url
from tests.support.rows import Rows
from tests.support.site import Site

MINE = "wmMINE00000000000000000000000001"


@pytest.fixture
def wang(site: Site) -> FlaskClient:
    """Wang, who has one customer; they wait for an answer."""
    with site.store.write() as session:
        rows = Rows(session, clock.now())
        agent = rows.agent("王老师")
        agent.key, agent.userid = "wang", "Wang"
        customer = rows.customer("李女士", "考虑价格", agent, last_words="发票怎么开")
        customer.external_userid = MINE
        session.scalars(select(Follow)).one().waiting_since = clock.now() - timedelta(days=7)
    return site.signed_in("agent", "Wang")


def own(site: Site) -> OwnFollowUp:
    with site.store.read() as session:
        return session.scalars(select(OwnFollowUp)).one()


def write(client: FlaskClient, words: str) -> int:
    return client.post("/follow-ups", data={"external_userid": MINE, "words": words}).status_code


def test_it_is_written_beside_the_chat_and_shown_there_and_on_the_day(site: Site, wang: FlaskClient) -> None:
    assert write(wang, "发合同") == 409  # no time
    assert write(wang, "明天10点 发合同") == 204
    assert write(wang, "明天10点 发合同") == 204  # the same once more
    assert own(site).words == "发合同"
    panel = wang.post("/sidebar/customer", data={"external_userid": MINE}).text
    day = wang.get("/tasks").text
    with site.store.read() as session:
        agent_id = session.scalars(select(Agent.id)).one()
    listed = site.app.test_client().get(day_url("", agent_id, site.key, clock.now())).text
    assert ("发合同" in panel, "等了" in panel) == (True, True)
    assert ("发合同" in day, "在等回复" in day, "发票怎么开" in day) == (True, True, True)
    assert "等了" in listed


def test_it_is_done_taken_up_again_changed_and_dropped(site: Site, wang: FlaskClient) -> None:
    write(wang, "明天10点 发合同")
    path = f"/follow-ups/{own(site).id}"
    assert wang.post(f"{path}/back").status_code == 409  # it is open
    assert wang.post(f"{path}/done").status_code == 204
    assert (own(site).state, own(site).ended_by) == ("done", "hand")
    assert "撤销" in wang.post("/sidebar/customer", data={"external_userid": MINE}).text
    assert wang.post(f"{path}/back").status_code == 204
    later = (clock.now() + timedelta(days=3)).astimezone(site.system.settings.zone)
    assert wang.post(f"{path}/change", data={"at": "昨天", "words": "x"}).status_code == 409
    assert wang.post(f"{path}/change", data={"at": f"{later:%Y-%m-%dT%H:%M}", "words": "发报价"}).status_code == 204
    assert (own(site).words, f"{own(site).due_at.astimezone(site.system.settings.zone):%d %H:%M}") == (
        "发报价",
        f"{later:%d %H:%M}",
    )
    assert wang.post(f"{path}/drop").status_code == 204
    assert own(site).state == "dropped"
    with site.store.read() as session:
        mine = select(AuditEntry.action).where(AuditEntry.action.startswith("follow_up"))
        done = session.scalars(mine.order_by(AuditEntry.id)).all()
    assert done == [f"follow_up.{name}" for name in ("add", "done", "back", "change", "drop")]


def test_nobody_else_changes_it_and_it_goes_with_the_customer(site: Site, wang: FlaskClient) -> None:
    write(wang, "明天10点 发合同")
    path = f"/follow-ups/{own(site).id}/done"
    assert site.signed_in("agent", "Zhao").post(path).status_code == 404
    assert site.signed_in("admin").post(path).status_code == 404
    with site.store.write() as session:
        session.scalars(select(Customer)).one().follows[0].ended_at = clock.now()
    assert wang.post(path).status_code == 404
    assert own(site).state == "open"
