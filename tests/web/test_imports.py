"""Import of a table: columns are proposed, lines are tried with what is wrong where, given by a job, taken back."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from bot.agents import bulk_job
from bot.platform import clock
from bot.platform.models import BulkDeed, CustomerField, Follow, Order, Placement, SopEnrolment, Tagging
from tests.support.rows import Rows
from tests.support.site import CONFIG, Site, open_site

MORE = """
[[fields]]
name = "城市"

[[fields]]
name = "人数"
kind = "count"

[[sops]]
id = "after"
stage = "考虑价格"

  [[sops.steps]]
  after = "1d"
  say = "您好"
"""
TABLE = """手机号,标签,阶段,城市,人数
138 1234 5600,已开课、已续费,考虑价格,成都,3
13812345601,,成交,,
+8613812345602,没有的,,,
13812345603,,没有的,,多少
13812345699,,,上海,
13800000000,,,上海,
13812345600,,,重庆,
"""


@pytest.fixture
def site(tmp_path: Path, database_url: str) -> Iterator[Site]:
    with open_site(tmp_path, CONFIG + MORE, {"TICI_DATABASE_URL": database_url}) as site:
        with site.store.write() as session:
            rows = Rows(session, clock.now())
            agent = rows.agent("林")
            for n in range(4):
                rows.customer(f"客户{n}", agent=agent)
        give_phones(site)
        yield site


def give_phones(site: Site) -> None:
    with site.store.write() as session:
        for n, follow in enumerate(session.scalars(select(Follow).order_by(Follow.id))):
            follow.remark_mobiles = [f"1381234560{n}"] if n else ["13812345600", "13800000000"]
            if n == 1:
                follow.remark_mobiles = ["13812345601", "13800000000"]


def uploaded(client: FlaskClient, text: str | bytes) -> Any:
    raw = text.encode() if isinstance(text, str) else text
    answer: Any = client.post("/customers/import", data={"file": (io.BytesIO(raw), "old.csv")})
    with answer:
        answer.get_data()
    answer.request.input_stream.close()  # a large form lies in a file
    return answer


def all_of(site: Site, model: Any, *where: Any) -> Any:
    with site.store.read() as session:
        return session.scalars(select(model).where(*where)).all()


COLUMNS = {"column": ["key:phone", "tags", "stage:课程转化", "field:城市", "field:人数"]}


def test_a_table_with_bad_lines_is_tried_given_and_taken_back(site: Site) -> None:
    client = site.signed_in()
    address = uploaded(client, TABLE).headers["Location"]
    assert 'value="key:phone" selected' in client.get(address).text
    tried = client.post(f"{address}/check", data=COLUMNS).text
    assert "2 位客户可以导入" in tried
    for line, why in ((4, "没有标签「没有的」"), (5, "没有阶段「没有的」"), (5, "不是数量"), (6, "没有找到客户"),
                      (7, "分不清是哪一位"), (8, "在第 2 行已经有了")):  # fmt: skip
        assert why in tried, line
    begun = client.post(f"{address}/begin", data=COLUMNS)
    deed = int(begun.headers["HX-Redirect"].rpartition("/")[2])
    while bulk_job.advance(site.system, clock.now()):
        pass
    assert {row.tag for row in all_of(site, Tagging)} >= {"已开课", "已续费"}
    assert sorted(row.stage for row in all_of(site, Placement, Placement.pipeline == "课程转化")) == [
        "成交", "新线索", "新线索", "考虑价格",
    ]  # fmt: skip
    assert {(row.name, row.value) for row in all_of(site, CustomerField)} == {("城市", "成都"), ("人数", "3")}
    assert all_of(site, SopEnrolment) == []  # they got there long ago
    (row,) = all_of(site, BulkDeed)
    assert row.what == {"file": "old.csv", "quiet": True}
    assert client.post(f"/customers/deeds/{deed}/undo").status_code == 204
    while bulk_job.advance(site.system, clock.now()):
        pass
    assert all_of(site, CustomerField) == []
    assert all_of(site, Tagging, Tagging.removed_at.is_(None)) == []
    assert {row.stage for row in all_of(site, Placement, Placement.pipeline == "课程转化")} == {"新线索"}


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "没有内容"),
        (b"PK\x03\x04rest", "Excel"),
        (b"\xff\xfe\x00\xd8", "编码"),
        (b'a,b\n"x', "不是正确的 CSV"),
        (("手机\n" + "1\n" * 50_001).encode(), "最多 50000 行"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(site: Site, raw: bytes, why: str) -> None:
    answer = uploaded(site.signed_in(), raw)
    assert answer.status_code == 422
    assert why in answer.text
    assert all_of(site, BulkDeed) == []


ORDERS = """订单号,手机号,金额,商品名称,状态,下单时间
A1,13812345601,2999,正价课,已付款,2026-11-01 10:00
A2,13812345601,2999,正价课,已退款,2026-11-02 10:00
A3,13812345602,免费,正价课,已付款,2026-11-02 10:00
A4,13812345602,9.9,体验课,待付款,2026/11/2
A1,13812345602,9.9,体验课,已付款,2026/11/2
A6,13800000000,9.9,体验课,已付款,2026/11/2
A7,13812345603,9.90,体验课,已付款,
A8,13812345603,9.90,体验课,已付款,2026-11-02
"""


def test_orders_are_tried_entered_shown_and_taken_back(site: Site) -> None:
    client = site.signed_in()
    given = {"file": (io.BytesIO(ORDERS.encode()), "orders.csv"), "kind": "orders"}
    address = client.post("/customers/import", data=given).headers["Location"]
    shown = client.get(address).text
    proposed = ["order:own_id", "key:phone", "order:amount", "order:product_name", "order:status", "order:ordered_at"]
    assert all(f'value="{target}" selected' in shown for target in proposed)
    assert client.post(f"{address}/check", data={"column": proposed[:5]}).status_code == 409
    columns = {"column": proposed, "source": " 有赞 "}
    tried = client.post(f"{address}/check", data=columns).text
    assert "2 位客户可以导入" in tried
    assert "3 笔订单" in tried
    for why in ("不是金额", "还没有付款", "在第 2 行已经有了", "分不清是哪一位", "空着"):
        assert why in tried, why
    deed = int(client.post(f"{address}/begin", data=columns).headers["HX-Redirect"].rpartition("/")[2])
    while bulk_job.advance(site.system, clock.now()):
        pass
    assert {(row.source, row.own_id, row.amount) for row in all_of(site, Order)} == {
        ("有赞", "A1", 299900), ("有赞", "A2", 299900), ("有赞", "A8", 990),
    }  # fmt: skip
    (customer_id,) = {row.customer_id for row in all_of(site, Order, Order.own_id == "A1")}
    page = client.get(f"/c/{customer_id}").text
    assert "已付款 1 笔 ¥2,999" in page
    assert "已退款 1 笔 ¥2,999" in page
    assert client.post(f"/customers/deeds/{deed}/undo").status_code == 204
    while bulk_job.advance(site.system, clock.now()):
        pass
    assert all_of(site, Order) == []


def test_a_draft_is_its_uploader_s_and_needs_a_key(site: Site) -> None:
    client = site.signed_in()
    address = uploaded(client, TABLE).headers["Location"]
    assert site.signed_in("leader").get(address).status_code == 404
    assert client.post(f"{address}/check", data={"column": ["", "tags"]}).status_code == 409
    deed = address.rpartition("/")[2]
    assert client.get(f"/customers/deeds/{deed}").status_code == 404


def test_a_table_of_several_megabytes_is_taken_from_who_may_import(site: Site) -> None:
    text = "手机号,备注\n" + "".join(f"138{n:08},{'长' * 60}\n" for n in range(10_000))
    assert len(text.encode()) > 1_900_000
    assert uploaded(site.signed_in("leader"), text).status_code == 302
    assert uploaded(site.signed_in("agent", userid="Other"), text).status_code in (404, 413)
    (draft,) = all_of(site, BulkDeed, BulkDeed.state == "draft")
    assert draft.asked == 10_000
