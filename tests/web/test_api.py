"""The API: tokens with scopes, batches with faults and repetitions, what follows, and its own document."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bot.agents.api_tokens import create_token, revoke_token
from bot.platform import clock
from bot.platform.models import (
    ApiToken,
    AuditEntry,
    BusinessEvent,
    Customer,
    CustomerField,
    Order,
    Product,
    StageMove,
)
from bot.web.api.document import openapi_document
from tests.support.rows import Rows
from tests.support.site import CONFIG, Site, open_site

MORE = """
[[fields]]
name = "城市"

[[tags]]
group = "等级"
names = ["会员"]

[[pipelines]]
name = "学习"
stages = [
  { name = "试听", on = ["event:完成试听"] },
  { name = "已购", on = ["order:正价课"] },
]
"""
ALL = [f"{of}:{may}" for of in ("orders", "products", "events", "customers") for may in ("read", "write")]


@pytest.fixture
def site(tmp_path: Path, database_url: str) -> Iterator[Site]:
    with open_site(tmp_path, CONFIG + MORE, {"TICI_DATABASE_URL": database_url}) as site:
        with site.store.write() as session:
            rows = Rows(session, clock.now())
            for name in ("王", "李"):
                customer = rows.customer(name, agent=rows.agent())
                customer.unionid = f"o{customer.id}"
        yield site


def token_for(site: Site, *scopes: str, source: str = "shop") -> str:
    with site.store.write() as session:
        return create_token(session, ("店铺", source), scopes or ALL, "admin", clock.now())


def call(site: Site, token: str, what: str, body: Any = None, **headers: str) -> Any:
    client, path = site.app.test_client(), f"/api/v1/{what}"
    given = {"Authorization": f"Bearer {token}", **{name.replace("_", "-"): value for name, value in headers.items()}}
    return client.get(path, headers=given) if body is None else client.post(path, json=body, headers=given)


def order(site: Site, number: str = "1", who: int = 1, **values: Any) -> dict[str, Any]:
    at = clock.now().isoformat()
    told = {
        "id": number,
        "customer": {"unionid": f"o{who}"},
        "amount": 299900,
        "ordered_at": at,
        "category": "正价课",
    }
    return told | values


def rows(site: Site, model: Any, *where: Any) -> Any:
    with site.store.read() as session:
        return session.scalars(select(model).where(*where)).all()


def test_a_token_opens_what_it_may_until_it_is_revoked(site: Site) -> None:
    token = token_for(site, "orders:write")
    good = {"orders": [order(site)]}
    for given in ("", "tici_wrong", token[:-1]):
        answer = call(site, given, "orders", good)
        assert (answer.status_code, answer.content_type) == (401, "application/problem+json")
        assert "WWW-Authenticate" in answer.headers
    assert call(site, token, "orders").status_code == 403
    refused = call(site, token, "products", {"products": [{"code": "a"}]})
    assert (refused.status_code, "products:write" in refused.json["detail"]) == (403, True)
    assert call(site, token, "orders", good).json["refused"] == 0
    (row,) = rows(site, ApiToken)
    assert row.used_at is not None
    assert token not in str(vars(row))
    with site.store.write() as session:
        assert revoke_token(session, row.id, "admin", clock.now())
    assert call(site, token, "orders", good).status_code == 401
    assert {entry.action for entry in rows(site, AuditEntry)} >= {"api.token", "api.orders", "api.revoke"}


def test_a_batch_is_told_item_by_item_and_a_repetition_is_answered_the_same(site: Site) -> None:
    token = token_for(site)
    batch = {"orders": [order(site), order(site, "2", customer={"phone": "13800000000"}), order(site, "3", who=2)]}
    first = call(site, token, "orders", batch, Idempotency_Key="k1")
    assert [one["result"] for one in first.json["results"]] == ["new", "refused", "new"]
    assert "phone" in first.json["results"][1]["why"]
    moves = [(row.customer_id, row.to_stage) for row in rows(site, StageMove, StageMove.pipeline == "学习")]
    assert sorted(moves) == [(1, "已购"), (2, "已购")]
    again = call(site, token, "orders", batch, Idempotency_Key="k1")
    assert (again.json, again.headers["Idempotency-Replayed"]) == (first.json, "true")
    assert call(site, token, "orders", {"orders": [order(site, "9")]}, Idempotency_Key="k1").status_code == 422
    plain = call(site, token, "orders", batch)
    assert [one["result"] for one in plain.json["results"]] == ["same", "refused", "same"]
    assert len(rows(site, Order)) == 2
    other = token_for(site, source="school")
    assert call(site, other, "orders").json == {"orders": [], "next": None}
    page = call(site, token, "orders?limit=1").json
    assert ([one["id"] for one in page["orders"]], page["next"]) == (["1"], "1")
    assert [one["id"] for one in call(site, token, "orders?after=1").json["orders"]] == ["3"]


def test_what_is_wrong_is_told_with_its_place_and_nothing_is_stored(site: Site) -> None:
    token = token_for(site)
    wrong = order(site, amount="299900", surprise=1, ordered_at="2026-11-01T10:00:00")
    answer = call(site, token, "orders", {"orders": [order(site), wrong]})
    places = {one["pointer"] for one in answer.json["errors"]}
    assert (answer.status_code, answer.content_type) == (422, "application/problem+json")
    assert places == {"/orders/1/amount", "/orders/1/surprise", "/orders/1/ordered_at"}
    assert rows(site, Order) == []
    both = order(site, customer={"unionid": "o1", "phone": "1"})
    assert call(site, token, "orders", {"orders": [both]}).status_code == 422
    assert call(site, token, "orders", {"orders": [order(site, str(n)) for n in range(201)]}).status_code == 422
    head = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    for raw, status in ((b"{", 400), (b'{"orders": NaN}', 400), (b'"\\ud800"', 400), (b" " * 2**20 + b"{}", 413)):
        sent = site.app.test_client().post("/api/v1/orders", data=raw, headers=head)
        assert (sent.status_code, sent.content_type) == (status, "application/problem+json")
    assert site.app.test_client().get("/api/v1/nothing").content_type == "application/problem+json"
    assert call(site, token, "orders?limit=0").status_code == 400


def test_who_asks_too_often_waits_and_others_do_not(site: Site) -> None:
    busy, other = token_for(site), token_for(site, source="school")
    statuses = [call(site, busy, "orders?limit=1").status_code for _ in range(121)]
    assert statuses == [200] * 120 + [429]
    refused = call(site, busy, "products", {"products": [{"code": "a"}]})
    assert (refused.status_code, refused.content_type) == (429, "application/problem+json")
    assert "wait a minute" in refused.json["detail"]
    assert call(site, other, "orders?limit=1").status_code == 200
    assert rows(site, Product) == []


def test_products_events_and_facts_of_customers(site: Site) -> None:
    token, at = token_for(site), clock.now().isoformat()
    products = {"products": [{"code": "A1", "name": "2999课", "category": "正价课", "price": 299900}]}
    assert [call(site, token, "products", products).json["results"][0]["result"] for _ in range(2)] == ["new", "same"]
    assert call(site, token, "products").json["products"][0]["category"] == "正价课"
    event = {"id": "e1", "name": "完成试听", "at": at, "customer": {"unionid": "o1"}, "properties": {"n": [1]}}
    assert [call(site, token, "events", {"events": [event]}).json["results"][0]["result"] for _ in range(2)] == [
        "new", "same",
    ]  # fmt: skip
    assert [row.to_stage for row in rows(site, StageMove, StageMove.pipeline == "学习")] == ["试听"]
    late = event | {"id": "e2", "customer": {"unionid": "o2"}, "at": (clock.now() - timedelta(days=40)).isoformat()}
    call(site, token, "events", {"events": [late]})
    assert len(rows(site, StageMove, StageMove.pipeline == "学习")) == 1
    fact = {"customer": {"unionid": "o1"}, "fields": {"城市": "成都"}, "tags": ["会员"]}
    wrong = {"customer": {"unionid": "o2"}, "fields": {"城市": "上海", "没有的": "x"}}
    told = call(site, token, "customers", {"customers": [fact, wrong]}).json["results"]
    assert [one["result"] for one in told] == ["changed", "refused"]
    assert [(row.customer_id, row.value) for row in rows(site, CustomerField)] == [(1, "成都")]
    assert len(rows(site, BusinessEvent)) == 2
    assert len(rows(site, Product)) == 1
    people = call(site, token, "customers").json["customers"]
    assert sorted(one["unionid"] for one in people) == ["o1", "o2"]


def test_an_admin_makes_a_token_that_is_shown_once(site: Site) -> None:
    client = site.signed_in()
    form = {"name": "店铺", "source": "shop", "scope": ["orders:write", "orders:own"]}
    made = client.post("/admin/api", data=form).text
    (token,) = re.findall(r"<code>(tici_[\w-]{40,})</code>", made)
    assert call(site, token, "orders", {"orders": [order(site)]}).status_code == 200
    shown = client.get("/admin/api").text
    assert token not in shown
    assert token[:12] in shown
    assert client.post("/admin/api", data={"name": "x", "source": "y"}).status_code == 422
    (row,) = rows(site, ApiToken)
    assert row.scopes == ["orders:write"]
    assert client.post(f"/admin/api/{row.id}/revoke").status_code == 302
    assert call(site, token, "orders", {"orders": [order(site)]}).status_code == 401


def test_the_document_names_what_there_is(site: Site) -> None:
    document: Any = site.app.test_client().get("/api/v1/openapi.json").json
    assert document["openapi"].startswith("3.1")
    refs = set(re.findall(r"#/components/schemas/(\w+)", str(document)))
    assert refs <= set(document["components"]["schemas"])
    served = {rule.rule for rule in site.app.url_map.iter_rules() if rule.endpoint.startswith("api.post_")}
    assert set(document["paths"]) == served
    item = document["components"]["schemas"]["OrderItem"]
    assert set(item["required"]) == {"id", "amount", "ordered_at", "customer"}
    assert openapi_document() is openapi_document()
    assert rows(site, Customer)
