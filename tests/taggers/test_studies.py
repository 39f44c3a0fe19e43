"""Studies of a rule book: scores, coverage, mined proposals, backtests; and the travel playbook on real dialogues."""

from __future__ import annotations

import json
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from taggers.backtest import CustomerHistory, backtest, merge
from taggers.coverage import survey
from taggers.evaluation import LabelledUtterance, Labels, TagScore, evaluate
from taggers.mining import log_likelihood, mine
from taggers.rule import TagGroup
from taggers.utterance import Utterance
from tests.taggers.books import book, from_toml

PLAYBOOKS = Path(__file__).parents[1] / "playbooks"
LABELS = Labels.model_validate(tomllib.loads((PLAYBOOKS / "travel_labels.toml").read_text("utf-8")))


def say(*texts: str) -> list[Utterance]:
    return [Utterance.typed(text, msgid=f"m{place}") for place, text in enumerate(texts)]


# ---- evaluation


def test_scores() -> None:
    score = TagScore("t", right=3, wrong=1, left_out=2)
    assert (score.precision, score.recall) == (0.75, 0.6)
    assert score.f1 == pytest.approx(2 * 0.75 * 0.6 / (0.75 + 0.6))
    assert TagScore("t", 0, 0, 0).f1 == 1
    assert TagScore("t", 0, 1, 1).f1 == 0


def test_evaluate_counts_each_tag_once_an_utterance() -> None:
    rules = book({"tag": "a", "any": ["价格"]}, {"tag": "a", "any": ["多少"]}, {"tag": "b", "any": ["地址"]})
    states = [
        LabelledUtterance("1", "价格多少", frozenset({"a"})),
        LabelledUtterance("1", "地址", frozenset()),
        LabelledUtterance("2", "在哪", frozenset({"b"})),
    ]
    found = evaluate(rules, states, ["a", "b"])
    assert [(score.right, score.wrong, score.left_out) for score in found.scores] == [(1, 0, 0), (0, 1, 1)]
    assert found.macro_f1 == 0.5
    assert [(mistake.tag, mistake.rules) for mistake in found.mistakes] == [("b", ("r2",)), ("b", ())]


def test_labels() -> None:
    assert LABELS.gold([["Request", "酒店", "价格", ""], ["General", "thank", "none", "none"]]) == {"询价", "致谢"}
    assert LABELS.gold([["Inform", "酒店", "价格", "100"]]) == frozenset()


def test_travel_playbook_on_real_dialogues(shared: Path) -> None:
    rules = from_toml((PLAYBOOKS / "travel.toml").read_text("utf-8"))
    dialogues = [
        json.loads(line) for line in (shared / "data/crosswoz/dialogues.jsonl").read_text("utf-8").splitlines()
    ]
    tags = [label.tag for label in LABELS.labels]
    halves = []
    for half in (dialogues[::2], dialogues[1::2], dialogues):
        states = [
            LabelledUtterance(dialogue["id"], turn["text"], LABELS.gold(turn["acts"]))
            for dialogue in half
            for turn in dialogue["turns"]
            if turn["role"] == "customer"
        ]
        halves.append(evaluate(rules, states, tags))
    tuned, held_out, whole = halves
    assert whole.macro_f1 >= 0.96
    assert min(score.f1 for score in whole.scores) >= 0.90
    assert held_out.macro_f1 >= 0.96
    assert min(score.f1 for score in held_out.scores) >= 0.90
    assert tuned.macro_f1 - held_out.macro_f1 <= 0.015


# ---- coverage


def test_survey() -> None:
    groups = [TagGroup(group="意向", exclusive=True, names=("高", "低"))]
    rules = book(
        {"id": "wide", "tag": "价", "any": ["价格", "费用"]},
        {"id": "narrow", "tag": "价", "any": ["价格"]},
        {"id": "dead", "tag": "价", "any": ["没有人说的词"]},
        {"id": "high", "tag": "高", "any": ["想买"]},
        {"id": "low", "tag": "低", "any": ["再看看"]},
        {"id": "twin", "tag": "贵", "any": ["价格"]},
        {"id": "done", "tag": "x", "on": ["@added"]},
    )
    found = survey(rules, say("价格", "价格", "价格", "费用", "想买，再看看", "你好"), groups)
    assert (found.utterances, found.caught) == (6, 5)
    assert found.dead == ("dead",)
    assert [(pair.first, pair.second) for pair in found.shadowed] == [("narrow", "wide")]
    assert {(pair.first, pair.second) for pair in found.overlapping} == {("narrow", "twin"), ("twin", "wide")}
    assert [(pair.first, pair.second, pair.sample) for pair in found.contradictory] == [
        ("high", "low", "想买，再看看")
    ]
    assert {use.rule_id: (use.hits, use.alone) for use in found.rules}["wide"] == (4, 1)


# ---- mining


def test_log_likelihood_is_signed_and_zero_at_equal_rates() -> None:
    assert log_likelihood(10, 100, 100, 1000) == pytest.approx(0, abs=1e-9)
    assert log_likelihood(20, 100, 10, 1000) > 50
    assert log_likelihood(0, 100, 100, 1000) < 0


def test_mine_finds_what_no_rule_catches() -> None:
    rules = book({"tag": "高意向", "any": ["想买"]})
    before = {"高意向": ["怎么报名呀", "我要怎么报名", "怎么报名比较好", "想买", "请问怎么报名", "你好"]}
    elsewhere = ["你好", "在吗", "课程介绍一下", "好的", "谢谢"] * 40 + ["不知道怎么说", "我不报名"]
    proposals = mine(rules, before, elsewhere)
    assert proposals
    first = proposals[0]
    assert first.tag == "高意向"
    assert "报名" in first.phrase
    assert first.before == 4
    assert first.g2 > 10
    again = from_toml(first.as_toml())
    assert again.judge(Utterance.typed("怎么报名呢"))
    assert not any("想买" in one.phrase for one in proposals)


def test_mine_shows_no_numbers_of_people() -> None:
    before = {"留资": [f"加我微信 1391234{place}678" for place in range(6)]}
    for proposal in mine(book(), before, ["你好"] * 60):
        assert "139" not in proposal.as_toml()


# ---- backtest

NOW = datetime(2026, 3, 10, tzinfo=UTC)


def story(customer: str, *said: str, every: timedelta = timedelta(hours=1)) -> CustomerHistory:
    first = NOW - timedelta(days=5)
    utterances = [
        Utterance.typed(text, msgid=f"{customer}-{at}", at=first + at * every) for at, text in enumerate(said)
    ]
    return CustomerHistory(customer, utterances)


def test_backtest_says_who_gains_and_loses_and_why() -> None:
    old = book({"id": "price", "tag": "价", "any": ["价格"], "match": "text", "negated": "match"})
    new = book({"id": "price", "tag": "价", "any": ["价格"]}, {"id": "cost", "tag": "价", "any": ["费用"]})
    found = backtest(
        old, new, [story("a", "不谈价格"), story("b", "费用呢"), story("c", "价格"), story("d", "你好")], NOW
    )
    assert (found.customers, found.messages) == (4, 4)
    (change,) = found.tags
    assert (change.before, change.after, change.gained, change.lost) == (2, 2, 1, 1)
    assert (change.gains[0].customer, change.gains[0].rule_id, change.gains[0].why_not) == (
        "b",
        "cost",
        "没有这条规则",
    )
    assert change.losses[0].msgid == "a-0"
    assert "被否定" in change.losses[0].why_not


def test_backtest_keeps_windows_expiry_groups_and_conditions() -> None:
    groups = [TagGroup(group="意向", exclusive=True, names=("高", "低"))]
    old = book()
    new = book(
        {"id": "twice", "tag": "常问", "any": ["价格"], "times": 2, "within": "2h"},
        {"id": "short", "tag": "短", "any": ["你好"], "expires": "1d"},
        {"id": "high", "tag": "高", "any": ["想买"]},
        {"id": "low", "tag": "低", "any": ["再看看"]},
        {"id": "then", "tag": "跟进", "any": ["在吗"], "when": {"tags": ["低"]}},
    )
    stories = [
        story("a", "价格", "价格"),
        story("b", "价格", "嗯", "嗯", "嗯", "价格"),
        story("c", "你好"),
        story("d", "想买", "再看看", "在吗"),
        story("e", "在吗", "再看看"),
    ]
    found = backtest(old, new, stories, NOW, new_groups=groups)
    gained = {change.tag: [one.customer for one in change.gains] for change in found.tags if change.gained}
    assert gained == {"常问": ["a"], "低": ["d", "e"], "跟进": ["d"]}


def test_backtest_counts_all_and_keeps_some() -> None:
    old, new = book(), book({"tag": "价", "any": ["价格"]})
    parts = [backtest(old, new, [story(f"{part}{at}", "价格") for at in range(30)], NOW, kept=20) for part in "ab"]
    whole = merge(parts, kept=25)
    assert (whole.customers, whole.tags[0].gained, len(whole.tags[0].gains)) == (60, 60, 25)
