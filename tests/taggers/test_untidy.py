"""Untidy talk of other trades: what is meant is heard through pictures, signs, full-width letters and asides."""

from __future__ import annotations

import pytest

from taggers.utterance import Utterance
from tests.taggers import spoken_cases, untidy_cases
from tests.taggers.books import book

CASES = [*untidy_cases.CASES, *spoken_cases.CASES]
MISSED = spoken_cases.MISSED


def heard(sentence: str, keyword: str) -> bool:
    rules = book({"any": [keyword]}, words=[keyword])
    told = any(weighed.hit for weighed in rules.explain(Utterance.typed(sentence)))
    assert told == bool(rules.judge(Utterance.typed(sentence))), "explain and judge differ"
    return told


@pytest.mark.parametrize(("sentence", "keyword", "hit"), CASES, ids=[f"{case[1]} in {case[0]}" for case in CASES])
def test_what_is_meant_is_heard(sentence: str, keyword: str, hit: bool) -> None:
    assert heard(sentence, keyword) == hit


@pytest.mark.xfail(strict=True, reason="not understood yet")
@pytest.mark.parametrize(("sentence", "keyword", "hit"), MISSED, ids=[f"{case[1]} in {case[0]}" for case in MISSED])
def test_what_is_still_misheard(sentence: str, keyword: str, hit: bool) -> None:
    assert heard(sentence, keyword) == hit


@pytest.mark.parametrize(
    ("sentence", "keyword"),
    [
        ("东西退😀款式不错", "退款"),
        ("多😂少都行", "多少"),
        ("my wi-fine", "wifi"),
        ("pre-app", "prea"),
    ],
)
def test_a_picture_or_a_hyphen_that_separates_joins_nothing(sentence: str, keyword: str) -> None:
    assert not heard(sentence, keyword)


def test_the_screen_lets_dodged_words_through() -> None:
    rules = book({"any": ["退款"]}, {"any": ["wifi"]})
    said = [Utterance.typed(text) for text in ("我要退😀款", "有Wi-Fi吗", "好的😊", "在吗")]
    assert [bool(hits) for hits in rules.judge_all(said)] == [True, True, False, False]
