"""Compiler from the rule tables of config.toml to what can be matched: keywords, slots, expressions, all checked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import re2

from taggers.conduct import CONDUCT, rule_faults
from taggers.errors import RuleError
from taggers.expression import MOST_STEPS, compile_expression
from taggers.fold import fold
from taggers.numbers import NUMERALS
from taggers.occurrence import OccurrenceTrigger, parse_trigger
from taggers.rule import Condition, Rule, Synonym
from taggers.segment import BLOCK
from taggers.sound import homophones
from taggers.translatable import Translatable
from taggers.utterance import Scope

MOST_RULES = 20_000
MOST_KEYWORDS = 200_000

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Keyword:
    """A word as written, and the synonym set it came by (empty: written in the rule itself).

    `edged`: it begins or ends with a Latin letter, a digit or a numeral, so that it may stand inside a longer one.
    """

    written: str
    folded: str
    via: str = ""
    edged: bool = field(init=False, compare=False, default=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "edged", any(map(_is_edged, self.folded[:1] + self.folded[-1:])))


def _is_edged(char: str) -> bool:
    return (char.isascii() and char.isalnum()) or char in NUMERALS


@dataclass(slots=True)
class CompiledRule:
    """A rule ready to be matched. Slots are numbered: 0 is `any`, then each of `all`, then each word of `near`.

    `slots[n]` holds the keywords that can fill slot n. `near` are the slots that must stand close together. `simple`:
    one slot and nothing else; `any_sense`: neither polarity nor form matter; `unless_denied`: polarity
    alone does; `conditional`: the customer matters; `edged`: a keyword of it is.
    """

    index: int
    rule: Rule
    slots: list[list[Keyword]] = field(default_factory=list)
    near: range = range(0)
    none: list[Keyword] = field(default_factory=list)
    regex: re2._Regexp | None = None
    triggers: list[OccurrenceTrigger] = field(default_factory=list)
    scopes: frozenset[Scope] = frozenset()
    spoken: bool = False
    by_word: bool = True
    any_sense: bool = False
    unless_denied: bool = False
    simple: bool = False
    conditional: bool = False
    edged: bool = False


class Compiler:
    """Collects the problems while it turns rules into compiled ones."""

    def __init__(self, synonyms: Sequence[Synonym], words: Sequence[str]) -> None:
        self.errors: list[RuleError] = []
        self.words = list(self._dictionary_words(words))
        self._sets = self._expand_all(synonyms)

    def fault(self, where: Path, message: str) -> None:
        self.errors.append(RuleError(where, message))

    def _dictionary_words(self, words: Sequence[str]) -> Iterator[str]:
        seen: set[str] = set()
        for place, word in enumerate(words):
            folded = fold(word)
            if not BLOCK.fullmatch(folded):
                self.fault(
                    ("text", "words", place),
                    Translatable("「{word}」不能进分词词典：只用汉字、字母和数字，中间不留空格和标点", word=word),
                )
            elif folded not in seen:
                seen.add(folded)
                yield folded

    def _expand_all(self, synonyms: Sequence[Synonym]) -> dict[str, list[str]]:
        """Flatten every synonym set, following @name; a cycle or an unknown name is a problem of its word."""
        places: dict[str, int] = {}
        for place, synonym in enumerate(synonyms):
            if synonym.name in places:
                self.fault(
                    ("synonyms", place, "name"),
                    Translatable("同义词组「{name}」重名，合并成一组或改名", name=synonym.name),
                )
            else:
                places[synonym.name] = place
        flat: dict[str, list[str]] = {}

        def expand(name: str, path: tuple[str, ...]) -> list[str]:
            if name in flat:
                return flat[name]
            words: list[str] = []
            for at, word in enumerate(synonyms[places[name]].words):
                where = ("synonyms", places[name], "words", at)
                inner = word[1:]
                if not word.startswith("@") or word == "@":
                    words.append(word)
                elif inner not in places:
                    self.fault(
                        where, Translatable("没有名为「{name}」的同义词组，先写 [[synonyms]] 再引用", name=inner)
                    )
                elif inner in path:
                    self.fault(
                        where,
                        Translatable("同义词组循环引用：{way}", way=" → ".join((*path[path.index(inner) :], inner))),
                    )
                else:
                    words.extend(expand(inner, (*path, inner)))
            if len(path) == 1 or not any(error.where[:2] == ("synonyms", places[name]) for error in self.errors):
                flat[name] = list(dict.fromkeys(words))
            return words

        for name in places:
            expand(name, (name,))
        return flat

    def keywords(self, word: str, where: Path) -> list[Keyword]:
        """Turn a written word or @set into folded keywords."""
        if word.startswith("@") and len(word) > 1:
            members = self._sets.get(word[1:])
            if members is None:
                self.fault(
                    where, Translatable("没有名为「{name}」的同义词组，先写 [[synonyms]] 再引用", name=word[1:])
                )
                return []
            via = word[1:]
        else:
            members, via = [word], ""
        found: list[Keyword] = []
        for member in members:
            folded = fold(member)
            if not folded.strip():
                self.fault(
                    where, Translatable("「{member}」没有可以匹配的内容（只有空格或看不见的字符）", member=member)
                )
                continue
            found.append(Keyword(member, folded, via))
            other = folded.translate(_OTHER_PUNCTUATION)
            if other != folded:
                found.append(Keyword(member, other, via))
                found.append(Keyword(member, folded.translate(_SAME_PUNCTUATION), via))
        return list(dict.fromkeys(found))

    def rule(self, index: int, rule: Rule) -> CompiledRule:
        """Compile one rule; its problems are collected, not raised."""
        where: Path = ("rules", index)
        made = CompiledRule(index, rule, scopes=frozenset(rule.scope))
        made.by_word = rule.match == "word"
        made.any_sense = rule.negated == "match" and rule.question == "any"
        if rule.any:
            filled = [k for at, word in enumerate(rule.any) for k in self.keywords(word, (*where, "any", at))]
            made.slots.append(list(dict.fromkeys(filled)))
        for at, word in enumerate(rule.all):
            made.slots.append(self.keywords(word, (*where, "all", at)))
        if rule.near is not None:
            first = len(made.slots)
            for at, word in enumerate(rule.near.words):
                made.slots.append(self.keywords(word, (*where, "near", "words", at)))
            made.near = range(first, len(made.slots))
        made.none = [k for at, word in enumerate(rule.none) for k in self.keywords(word, (*where, "none", at))]
        if rule.regex is not None:
            made.regex = self._regex(rule.regex, (*where, "regex"))
        made.unless_denied = rule.negated == "skip" and rule.question == "any"
        made.simple = len(made.slots) == 1 and not (made.near or made.none or made.regex or rule.amount)
        made.edged = any(keyword.edged for slot in (*made.slots, made.none) for keyword in slot)
        made.conditional = rule.when != Condition() or rule.unless != Condition() or rule.in_ in ("single", "group")
        made.triggers = self._triggers(rule, where)
        made.spoken = bool(made.slots) or rule.regex is not None or rule.amount is not None
        self._check(made, where)
        return made

    def _triggers(self, rule: Rule, where: Path) -> list[OccurrenceTrigger]:
        found = []
        for at, written in enumerate(rule.on):
            try:
                found.append(parse_trigger(written))
            except ValueError as problem:
                self.fault((*where, "on", at), str(problem))
        return found

    def _check(self, made: CompiledRule, where: Path) -> None:
        rule = made.rule
        if not made.spoken and not rule.on:
            self.fault(
                where,
                Translatable(
                    "规则「{rule}」什么也抓不到：写 any、all、near、amount、regex 或 on 中的至少一项", rule=rule.id
                ),
            )
        for key, says in rule_faults(rule):
            self.fault((*where, key), says)
        if rule.kind != CONDUCT and not rule.tag and not rule.field:
            self.fault((*where, "tag"), "必须写上 tag（命中后打什么标签）或 field（把听到的记到哪个字段）")
        if rule.field and rule.on:
            self.fault((*where, "field"), "字段要从客户说的话里读出来：field 不能和 on 一起用")
        if made.spoken and rule.on:
            self.fault(
                (*where, "on"),
                "一条规则要么看说了什么（any、all、near、amount、regex），要么看做了什么（on），请分成两条",
            )
        if rule.on and (rule.examples.hit or rule.examples.miss):
            self.fault((*where, "examples"), "看行为（on）的规则没有例句可查，删去 examples")
        blocked = {keyword.folded for keyword in made.none}
        for slot in made.slots:
            if slot and all(keyword.folded in blocked for keyword in slot):
                self.fault(
                    (*where, "none"),
                    Translatable("「{word}」既必须出现又不许出现，这条规则永远不会命中", word=slot[0].written),
                )
        if rule.sound and made.slots and not any(homophones(k.folded) for slot in made.slots for k in slot):
            self.fault((*where, "sound"), "sound = true 只对两个字以上的汉字词有用，这条规则里没有")
        if rule.times > 1 and rule.within is None:
            self.fault(
                (*where, "times"),
                Translatable('{times} 次要在多久之内？写上 within，例如 within = "7d"', times=rule.times),
            )

    def _regex(self, pattern: str, where: Path) -> re2._Regexp | None:
        try:
            made = compile_expression(pattern)
        except re2.error as problem:
            said = problem.args[0] if problem.args else problem
            detail = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
            self.fault(
                where,
                Translatable(
                    "正则表达式 RE2 不接受：{detail}。RE2 没有回溯引用和环视，重复次数最多 1000", detail=detail
                ),
            )
            return None
        if made.search("") is not None:
            self.fault(where, "正则表达式能匹配空字符串，会命中所有消息；把 * 改成 + 或加上必须出现的字")
            return None
        if made.programsize > MOST_STEPS:
            self.fault(
                where,
                Translatable(
                    "正则表达式太大（{n} 步，最多 {most}）；减少重复次数，或拆成几条",
                    n=made.programsize,
                    most=MOST_STEPS,
                ),
            )
            return None
        return made


_OTHER_PUNCTUATION = str.maketrans("?!,;:()", "？！，；：（）")
_SAME_PUNCTUATION = str.maketrans("？！，；：（）", "?!,;:()")
