"""Coverage of a rule book over real sentences: rules that never hit, rules that add nothing, rules that collide."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

from taggers.rule import TagGroup
from taggers.rulebook import RuleBook
from taggers.utterance import Utterance, place_of


@dataclass(frozen=True, slots=True)
class RuleUse:
    """How often a rule hit, and how often it alone brought its tag."""

    rule_id: str
    tag: str
    hits: int
    alone: int


@dataclass(frozen=True, slots=True)
class Pair:
    """Two rules that hit the same messages. `share`: of the rarer one's hits, those that the other has as well."""

    first: str
    second: str
    both: int
    share: float
    sample: str


@dataclass(frozen=True, slots=True)
class Coverage:
    """Coverage counts over a number of utterances.

    dead          rules about words that hit nothing
    shadowed      (first, second): all that the first hits, the second hits too, for the same tag
    overlapping   pairs for different tags that share at least half of the rarer one's hits
    contradictory pairs for tags of one exclusive group that hit the same message
    """

    utterances: int
    caught: int
    rules: tuple[RuleUse, ...]
    dead: tuple[str, ...]
    shadowed: tuple[Pair, ...]
    overlapping: tuple[Pair, ...]
    contradictory: tuple[Pair, ...]


OVERLAP = 0.5
FEWEST = 3
"""Common hits below which an overlap is an accident."""


def survey(book: RuleBook, utterances: Iterable[Utterance], groups: Sequence[TagGroup] = ()) -> Coverage:
    """Judge the utterances and compare the rules by what they hit."""
    tags = {rule.id: rule.tag for rule in book.rules}
    hits: Counter[str] = Counter()
    alone: Counter[str] = Counter()
    together: Counter[tuple[str, str]] = Counter()
    samples: dict[tuple[str, str], str] = {}
    total = caught = 0
    for utterance in utterances:
        total += 1
        found = sorted({hit.rule_id for hit in book.judge(utterance, place_of(utterance))})
        caught += bool(found)
        hits.update(found)
        per_tag = Counter(tags[rule_id] for rule_id in found)
        alone.update(rule_id for rule_id in found if per_tag[tags[rule_id]] == 1)
        for pair in combinations(found, 2):
            together[pair] += 1
            samples.setdefault(pair, utterance.text[:80])
    pairs = [
        Pair(first, second, both, both / min(hits[first], hits[second]), samples[first, second])
        for (first, second), both in together.most_common()
    ]
    rivals = {frozenset(pair) for group in groups if group.exclusive for pair in combinations(group.names, 2)}
    worded = [rule for rule in book.rules if not rule.on]
    return Coverage(
        total,
        caught,
        tuple(RuleUse(rule.id, rule.tag, hits[rule.id], alone[rule.id]) for rule in worded),
        tuple(rule.id for rule in worded if not hits[rule.id]),
        tuple(
            _rarer_first(pair, hits) for pair in pairs if tags[pair.first] == tags[pair.second] and pair.share == 1
        ),
        tuple(
            pair
            for pair in pairs
            if tags[pair.first] != tags[pair.second] and pair.share >= OVERLAP and pair.both >= FEWEST
        ),
        tuple(pair for pair in pairs if frozenset((tags[pair.first], tags[pair.second])) in rivals),
    )


def _rarer_first(pair: Pair, hits: Counter[str]) -> Pair:
    if hits[pair.first] <= hits[pair.second]:
        return pair
    return Pair(pair.second, pair.first, pair.both, pair.share, pair.sample)
