"""Columns of a table of orders: what each is proposed to be, and how amounts, states and moments are read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from decimal import Decimal, InvalidOperation

from sop.import_columns import IGNORED, KEY, KEYS, plain_heading, propose_key
from sop.translatable import Translatable

ORDER = "order:"
NEEDED = ("own_id", "amount", "ordered_at")
MOST_FEN = 10**13  # a hundred thousand million yuan: more is a column taken for another
PAID, REFUNDED, CANCELLED = "paid", "refunded", "cancelled"
STATUSES = (PAID, REFUNDED, CANCELLED)

_CALLED = {
    "own_id": ("订单号", "订单编号", "订单id", "交易单号", "order_id", "order id", "order no", "id"),
    "amount": ("金额", "实付金额", "实付", "订单金额", "支付金额", "成交金额", "金额（元）", "金额(元)", "amount"),
    "amount_fen": ("金额（分）", "金额(分)", "amount_fen"),
    "ordered_at": ("下单时间", "订单时间", "创建时间", "下单日期", "日期", "ordered_at", "created_at", "date"),
    "paid_at": ("付款时间", "支付时间", "付款日期", "paid_at"),
    "changed_at": ("更新时间", "修改时间", "updated_at"),
    "status": ("状态", "订单状态", "支付状态", "status"),
    "product_code": ("商品编码", "商品编号", "产品编码", "产品编号", "课程编号", "sku", "product_code"),
    "product_name": ("商品", "商品名称", "产品", "产品名称", "课程", "课程名称", "product", "product_name"),
    "category": ("类目", "分类", "品类", "商品类目", "category"),
    "quantity": ("数量", "件数", "quantity", "qty"),
    "currency": ("币种", "currency"),
    "note": ("订单备注", "买家留言", "留言", "note"),
}
COLUMNS = tuple(_CALLED)
_STATES = {
    PAID: (
        "paid", "已付款", "已支付", "支付成功", "已完成", "交易成功", "交易完成", "待发货", "已发货", "成功",
    ),
    REFUNDED: ("refunded", "已退款", "退款成功", "全额退款", "退款"),
    CANCELLED: ("cancelled", "canceled", "已取消", "已关闭", "交易关闭", "关闭", "取消"),
}  # fmt: skip
_UNPAID = ("待付款", "待支付", "未付款", "未支付", "pending", "unpaid")
_MONEY = re.compile(r"(?:¥|￥|rmb|cny)?\s*(\d[\d,，]*(?:\.\d+)?)\s*(?:元|块)?", re.IGNORECASE)
_MOMENTS = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d")
_DAY = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?\s*")


def propose_order_columns(headings: Sequence[str]) -> tuple[str, ...]:
    """What each column is: "key:phone", "order:amount", or "" for one to be left out. Nothing is proposed twice."""
    called = {plain_heading(name): f"{ORDER}{column}" for column, names in _CALLED.items() for name in names}
    keys = propose_key(headings)
    proposed: list[str] = []
    for heading, key in zip(headings, keys, strict=True):
        target = key or called.get(plain_heading(heading), IGNORED)
        proposed.append(target if target not in proposed else IGNORED)
    return tuple(proposed)


def missing_columns(targets: Sequence[str]) -> tuple[str, ...]:
    """Which columns an order cannot do without are not there; "key" for the one that tells the customer."""
    named = {target.removeprefix(ORDER) for target in targets if target.startswith(ORDER)}
    named |= {"amount"} if "amount_fen" in named else set()
    lacking = tuple(name for name in NEEDED if name not in named)
    return lacking if any(target in [f"{KEY}{one}" for one in KEYS] for target in targets) else ("key", *lacking)


def read_amount(text: str, *, fen: bool = False) -> int:
    """An amount in fen, from yuan ("¥2,999.00", "2999元") or, by `fen`, from fen. Raises ValueError."""
    found = _MONEY.fullmatch(text.strip())
    try:
        number = Decimal(found[1].replace(",", "").replace("，", "")) if found else None
    except InvalidOperation:
        number = None
    if number is None:
        raise ValueError(Translatable("「{text}」不是金额，写作 2999 或 2999.00", text=text[:30]))
    exact = number if fen else number * 100
    if exact != exact.to_integral_value() or exact > MOST_FEN:
        raise ValueError(Translatable("金额「{text}」太大，或者小于一分", text=text[:30]))
    return int(exact)


def read_status(text: str) -> str:
    """The status of an order as its source calls it. Raises ValueError saying which there are."""
    plain = plain_heading(text)
    for status, names in _STATES.items():
        if plain in names:
            return status
    if plain in _UNPAID:
        raise ValueError("还没有付款，不算订单")
    raise ValueError(Translatable("状态「{text}」看不懂，写作 已付款、已退款 或 已取消", text=text[:30]))


def read_quantity(text: str) -> int:
    """How many. Raises ValueError."""
    plain = text.strip().removesuffix(".0")
    if not (plain.isascii() and plain.isdigit() and len(plain) < 8 and int(plain) > 0):
        raise ValueError(Translatable("「{text}」不是数量", text=text[:30]))
    return int(plain)


def read_moment(text: str, zone: tzinfo) -> datetime:
    """A moment, aware, as spreadsheets and systems write it; without a zone it is in this one. Raises ValueError."""
    plain = _DAY.sub(lambda day: "{}-{:0>2}-{:0>2} ".format(*day.groups()), text.strip().lstrip("'"), 1)
    plain = plain.replace(" T", "T").strip()
    for form in _MOMENTS:
        try:
            return datetime.strptime(plain, form).replace(tzinfo=zone).astimezone(UTC)
        except (ValueError, OverflowError):
            continue
    try:
        found = datetime.fromisoformat(plain)
        return (found if found.tzinfo else found.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        said = Translatable("「{text}」不是时间，写作 2026-11-01 13:05", text=text[:30])
        raise ValueError(said) from None
