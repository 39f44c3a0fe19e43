"""Measures the rules' speed: beside jieba over every message with the same rules, and beside the bare scan."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bot.commands.input_files import read_lines
from taggers.reference import SegmentingJudge
from taggers.rule import Rule
from taggers.rulebook import compile_rulebook
from taggers.segment import reference
from taggers.utterance import Utterance

ROUNDS = 7
WORDS_A_RULE = 2


@dataclass(frozen=True)
class BenchRun:
    """One size of rule book at one candidate rate. Rates are messages a second; ratios are medians over the rounds.

    always_jieba segments every message with jieba as it comes (HMM on) and weighs the same rules; its twin without
    HMM is the meaning of `word`, and `same_hits` says that it agrees with ours on every message. tokenising_alone is
    that twin without any rules; bare_scan runs the automaton and looks at nothing.
    """

    rules: int
    keywords: int
    candidate_rate: float
    hit_rate: float
    same_hits: bool
    compile_seconds: float
    messages_per_second: float
    always_jieba_per_second: float
    always_jieba_without_hmm_per_second: float
    tokenising_alone_per_second: float
    bare_scan_per_second: float
    times_always_jieba: float
    times_always_jieba_without_hmm: float
    share_of_bare_scan: float


def read_sayings(path: Path) -> list[str]:
    """Read every utterance of a dialogue file; raises ValueError where there is none, or a line is no dialogue."""
    sayings: list[str] = []
    for number, dialogue in read_lines(path):
        turns: Any = dialogue.get("turns", [])
        try:
            sayings.extend(str(turn["text"]) for turn in turns)
        except (KeyError, TypeError):
            raise ValueError(f'{path.name}:{number}: 每行应是 {{"turns": [{{"text": "…"}}]}}') from None
    if not sayings:
        raise ValueError(f"{path.name} 里没有对话")
    return sayings


def make_rules(sayings: Sequence[str], count: int, rate: float) -> list[Rule]:
    """Make rules of words that really occur, so that about `rate` of the messages hold a keyword.

    Common words first, each in under a tenth of that share, then rarer ones; what is missing to the count is filled
    with words that nobody says, as most rules of a large book are.
    """
    tokenizer = reference()
    holders: dict[str, set[int]] = {}
    for place, text in enumerate(sayings):
        for word in tokenizer.cut(text, HMM=False):
            if len(word) > 1 and "\u4e00" <= word[0] <= "\u9fff":
                holders.setdefault(word, set()).add(place)
    chosen: list[str] = []
    reached: set[int] = set()
    limit = round(rate * len(sayings))
    for word in sorted(holders, key=lambda word: (-len(holders[word]), word)):
        if len(chosen) == count * WORDS_A_RULE:
            break
        if len(holders[word]) > limit / 10:
            continue
        # a keyword inside longer words makes a candidate too
        more = {place for place, text in enumerate(sayings) if word in text} if len(reached) < limit else None
        if more is not None and len(reached | more) <= limit:
            chosen.append(word)
            reached |= more
    while len(chosen) < count * WORDS_A_RULE:
        chosen.append(f"没人说的词{len(chosen)}")
    return [
        Rule.model_validate({"id": f"bench-{at}", "tag": f"t{at}", "any": chosen[at::count], "from": "both"})
        for at in range(count)
    ]


def run(sayings: Sequence[str], count: int, rate: float, step: Callable[[], None] = lambda: None) -> BenchRun:
    """Measure one rule book: rounds of all ways in turn, so that a busy moment touches all of them."""
    rules = make_rules(sayings, count, rate)
    began = time.perf_counter()
    book = compile_rulebook(rules)
    compiled_in = time.perf_counter() - began
    slow, usual = SegmentingJudge(book), SegmentingJudge(book, hmm=True)
    utterances = [Utterance.typed(text) for text in sayings]
    tokenizer = reference()
    ways: dict[str, Callable[[list[Utterance]], object]] = {
        "judge": lambda some: book.judge_all(some),
        "jieba": lambda some: [usual.judge(one) for one in some],
        "no hmm": lambda some: [slow.judge(one) for one in some],
        "tokens": lambda some: [list(tokenizer.cut(one.text, HMM=False)) for one in some],
        "scan": lambda some: [book.scan(one.text) for one in some],
    }
    spent: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            began = time.perf_counter()
            way(utterances)
            spent[name].append(time.perf_counter() - began)
        step()
    rates = {name: len(utterances) / statistics.median(times) for name, times in spent.items()}
    judged = [{hit.rule_id for hit in hits} for hits in book.judge_all(utterances)]
    return BenchRun(
        rules=count,
        keywords=count * WORDS_A_RULE,
        candidate_rate=round(sum(map(book.is_candidate, sayings)) / len(sayings), 4),
        hit_rate=round(sum(map(bool, judged)) / len(judged), 4),
        same_hits=judged == [{finding.rule.rule.id for finding in slow.judge(one)} for one in utterances],
        compile_seconds=round(compiled_in, 3),
        messages_per_second=round(rates["judge"]),
        always_jieba_per_second=round(rates["jieba"]),
        always_jieba_without_hmm_per_second=round(rates["no hmm"]),
        tokenising_alone_per_second=round(rates["tokens"]),
        bare_scan_per_second=round(rates["scan"]),
        times_always_jieba=round(_ratio(spent["jieba"], spent["judge"]), 2),
        times_always_jieba_without_hmm=round(_ratio(spent["no hmm"], spent["judge"]), 2),
        share_of_bare_scan=round(_ratio(spent["scan"], spent["judge"]), 4),
    )


def _ratio(first: list[float], second: list[float]) -> float:
    return statistics.median(one / other for one, other in zip(first, second, strict=True))


def as_object(runs: Sequence[BenchRun], sayings: Sequence[str]) -> dict[str, Any]:
    """Put a whole bench into one JSON object."""
    return {
        "messages": len(sayings),
        "mean_characters": round(sum(map(len, sayings)) / len(sayings), 1),
        "rounds": ROUNDS,
        "runs": [asdict(one) for one in runs],
    }
