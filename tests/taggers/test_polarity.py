"""Polarity and scope: what a careful reader would say of hard sentences."""

from __future__ import annotations

import pytest

from taggers.fold import read
from taggers.page import Page
from taggers.segment import Segmenter
from tests.taggers.polarity_cases import CASES

SEGMENTER = Segmenter()


@pytest.mark.parametrize(("keyword", "sentence", "polarity", "form"), CASES, ids=[f"{c[0]} in {c[1]}" for c in CASES])
def test_sense(keyword: str, sentence: str, polarity: str, form: str) -> None:
    reading = read(sentence)[0]
    start = reading.text.index(keyword)
    sense = Page(reading, SEGMENTER).sense(start, start + len(keyword))
    assert ("-" if sense.denied else "+") == polarity, sense.because
    if form:
        assert ("?" if sense.asked else ".") == form


def test_there_are_enough_cases() -> None:
    assert len(CASES) >= 150
    assert len({(keyword, sentence) for keyword, sentence, _, _ in CASES}) == len(CASES)
