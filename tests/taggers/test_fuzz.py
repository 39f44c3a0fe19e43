"""Whatever is typed and whatever is written as a rule: no crash, and never long."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from taggers.rule import Rule
from taggers.rulebook import LONGEST, RuleBookError, compile_rulebook
from taggers.utterance import Utterance
from tests.taggers.books import book

ANY_TEXT = st.text(st.one_of(st.characters(), st.characters(categories=["Cs", "Cc", "Cf"])), max_size=200)
HARD_BOOK = book(
    {"any": ["价格", "a", "不", "👍"]},
    {"any": ["价格"], "sound": True, "match": "text"},
    {"all": ["多", "少"], "none": ["钱"], "question": "only"},
    {"near": {"words": ["多", "少", "不"], "within": 200}, "match": "text", "negated": "match"},
    {"amount": {"from": 1}, "negated": "match"},
    {"regex": r"(\w+\s*)+!"},
    {"regex": r"((a+)+)+b|(.*多.*少){5}"},
    {"any": ["@价格"], "scope": ["typed", "quote", "forwarded", "link", "notice", "mixed", "file"], "from": "both"},
)


@settings(max_examples=300, deadline=None)
@given(ANY_TEXT)
def test_any_text(text: str) -> None:
    for hit in HARD_BOOK.judge(Utterance.typed(text)):
        for span in hit.spans:
            assert 0 <= span.start < span.end <= len(text)
    HARD_BOOK.explain(text)


WORD = st.text(max_size=8)
TABLES = st.fixed_dictionaries(
    {"id": st.just("r"), "tag": st.just("t")},
    optional={
        "any": st.lists(WORD, max_size=3),
        "all": st.lists(WORD, max_size=2),
        "none": st.lists(WORD, max_size=2),
        "amount": st.one_of(
            st.lists(st.one_of(st.integers(-1, 300), st.floats(), st.sampled_from(["9块9", "1.9w", ""])), max_size=3),
            st.dictionaries(st.sampled_from(["from", "to"]), st.integers(0, 300)),
        ),
        "regex": st.text(st.sampled_from("价ab(|)*+?{}[]\\d^$.,1 9-"), max_size=14),
        "on": st.lists(st.sampled_from(["@added", "silence:1d", "@night:1-2", "kind:", "", "reply:a/0"]), max_size=2),
        "near": st.fixed_dictionaries({"words": st.lists(WORD, min_size=2, max_size=3)}),
        "sound": st.booleans(),
        "match": st.sampled_from(["word", "text"]),
        "negated": st.sampled_from(["skip", "match", "only"]),
        "examples": st.fixed_dictionaries({"hit": st.lists(WORD, max_size=1), "miss": st.lists(WORD, max_size=1)}),
    },
)


@settings(max_examples=120, deadline=None)
@given(TABLES, ANY_TEXT)
def test_any_rule(table: dict[str, object], text: str) -> None:
    try:
        made = compile_rulebook([Rule.model_validate(table)])
    except (ValidationError, RuleBookError):
        return
    made.judge(Utterance.typed(text))
    made.explain(text)


ENDLESS = [
    "价" * 1_000_000,
    "价 格" * 300_000,
    "不价格没" * 200_000,
    "多少" * 300_000,
    "a" * 1_000_000,
    "ab!" * 300_000,
    "\ud800价格" * 200_000,
    "\u202e价格\u202c\x00" * 200_000,
    "，？" * 400_000,
    "ＶＩＰ１" * 200_000,
    "不" * 1_000_000,
    "价格，" * 300_000,
    "价格" * 500_000,
    "价格 " * 300_000,
    "1一" * 300_000,
    "1" * 1_000_000,
    "价-格." * 300_000,
    "a.b." * 300_000,
    "百千万" * 300_000,
]
SOLE = [
    {"any": ["价格", "a", "不"]},
    {"any": ["价格"], "sound": True, "match": "text"},
    {"near": {"words": ["多", "少"], "within": 200}, "match": "text"},
    {"regex": r"(\w+\s*)+!"},
    {"regex": r"(.*a.*b.*c){5}x"},
    {"regex": r"(a?){100}b"},
    {"amount": [199]},
    {"any": ["a", "1", "格"], "amount": {"from": 1}},
]


ROUNDS = 40
MOST_OF_A_WALK = 40  # a walk through as many characters in Python; the dearest of these rules takes 20 of them


def walk(text: str) -> None:
    """Look at every character once, and do next to nothing with it: the control beside which a rule is measured."""
    seen: dict[str, int] = {}
    for character in text:
        seen[character] = seen.get(character, 0) + 1


def took(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


@pytest.mark.parametrize("rule", SOLE)
def test_a_rule_reads_no_more_than_it_may_and_no_part_of_it_many_times(rule: dict[str, object]) -> None:
    """A million characters cost what the first few thousand of them do, these not much more than twice what half of
    them do (a square would be four times), and no character more than some looks at it: each beside the others in the
    same moment, whatever the machine does."""
    made = book(rule)
    for text in ENDLESS:
        read = text[:LONGEST]
        whole, head, half = (Utterance.typed(part) for part in (text, read, read[: LONGEST // 2]))
        hits = made.judge(whole)
        assert hits == made.judge(head), (rule, text[:8])
        works: tuple[Callable[[], object], ...] = (
            partial(made.judge, whole),
            partial(made.judge, head),
            partial(made.judge, half),
            partial(walk, read),
        )
        least = [math.inf] * len(works)
        for _ in range(ROUNDS):  # what a busy neighbour adds to one round it does not add to all
            spent = [took(work) for work in works]
            least = list(map(min, least, spent))
            of_whole, of_head, of_half, of_walk = least
            if of_whole <= 1.5 * of_head and of_head <= 3 * of_half and of_head <= MOST_OF_A_WALK * of_walk:
                break
        else:
            pytest.fail(f"{rule}, {text[:8]!r}: whole, head, half of it, and a walk took {least}")
