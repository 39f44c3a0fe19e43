"""Six sets of sentences that were written by somebody who saw no rule: as many as ever are heard right."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from taggers.rule import Rule
from taggers.rulebook import compile_rulebook
from taggers.utterance import Utterance

DATA = Path(__file__).parent / "data"


@pytest.mark.parametrize(("number", "right"), [(1, 119), (2, 118), (3, 116), (4, 115), (5, 116), (6, 108)])
def test_no_fewer_are_heard_right_than_before(number: int, right: int) -> None:
    rows = [json.loads(line) for line in (DATA / f"meant_{number}.jsonl").read_text("utf-8").splitlines()]
    wrong = [row for row in rows if heard(row["word"], row["text"]) != row["hit"]]
    assert len(rows) - len(wrong) >= right, "\n".join(f"{row['word']}: {row['text']}" for row in wrong)


def heard(word: str, text: str) -> bool:
    return bool(compile_rulebook([Rule(id="r", tag="t", any=[word])]).judge(Utterance.typed(text)))
