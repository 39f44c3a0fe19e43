"""Looking only at the block around a keyword gives the hits of segmenting the whole message with jieba."""

from __future__ import annotations

import json
import pickle
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taggers.reference import SegmentingJudge
from taggers.rule import Rule
from taggers.rulebook import RuleBook, compile_rulebook
from taggers.segment import BLOCK, Segmenter, reference
from taggers.utterance import Utterance

WORDS = ("体验课", "正价课", "价格", "vip课")
RULES = [
    Rule(id="price", tag="a", any=("价格", "多少钱", "费用", "钱", "价")),
    Rule(id="trial", tag="b", any=("体验课", "体验", "课"), none=("不",)),
    Rule(id="asked", tag="c", any=("课程", "到店", "店"), question="only"),
    Rule(id="both", tag="d", all=("价格", "课")),
    Rule(id="denied", tag="e", any=("想", "要", "价格"), negated="only"),
    Rule(id="letters", tag="f", any=("vip", "vip课", "a", "1", "100", "v 1", "二")),
    Rule(id="parts", tag="g", any=("课程", "程表", "优惠", "活动", "有课", "要好", "a1")),
]
BOOK = compile_rulebook(RULES, words=WORDS)
SLOW = SegmentingJudge(BOOK, WORDS)
TOKENIZER = reference(WORDS)
SEGMENTER = Segmenter(WORDS)
PIECES = st.sampled_from(
    [
        *"价格多少钱体验课程到店签铺不想要了吗vip1a .-_%+#&，。？！\n\t　ＶＩ價",
        *WORDS,
        "没有",
        "不要",
        "价 格",
        "100元",
        "钱钱钱",
        "多多多",
        "课程表",
        "优惠活动",
        "还有",
        "好的",
        "价-格",
        "体.验.课",
        "1,100",
        "二十",
    ]
)
TEXTS = st.lists(st.one_of(PIECES, st.characters(categories=["Lo", "Nd", "Po", "Zs", "So"])), max_size=30).map(
    "".join
)


def fast(text: str, book: RuleBook = BOOK) -> set[tuple[str, tuple[tuple[str, int, int], ...]]]:
    return {(hit.rule_id, tuple(hit.spans)) for hit in book.judge(Utterance.typed(text))}


def slow(text: str, judge: SegmentingJudge = SLOW) -> set[tuple[str, tuple[tuple[str, int, int], ...]]]:
    return {
        (finding.rule.rule.id, tuple(sorted(set(finding.spans)))) for finding in judge.judge(Utterance.typed(text))
    }


@settings(max_examples=400, deadline=None)
@given(TEXTS)
def test_same_hits_as_segmenting_everything(text: str) -> None:
    assert fast(text) == slow(text)


@settings(max_examples=400, deadline=None)
@given(TEXTS)
def test_same_words_as_jieba(text: str) -> None:
    for block in BLOCK.findall(text):
        assert SEGMENTER.words(block) == list(TOKENIZER.cut(block, HMM=False))


@pytest.fixture(scope="module")
def sayings(shared: Path) -> list[str]:
    lines = (shared / "data" / "crosswoz" / "dialogues.jsonl").read_text("utf-8").splitlines()
    return [turn["text"] for line in lines for turn in json.loads(line)["turns"]]


def test_same_words_as_jieba_over_real_dialogues(sayings: list[str]) -> None:
    blocks = {block for text in sayings for block in BLOCK.findall(text)}
    different = [block for block in blocks if SEGMENTER.words(block) != list(TOKENIZER.cut(block, HMM=False))]
    assert different == []


def test_same_hits_over_real_dialogues(sayings: list[str]) -> None:
    common = Counter(word for text in sayings[::7] for word in SEGMENTER.words(text) if len(word) > 1)
    words = sorted(common)[::3]
    rules = [Rule(id=f"w{at}", tag="w", any=(word, word[:1]), **{"from": "both"}) for at, word in enumerate(words)]
    book = compile_rulebook(rules)
    judge = SegmentingJudge(book)
    some = sayings[::5]
    hits = 0
    for text in some:
        found = fast(text, book)
        hits += len(found)
        assert found == slow(text, judge)
    assert hits > len(some)


def test_a_book_travels_and_judges_the_same() -> None:
    again = pickle.loads(pickle.dumps(BOOK))
    for text in ("体验课价格多少钱", "不想要", "到店吗"):
        assert fast(text, again) == fast(text)


def test_books_do_not_share_their_words() -> None:
    rule = [Rule(id="r", tag="t", any=("验课",))]
    assert fast("我要体验课", compile_rulebook(rule)) == set()
    assert fast("我要验课", compile_rulebook(rule, words=("验课",)))
    assert not fast("我要体验课", compile_rulebook(rule, words=("体验课",)))
