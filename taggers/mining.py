"""Rule suggestions: phrases that precede tags set by hand, ranked by how unlikely they are by chance."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import log

from taggers.fold import fold
from taggers.rule import Examples, Rule
from taggers.rulebook import RuleBook, compile_rulebook
from taggers.segment import BLOCK, Segmenter
from taggers.utterance import Utterance

LONGEST_PHRASE = 4
"""Words in a phrase."""
LEAST = 3
"""Sayings a phrase must occur in before the tag."""
SIGNIFICANT = 10.83
"""Dunning's G2 at one degree of freedom, p = 0.001."""
_EXAMPLES = 3
_LONGEST_EXAMPLE = 40
_PRIVATE = re.compile(r"\d{5,}|@|https?:")
_HAN = re.compile(r"[\u4e00-\u9fff]")


@dataclass(frozen=True, slots=True)
class Proposal:
    """A phrase that speaks for a tag: in `before` of the sayings before the tag and in `elsewhere` of all others."""

    tag: str
    phrase: str
    before: int
    elsewhere: int
    g2: float
    rule: Rule

    def as_toml(self) -> str:
        """Write the rule as it would stand in config.toml."""
        lines = ["[[rules]]", f"id = {_quoted(self.rule.id)}", f"tag = {_quoted(self.tag)}"]
        lines.append(f"any = [{_quoted(self.phrase)}]")
        if self.rule.match != "word":
            lines.append(f"match = {_quoted(self.rule.match)}")
        lines.append("  [rules.examples]")
        for name, sentences in (("hit", self.rule.examples.hit), ("miss", self.rule.examples.miss)):
            if sentences:
                lines.append(f"  {name} = [{', '.join(map(_quoted, sentences))}]")
        return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def log_likelihood(with_before: int, before: int, with_elsewhere: int, elsewhere: int) -> float:
    """Give Dunning's G2 of a phrase: signed, negative where it is rarer before the tag than elsewhere."""
    total, with_both = before + elsewhere, with_before + with_elsewhere
    g2 = 0.0
    for seen, of in ((with_before, before), (with_elsewhere, elsewhere)):
        for count, expected in ((seen, of * with_both / total), (of - seen, of * (total - with_both) / total)):
            if count and expected:
                g2 += 2 * count * log(count / expected)
    rarer = with_before * elsewhere < with_elsewhere * before
    return -g2 if rarer else g2


def mine(
    book: RuleBook,
    before: Mapping[str, Sequence[str]],
    elsewhere: Iterable[str],
    *,
    words: Sequence[str] = (),
    most: int = 20,
) -> tuple[Proposal, ...]:
    """Propose rules for the tags in `before` (tag -> sayings that preceded it) that no rule of that tag catches."""
    segmenter = Segmenter(words)
    background: Counter[str] = Counter()
    others = 0
    rest: list[str] = []
    for text in elsewhere:
        others += 1
        background.update(_phrases(text, segmenter))
        if len(rest) < 5000:
            rest.append(text)
    proposals: list[Proposal] = []
    for tag, sayings in before.items():
        missed = [text for text in sayings if all(hit.tag != tag for hit in book.judge(Utterance.typed(text)))]
        counts: Counter[str] = Counter()
        for text in missed:
            counts.update(_phrases(text, segmenter))
        ranked = []
        for phrase, count in counts.items():
            g2 = log_likelihood(count, len(missed), background[phrase], others)
            if count >= LEAST and g2 >= SIGNIFICANT:
                ranked.append((g2, len(phrase), phrase, count))
        taken: list[str] = []
        for g2, _, phrase, count in sorted(ranked, reverse=True):
            if any(phrase in other or other in phrase for other in taken):
                continue
            rule = _ready(tag, phrase, missed, rest, words, len(proposals))
            if rule is not None:
                taken.append(phrase)
                proposals.append(Proposal(tag, phrase, count, background[phrase], g2, rule))
            if len(taken) >= most:
                break
    return tuple(sorted(proposals, key=lambda one: -one.g2)[:most])


def _phrases(text: str, segmenter: Segmenter) -> set[str]:
    """Give the phrases of a saying: runs of words inside one block, two Han characters or more."""
    found: set[str] = set()
    for block in BLOCK.findall(fold(text)):
        words = segmenter.words(block)
        for start in range(len(words)):
            for end in range(start + 1, min(start + LONGEST_PHRASE, len(words)) + 1):
                phrase = "".join(words[start:end])
                if len(_HAN.findall(phrase)) >= 2 and not _PRIVATE.search(phrase) and len(phrase) <= 16:
                    found.add(phrase)
    return found


def _ready(
    tag: str, phrase: str, missed: Sequence[str], rest: Sequence[str], words: Sequence[str], serial: int
) -> Rule | None:
    """Make a rule that passes its own examples, or None where the phrase is never meant as it stands."""
    bare = Rule(id=f"mined-{serial + 1}", tag=tag, any=(phrase,))
    book = compile_rulebook([bare], words=words)
    fit = [text for text in missed if phrase in fold(text) and _may_be_shown(text)]
    hit = [text for text in sorted(fit, key=len) if book.judge(Utterance.typed(text))][:_EXAMPLES]
    if not hit:
        return None
    near_misses = [text for text in rest if phrase in fold(text) and _may_be_shown(text)]
    miss = [text for text in sorted(near_misses, key=len) if not book.judge(Utterance.typed(text))][:_EXAMPLES]
    return bare.model_copy(
        update={"examples": Examples(hit=tuple(dict.fromkeys(hit)), miss=tuple(dict.fromkeys(miss)))}
    )


def _may_be_shown(text: str) -> bool:
    return len(text) <= _LONGEST_EXAMPLE and "\n" not in text and not _PRIVATE.search(text)
