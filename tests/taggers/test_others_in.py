"""Others in a wording: names, links, numbers and prices are found; what may be said to all is let through."""

from __future__ import annotations

import pytest

from taggers.others_in import others_in


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("{customer.name|您}好，明天上午10点我把课表发您", ""),
        ("我们一块学，36 家店都可以，95%的人会续", ""),
        ("官网 https://example.com/about 有", ""),
        ("赵小暖也在学", "name"),
        ("王姐您好", "name"),
        ("看 https://example.com/u?id=3", "link"),
        ("加我 abc_12345", "number"),
        ("单号 99887766", "number"),
        ("只要 2980 元", "price"),
        ("打八折", "price"),
    ],
)
def test_what_is_written_for_many_holds_nothing_of_one(text: str, kind: str) -> None:
    assert others_in(text, {"赵小暖"}.__contains__) == kind
    assert others_in(text, {"赵小暖"}.__contains__, prices=True) == kind.replace("price", "")
