"""Columns of orders: proposed by their headings, and amounts, states and moments as people write them."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from sop.order_columns import (
    missing_columns,
    propose_order_columns,
    read_amount,
    read_moment,
    read_quantity,
    read_status,
)

ZONE = ZoneInfo("Asia/Shanghai")


def test_columns_are_proposed_by_their_headings() -> None:
    headings = [
        "订单编号",
        "买家电话",
        "手机号",
        "备注",
        "实付金额",
        "商品名称",
        "订单状态",
        "下单时间",
        "支付时间",
        "金额",
    ]
    proposed = propose_order_columns(headings)
    assert proposed == (
        "order:own_id", "", "key:phone", "", "order:amount", "order:product_name", "order:status", "order:ordered_at",
        "order:paid_at", "",
    )  # fmt: skip
    assert missing_columns(proposed) == ()
    assert missing_columns(("order:amount_fen", "order:ordered_at")) == ("key", "own_id")


@pytest.mark.parametrize(
    ("text", "fen"),
    [("2999", 299900), ("¥2,999.00", 299900), ("2999.5元", 299950), ("0.01", 1), ("￥ 1，000", 100000)],
)
def test_amounts_are_read(text: str, fen: int) -> None:
    assert read_amount(text) == fen
    assert read_amount("299900", fen=True) == 299900


@pytest.mark.parametrize("text", ["", "免费", "-5", "1.999", "9" * 30, "1e5", "2999 3999"])
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="金额"):
        read_amount(text)


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("2026-11-01 13:05", "2026-11-01T05:05:00+00:00"),
        ("2026/11/1 13:05:09", "2026-11-01T05:05:09+00:00"),
        ("2026年3月2日", "2026-03-01T16:00:00+00:00"),
        ("2026-11-01T13:05:09.25Z", "2026-11-01T13:05:09.250000+00:00"),
        ("2026.11.1", "2026-10-31T16:00:00+00:00"),
    ],
)
def test_moments_are_read_in_the_company_s_zone(text: str, iso: str) -> None:
    assert read_moment(text, ZONE).isoformat() == iso


def test_states_and_numbers_are_read_or_refused() -> None:
    assert [read_status(one) for one in ("交易成功", "Refunded", "已关闭")] == ["paid", "refunded", "cancelled"]
    assert read_quantity("2.0") == 2
    for read, text in ((read_status, "待付款"), (read_status, "？"), (read_quantity, "0"), (read_quantity, "两")):
        with pytest.raises(ValueError, match=r"看不懂|没有付款|不是数量"):
            read(text)
    with pytest.raises(ValueError, match="不是时间"):
        read_moment("2026-13-40", ZONE)
