"""Webhooks: told as the change is committed, signed, tried until taken, disabled after long failure, sent safely."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from sqlalchemy import select, update
from werkzeug import Request, Response

from bot.customers.state import load_customer
from bot.customers.tags import TagSource, give_tag, take_tag
from bot.delivery import webhooks
from bot.delivery.webhook_news import forget_who_asks
from bot.platform import clock, outward
from bot.platform.models import Alarm, Customer, Outbox, SopTask, Webhook, WebhookDelivery
from bot.platform.outward import AddressRefusedError, NotReachedError
from bot.sops.follow_up import CustomerEvent, follow_up
from bot.worker.handlers import deliver
from tests.intake.test_batch_cost import counted
from tests.support.rows import Rows
from tests.support.site import CONFIG, Site, open_site


class Receiver:
    """A receiver that answers what it is told to, and keeps what came."""

    def __init__(self, server: HTTPServer, *statuses: int) -> None:
        self.came: list[Request] = []
        self.statuses = list(statuses)
        server.expect_request("/hook", method="POST").respond_with_handler(self._answer)
        self.url = server.url_for("/hook")

    def _answer(self, request: Request) -> Response:
        request.get_data()
        self.came.append(request)
        status = self.statuses.pop(0) if self.statuses else 200
        return Response(status=status, headers={"Location": "/elsewhere"} if status == 302 else {})


@pytest.fixture
def site(tmp_path: Path, database_url: str) -> Iterator[Site]:
    given = {"TICI_DATABASE_URL": database_url, "TICI_WEBHOOK_NETWORKS": "127.0.0.0/8"}
    forget_who_asks()
    with open_site(tmp_path, CONFIG, given) as site:
        with site.store.write() as session:
            rows = Rows(session, clock.now())
            rows.customer("张秘密", agent=rows.agent())
        yield site
    forget_who_asks()


def asked(site: Site, url: str, *events: str, words: bool = False) -> str:
    with site.system.work() as work:
        secret = webhooks.make_webhook(work, ("对方", url), events, words, "admin")
    forget_who_asks()
    return secret


def tag(site: Site, name: str = "已付款") -> None:
    with site.system.work() as work:
        state = load_customer(work.session, work.session.get_one(Customer, 1))
        give_tag(work, state, name, TagSource("human", "张秘密说付了"))
        follow_up(work, state, CustomerEvent("test", tags=[name], fresh=[name]))


def rows(site: Site, model: Any) -> Any:
    with site.store.read() as session:
        return session.scalars(select(model).order_by(model.id)).all()


def send_all(site: Site) -> list[str | None]:
    with site.store.write() as session:
        session.execute(update(Outbox).where(Outbox.state == "waiting").values(not_before=clock.now()))
    waiting = [row.id for row in rows(site, Outbox) if row.kind == webhooks.KIND and row.state == "waiting"]
    return [deliver(site.system, number) for number in waiting]


def test_what_changes_is_told_signed_and_tried_until_it_is_taken(site: Site, httpserver: HTTPServer) -> None:
    receiver = Receiver(httpserver, 500, 302, 204)
    secret = asked(site, receiver.url, "stage")
    tag(site)
    assert [row.event for row in rows(site, WebhookDelivery)] == ["stage.moved"]
    assert [send_all(site) for _ in range(3)] == [["waiting"], ["waiting"], ["sent"]]
    assert len(receiver.came) == 3
    assert len({request.headers["webhook-id"] for request in receiver.came}) == 1
    last = receiver.came[-1]
    signed = f"{last.headers['webhook-id']}.{last.headers['webhook-timestamp']}.".encode() + last.get_data()
    key = base64.b64decode(secret.removeprefix("whsec_"))
    want = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert last.headers["webhook-signature"] == f"v1,{want}"
    told = json.loads(last.get_data())
    assert (told["type"], told["data"]["to"]) == ("stage.moved", "成交")
    assert "张秘密" not in last.get_data(as_text=True)
    (delivery,) = rows(site, WebhookDelivery)
    assert (delivery.state, delivery.attempts, delivery.status) == ("sent", 3, 204)
    assert secret not in str([row.payload for row in rows(site, Outbox)])
    client = site.signed_in()
    assert client.post(f"/admin/webhooks/1/{delivery.id}/again").status_code == 302
    assert send_all(site) == ["sent"]
    assert receiver.came[-1].headers["webhook-id"] == last.headers["webhook-id"]


def test_words_are_sent_only_where_an_admin_says_so(site: Site, httpserver: HTTPServer) -> None:
    receiver = Receiver(httpserver)
    asked(site, receiver.url, "tag", words=True)
    tag(site)
    with site.system.work() as work:
        take_tag(work, load_customer(work.session, work.session.get_one(Customer, 1)), "已付款", "取消")
    send_all(site)
    told = [json.loads(request.get_data()) for request in receiver.came]
    assert [one["type"] for one in told] == ["tag.given", "tag.taken"]
    assert (told[0]["data"]["reason"], told[0]["data"]["customer"]["name"]) == ("张秘密说付了", "张秘密")


def test_tasks_are_told_of_and_what_was_taken_back_is_not(site: Site) -> None:
    asked(site, "http://127.0.0.1:9/hook", "task", "tag")
    with site.store.write() as session:
        agent = Rows(session, clock.now()).agent()
        task = Rows(session, clock.now()).task(session.get_one(Customer, 1), agent, "您好")
    with site.system.work() as work:
        work.session.get_one(SopTask, task.id).state = "completed"
        state = load_customer(work.session, work.session.get_one(Customer, 1))
        piece = work.session.begin_nested()
        give_tag(work, state, "已付款", TagSource("human"))
        work.session.flush()
        piece.rollback()
    assert [row.event for row in rows(site, WebhookDelivery)] == ["task.completed"]


def test_without_webhooks_nothing_is_asked_of_the_database(site: Site) -> None:
    tag(site, "高意向")
    with counted(site.store) as statements:
        tag(site, "低意向")
    assert not [one for one in statements if "webhook" in one]
    assert rows(site, WebhookDelivery) == []


def test_a_webhook_that_never_takes_anything_is_disabled_with_an_alarm(
    site: Site, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "MOST_FAILURES", 2)
    receiver = Receiver(httpserver, 500, 500)
    asked(site, receiver.url, "stage")
    tag(site)
    assert [send_all(site) for _ in range(3)] == [["waiting"], ["waiting"], ["cancelled"]]
    (webhook,) = rows(site, Webhook)
    assert (webhook.disabled_at is not None, len(receiver.came)) == (True, 2)
    with site.store.read() as session:
        assert [alarm.name for alarm in session.scalars(select(Alarm))] == ["webhook.1"]
    client = site.signed_in()
    assert "已停用" in client.get("/admin/webhooks").text
    client.post("/admin/webhooks/1/switch")
    (delivery,) = rows(site, WebhookDelivery)
    client.post(f"/admin/webhooks/1/{delivery.id}/again")
    assert send_all(site) == ["sent"]


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "10.0.0.1", "169.254.169.254", "[::1]", "[::ffff:10.0.0.1]", "[fe80::1]", "0.0.0.0",
     "[64:ff9b::a00:1]", "[2002:a00:1::]", "100.64.0.1", "224.0.0.1", "2130706433", "0x7f.1"],
)  # fmt: skip
def test_addresses_inside_are_refused(host: str) -> None:
    with pytest.raises((AddressRefusedError, NotReachedError)):
        outward.post(f"https://{host}/", b"{}", {}, ())


def test_only_https_is_called_outside_of_what_is_allowed() -> None:
    for url in ("http://8.8.8.8/", "https://u:p@8.8.8.8/", "ftp://8.8.8.8/", "https://8.8.8.8/ x", "https://[/"):
        with pytest.raises(AddressRefusedError):
            outward.check_address(url, ())
    with pytest.raises(AddressRefusedError):
        outward.post("http://8.8.8.8/", b"{}", {}, [ip_network("127.0.0.0/8")])


def test_an_admin_makes_one_and_its_secret_is_shown_once(site: Site) -> None:
    client = site.signed_in()
    form = {"name": "对方", "url": "http://127.0.0.1:9/hook", "event": ["stage", "order"]}
    made = client.post("/admin/webhooks", data=form)
    assert "whsec_" in made.text
    assert "whsec_" not in client.get("/admin/webhooks").text
    refused = client.post("/admin/webhooks", data=form | {"url": "https://10.0.0.1/"})
    assert (refused.status_code, "内部网络" in refused.text) == (422, True)
