"""Folding: one form for matching, and every place leads back to the original."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taggers.fold import fold, is_plain, read

FOLDED = [
    ("ＶＩＰ１２３", "vip123"),
    ("價錢", "价钱"),
    ("价 格", "价格"),
    ("vip 课", "vip课"),
    ("how  much", "howmuch"),
    ("㎡", "m2"),
    ("①", "1"),
    ("著名", "著名"),
    ("价\u200b格\ufe0f", "价格"),
    ("❤️", "❤"),
    ("你好，吗？", "你好，吗？"),
    ("……", "……"),
    ("\u3000价格\u3000", "价格"),
]


@pytest.mark.parametrize(("text", "folded"), FOLDED)
def test_fold(text: str, folded: str) -> None:
    assert fold(text) == folded


def test_drawn_out_typing_has_a_second_reading() -> None:
    assert [reading.text for reading in read("多少钱钱钱")] == ["多少钱钱钱", "多少钱"]
    assert [reading.text for reading in read("1000元")] == ["1000元"]
    assert [reading.text for reading in read("谢谢")] == ["谢谢"]


def test_plain_text_is_its_own_reading() -> None:
    assert is_plain("你们的课多少钱？")
    assert not is_plain("你們的課")


MESSY = st.text(
    st.one_of(
        st.sampled_from("价格多少钱 不\t\u3000ＶIp１價錢㎡ﬁ❤️👍🏻\u200b。，？!ﷺ"),
        st.characters(),
        st.characters(categories=["Cs"]),
    ),
    max_size=60,
)


@given(MESSY)
def test_every_place_leads_back(text: str) -> None:
    for reading in read(text):
        places = range(len(text)) if reading.places is None else reading.places
        assert len(places) == len(reading.text)
        assert list(places) == sorted(places)
        assert all(0 <= place < len(text) for place in places)
        assert list(reading.gaps) == sorted(reading.gaps)
        for start in range(len(reading.text)):
            left, right = reading.span(start, start + 1)
            assert 0 <= left < right <= len(text)
            # what stands there folds to what was matched
            whole = "".join(one.text for one in read(text[left:right])[:1])
            assert reading.text[start] in whole or whole in ("", " ")


@given(MESSY)
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)
