"""Masking: numbers that identify people are hidden however they are typed; others stay readable."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.platform.log import scrub
from bot.platform.masking import mask

HIDDEN = {
    "我电话13812345678，随时打": "我电话138****5678，随时打",
    "138 1234 5678": "138 **** 5678",
    "138-1234-5678": "138-****-5678",
    "１３８１２３４５６７８": "１３８****５６７８",
    "1 3 8 1 2 3 4 5 6 7 8": "1 3 8 * * * * 5 6 7 8",
    "+86 13812345678": "+86 138****5678",
    "8613812345678": "86138****5678",
    "+86-138 1234 5678": "+86-138 **** 5678",
    "13812345678 13987654321": "138****5678 139****4321",
    "13812345678、13987654321": "138****5678、139****4321",
    "身份证11010519491231002X": "身份证110105********002X",
    "110105 19491231 002x": "110105 ******** 002x",
    "110105491231002": "110105*****1002",
    "6222021234567890123": "***************0123",
    "6222 0212 3456 7890": "**** **** **** 7890",
    "６２２２０２１２３４５６７８９０": "************７８９０",
    "010-62345678": "010-6*****78",
    "微信同号wx13812345678": "微信同号wx138****5678",
}
SHOWN = [
    "12345678901",
    "3月4日 10:30，2026-03-04",
    "2026-03-04 10:30:25.123456",
    "课程 1999 元，送 15 节",
    "1772589025.123456",
    "1700000000000",
    "138123456789012",  # fifteen digits are no phone, and no ID number of old begins so by chance alone
    "",
    "1381234567",
]


@pytest.mark.parametrize("text", HIDDEN)
def test_a_number_is_hidden(text: str) -> None:
    assert mask(text) == HIDDEN[text]
    assert mask(mask(text)) == mask(text)


@pytest.mark.parametrize("text", [one for one in SHOWN if len(one) != 15])
def test_another_number_stays(text: str) -> None:
    assert mask(text) == text


@given(st.text(), st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True), st.sampled_from(["", " ", "-", "\u3000", " - "]))
def test_no_phone_survives_among_whatever_words(words: str, phone: str, gap: str) -> None:
    typed = gap.join((phone[:3], phone[3:7], phone[7:]))
    masked = mask(f"{words}电话{typed}号{words}")
    assert typed not in masked
    assert len(masked) == len(f"{words}电话{typed}号{words}")
    assert typed not in scrub(typed)
