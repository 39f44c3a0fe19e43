"""Amounts: the money a rule asks for, as a list of sums or as a range, however the customer writes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from taggers.fold import fold
from taggers.numbers import read_amount

_FORMS = "amount 写成 [199]、[9.9, 199] 或 { from = 100, to = 300 }（元）"
_MOST = 100


@dataclass(frozen=True, slots=True)
class Amounts:
    """Sums of money in yuan: any of `sums`, or anything from `least` to `most`, both included."""

    sums: tuple[Decimal, ...] = ()
    least: Decimal | None = None
    most: Decimal | None = None

    def __contains__(self, amount: object) -> bool:
        if not isinstance(amount, Decimal):
            return False
        if self.sums:
            return amount in self.sums
        return (self.least is None or amount >= self.least) and (self.most is None or amount <= self.most)

    def __str__(self) -> str:
        if self.sums:
            return "、".join(map(_plain, self.sums))
        if self.least is None or self.most is None:
            return f"≥{_plain(self.least)}" if self.least is not None else f"≤{_plain(self.most)}"
        return f"{_plain(self.least)}-{_plain(self.most)}"


def read_amounts(value: object) -> Amounts:
    """Turn 199, [9.9, 199] or { from = 100, to = 300 } into Amounts; raises ValueError with the accepted forms."""
    if isinstance(value, Amounts):
        return value
    if isinstance(value, Mapping):
        return _read_range(value)
    many = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
    if not 0 < len(many) <= _MOST:
        raise ValueError(_FORMS)
    return Amounts(tuple(map(_sum, many)))


def _read_range(value: Mapping[object, object]) -> Amounts:
    if not value or not set(value) <= {"from", "to"}:
        raise ValueError(_FORMS)
    least, most = (None if value.get(key) is None else _sum(value[key]) for key in ("from", "to"))
    if least is None and most is None:
        raise ValueError(_FORMS)
    if least is not None and most is not None and least > most:
        raise ValueError("amount 的 from 比 to 大，永远不会命中；交换两个数")
    return Amounts((), least, most)


def _sum(value: object) -> Decimal:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        amount = Decimal(str(value))
    else:
        found = read_amount(fold(value)) if isinstance(value, str) else None
        if found is None:
            raise ValueError(_FORMS)
        amount = found
    if not amount.is_finite() or not 0 <= amount < 10**12:
        raise ValueError(_FORMS)
    return amount


def _plain(amount: Decimal | None) -> str:
    """Write a sum as people do: 199, 9.9, not 2E+2."""
    return "" if amount is None else f"{amount.normalize():f}"
