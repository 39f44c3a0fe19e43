"""Answers by their questions: paraphrases are found, a talk so far counts, and a study knows texts only."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pytest

from taggers.answer_book import AnswerBook, WordingSearch
from taggers.answer_index import _LIKELY, _PLACES, SURE, AnswerIndex, sure_ones
from taggers.answer_study import LabelledPair, cases_of, study_dialogues, study_pairs
from taggers.asked import Answered, Asked, Said
from taggers.likeness import QUESTIONS, TALK, Mixture, Terms
from taggers.rule import Synonym
from taggers.telling import telling
from taggers.term_index import TermIndex

DATA = Path(__file__).with_name("data")
WORDS_ONLY = Mixture(word=1, meaning=0, character=0, pair=0, slight=1, power=1)
TERMS = Terms()


@pytest.mark.parametrize("name", ["finance_pairs.txt", "service_pairs.txt"])
def test_paraphrases_are_found_more_often_than_by_their_words(name: str) -> None:
    """The pairs were written for this test, each time with as few words in common as people manage."""
    lines = [line.split("|") for line in (DATA / name).read_text("utf-8").splitlines()]
    pairs = [LabelledPair(one, other, True) for one, other in lines]
    found = study_pairs(pairs, TERMS, None).recall(3)
    by_words = TermIndex([TERMS.of(other, WORDS_ONLY) for _, other in lines], 1.0)
    likenesses = [by_words.likeness(by_words.vector(TERMS.of(one, WORDS_ONLY))) for one, _ in lines]
    plain = sum(int((row > row[at]).sum()) < 3 and row[at] > 0 for at, row in enumerate(likenesses)) / len(lines)
    assert found >= 0.5
    assert found >= plain * 1.5, f"{plain} by words alone"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("课程99元能退吗", "课程199元能退吗"),
        ("ＡＢＣ班怎么报名", "abc班怎么报名"),
        ("額度怎麼調", "额度怎么调"),
    ],
)
def test_numbers_width_and_script_make_no_difference(one: str, other: str) -> None:
    assert TERMS.of(one, QUESTIONS) == TERMS.of(other, QUESTIONS)


def test_synonyms_of_the_company_count() -> None:
    own = Terms(synonyms=[Synonym(name="正价课", words=("正价课", "系统班"))])
    common = own.of("正价课", QUESTIONS).keys() & own.of("系统班", QUESTIONS).keys()
    assert common - (TERMS.of("正价课", QUESTIONS).keys() & TERMS.of("系统班", QUESTIONS).keys())


def talks() -> list[list[tuple[Said, frozenset[tuple[str, str, str]]]]]:
    """Invented talks about two kinds of things, in which the same question is answered by what was spoken of."""
    kinds = {"钢琴课": "琴房在二楼靠窗那间", "游泳课": "泳池在负一层从东门进"}
    found = []
    for (kind, place), how in product(kinds.items(), ("想学", "想报", "咨询一下", "孩子要上", "问问", "打算学")):
        turns = [
            ("customer", f"你好{how}{kind}", "ask"),
            ("agent", f"{kind}现在有位置", "yes"),
            ("customer", "那在哪里上课", "where"),
            ("agent", place, f"place-{kind}"),
        ]
        found.append([(Said(by, text), frozenset({("a", "b", act)})) for by, text, act in turns])  # type: ignore[arg-type]
    return found


def test_what_was_spoken_of_before_tells_which_answer_fits() -> None:
    index = AnswerIndex([one.case for one in cases_of(talks())], TERMS)
    for kind, place in (("钢琴课", "琴房"), ("游泳课", "泳池")):
        asked = Asked("在哪里上课呀", (Said("customer", f"我家孩子想学{kind}"), Said("agent", f"{kind}有位置")))
        best = int(np.argmax(index.scores(asked)))
        assert place in cases_of(talks())[best].case.answer


def test_what_tells_nothing_of_the_answer_counts_less() -> None:
    """电话 is answered alike whoever asks; the names are as rare, and are answered by anything."""
    names, kinds = ("小燕子", "大石头", "老槐树", "金水桥"), {"电话": "电话是零一零", "地址": "在东门外头"}
    cases = [
        Answered(Asked(f"{name}{asked}"), f"{answer}{n}", n)
        for n, (name, (asked, answer)) in enumerate(product(names, kinds.items()))
    ]
    asked = TermIndex([TERMS.of(case.asked.text, TALK) for case in cases], TALK.power)
    answers = TermIndex([dict.fromkeys(TERMS.plain(case.answer), 1.0) for case in cases], 0.5)
    tells = telling(asked, answers, np.arange(len(cases)))
    weight = {term: tells[asked.number(term)] for term in ("p电话", "p地址", "p燕子", "p石头")}
    assert min(weight["p电话"], weight["p地址"]) > 2 * max(weight["p燕子"], weight["p石头"])
    index = AnswerIndex(cases, TERMS)
    assert "电话" in cases[int(np.argmax(index.scores(Asked("金水桥的电话"))))].answer


def test_what_is_learned_is_learned_from_those_cases_alone() -> None:
    cases = [one.case for one in cases_of(talks())]
    index, other = AnswerIndex(cases, TERMS), AnswerIndex(cases, TERMS)
    asked = Asked("那在哪里上课")
    before = index.scores(asked)
    learned = index.learned_from(np.arange(6))
    assert not np.allclose(before, learned.scores(asked))
    assert np.allclose(before, index.scores(asked)), "the index itself stays as it was"
    assert np.allclose(other.learned_from(np.arange(6)).scores(asked), learned.scores(asked))


def test_what_came_since_is_found_like_what_was_there_before() -> None:
    """Read with the terms of a large index, which knows few of its words."""
    many = [
        Answered(Asked(f"{one.case.asked.text}{chr(0x5000 + n)}", one.case.asked.before), one.case.answer, n)
        for n, one in enumerate(cases_of(talks()) * 9)
    ]
    index = AnswerIndex(many, TERMS)
    new = Answered(Asked("画室的窗帘可以换颜色吗"), "窗帘的颜色可以换的", 1_000)
    fresh = AnswerIndex([new], TERMS, index)
    assert fresh.scores(new.asked)[0] >= 1
    assert fresh.often == index.often == 5


def test_of_many_only_the_rarer_words_are_looked_up_and_the_best_is_the_same() -> None:
    """21,000 questions that all begin alike, every seventh of a kind."""
    cases = [Answered(Asked(f"请问{chr(0x5000 + n % 3_000)}在哪里"), f"在{n % 7}楼", n) for n in range(21_000)]
    index = AnswerIndex(cases, TERMS)
    vector = index._asked.vector(index._read(cases[5].asked))
    everything = int(index._asked.having(vector[0]).sum())
    looked_up = index._asked.looked_up(vector, _PLACES)
    places = int(index._asked.having(vector[0][looked_up]).sum())
    assert 0 < places <= _PLACES < everything
    scores = index.scores(cases[5].asked)
    assert np.count_nonzero(scores) <= _LIKELY
    assert np.isclose(scores.max(), scores[5])
    assert np.isclose(scores[5], index._asked.likeness(vector)[5], atol=0.16), "and as like as if all were looked up"


def test_nothing_is_sure_that_was_not_asked_often() -> None:
    scores = np.array([0.2, SURE + 0.1, SURE + 0.2, SURE, 0.0], np.float32)
    assert sure_ones(scores, 3, 10).tolist() == [2, 1, 3]
    assert sure_ones(scores, 3, 2).tolist() == [], "of so few none can be asked so often"
    assert sure_ones(scores, 4, 10).tolist() == []


def test_a_study_looks_in_other_talks_only_and_judges_by_acts() -> None:
    outcome = study_dialogues(cases_of(talks()), TERMS, lambda talk: True)
    assert outcome.asked == 24
    assert outcome.recall(1) > 0.8
    lonely = cases_of(talks()[:1] + talks()[-1:])
    assert study_dialogues(lonely, TERMS, lambda talk: True).recall(10) < 1, (
        "the place of the other kind is no answer"
    )


def test_an_empty_index_finds_nothing() -> None:
    index = AnswerIndex([], TERMS)
    assert len(index) == 0
    assert not index.scores(Asked("在吗")).size
    assert Answered(Asked(""), "", 0).answer == ""


ASKS = {
    "invoice": ["发票怎么开", "能开发票吗"],
    "refund": ["不想学了能退钱吗", "学费可以退吗"],
    "place": ["你们在什么地方"],
}


@pytest.mark.parametrize(
    ("asked", "best"),
    [
        ("请问可以开发票吗", "invoice"),
        ("学费能不能退", "refund"),
        ("你们在哪里呀", "place"),
        ("今天天气真好", None),
        ("我家孩子八岁了喜欢画画", None),
        ("", None),
    ],
)
def test_an_answer_is_offered_where_its_question_is_asked_and_nowhere_else(asked: str, best: str | None) -> None:
    found = AnswerBook(ASKS, TERMS).find(asked, ASKS)
    assert (found[0].key if found else None) == best
    assert AnswerBook(ASKS, TERMS).find(asked, ()) == []


@pytest.mark.parametrize(
    ("words", "first"),
    [("发票", "invoice"), ("fp", "invoice"), ("FPZ", "invoice"), ("退款", "refund"), ("xyz", None)],
)
def test_wordings_are_searched_by_words_and_first_letters(words: str, first: str | None) -> None:
    assert next(iter(WordingSearch(ASKS, TERMS).find(words)), None) == first


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("在吗", []),
        ("怎么样", []),
        ("可以吗", []),
        ("你们周末上课吗", []),
        ("今天下雨了心情不好吗", []),
        ("请问发票怎么开", ["invoice"]),
        ("能请假不", ["leave"]),
        ("发票呢", ["invoice"]),
    ],
)
def test_two_answers_are_not_taken_for_all_there_is_to_ask(asked: str, meant: list[str]) -> None:
    book = AnswerBook({"invoice": ["发票怎么开"], "leave": ["可以请假吗"]}, Terms())
    assert [fit.key for fit in book.find(asked, {"invoice", "leave"})] == meant


def test_what_people_say_anywhere_is_found_where_it_is_a_question_of_the_knowledge_base() -> None:
    book = AnswerBook({"who": ["你是谁"], "invoice": ["发票怎么开"]}, Terms())
    assert [fit.key for fit in book.find("你是谁", {"who", "invoice"})] == ["who"]
