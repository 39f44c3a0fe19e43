"""Words and numbers: where a keyword stands whole, and which amounts of money are spoken of."""

from __future__ import annotations

from typing import Any

import pytest

from taggers.nobody import HIDDEN, is_nobodys, without_mentions
from taggers.utterance import Utterance
from tests.taggers import more_line_cases, more_word_cases, word_cases
from tests.taggers.books import book
from tests.taggers.word_cases import COMPOUNDS, NUMBERS

AMOUNTS = (*word_cases.AMOUNTS, *more_word_cases.AMOUNTS)
RUNS = (*word_cases.RUNS, *more_word_cases.RUNS)
NOBODYS = (*word_cases.NOBODYS, *more_line_cases.NOBODYS)
MENTIONS = (*word_cases.MENTIONS, *more_line_cases.MENTIONS)


@pytest.mark.parametrize(("keyword", "sentence", "there"), COMPOUNDS)
def test_a_part_of_a_compound_is_a_word_and_a_straddler_is_none(keyword: str, sentence: str, there: bool) -> None:
    made = book({"any": [keyword], "negated": "match"})
    assert bool(made.judge(Utterance.typed(sentence))) == there


@pytest.mark.parametrize(("keyword", "match", "sentence", "there"), [*NUMBERS, *RUNS])
def test_numbers_and_runs_are_whole(keyword: str, match: str, sentence: str, there: bool) -> None:
    made = book({"any": [keyword], "match": match})
    assert bool(made.judge(Utterance.typed(sentence))) == there
    assert made.screen([Utterance.typed(sentence)]) >= [there]


@pytest.mark.parametrize(("amount", "sentence", "there"), AMOUNTS)
def test_an_amount_is_one_value_however_it_is_written(amount: Any, sentence: str, there: bool) -> None:
    made = book({"any": ["付好了"], "match": "text", "amount": amount})
    assert bool(made.judge(Utterance.typed(sentence))) == there
    alone = book({"amount": amount})
    assert bool(alone.judge(Utterance.typed(sentence))) == there
    assert alone.screen([Utterance.typed(sentence)]) >= [there]


@pytest.mark.parametrize("keyword", ["app", "APP"])
def test_words_of_the_dictionary_do_not_cut_a_run(keyword: str) -> None:
    made = book({"any": [keyword]}, words=["app", "199课"])
    assert not made.judge(Utterance.typed("so happy啊"))
    assert made.judge(Utterance.typed("下载app啊"))


def test_there_are_enough_cases() -> None:
    tables = (COMPOUNDS, NUMBERS, AMOUNTS, RUNS, NOBODYS, MENTIONS)
    assert sum(map(len, tables)) >= 200
    assert all(len(table) == len(set(map(repr, table))) for table in tables)


@pytest.mark.parametrize(("line", "names", "nobodys"), NOBODYS)
def test_what_wecom_writes_is_nobodys_word(line: str, names: tuple[str, ...], nobodys: bool) -> None:
    assert is_nobodys(line, names) == nobodys


def test_no_rule_hears_what_nobody_said() -> None:
    made = book({"any": ["聊天", "开始", "内容", "添加", "消息", "验证"], "match": "text", "from": "both"})
    for line, names, nobodys in NOBODYS:
        if nobodys and not names:
            assert made.judge(Utterance.typed(line)) == (), line
            assert all(not one.hit and "企业微信" in one.reason for one in made.explain(line)), line
    assert made.judge(Utterance.typed("我们开始聊天吧"))


@pytest.mark.parametrize(("text", "names", "rest"), MENTIONS)
def test_a_mention_is_no_part_of_what_is_said(text: str, names: tuple[str, ...], rest: str) -> None:
    hidden = without_mentions(text, names)
    assert len(hidden) == len(text)
    assert hidden.replace(HIDDEN, "").replace("\u2005", " ").strip() == rest
    anchored = book({"regex": "^报名$"}, {"any": ["林", "价格"], "match": "text"})
    assert [hit.rule_id for hit in anchored.judge(Utterance.typed(hidden))] == (["r0"] if rest == "报名" else [])
