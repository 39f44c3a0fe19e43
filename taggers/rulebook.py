"""Rule book: compiled once per version of config.toml, then asked about every message and occurrence."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from taggers.compiled import MOST_KEYWORDS, MOST_RULES, CompiledRule, Compiler
from taggers.conduct import CONDUCT, title_of
from taggers.errors import RuleBookError, RuleError
from taggers.hits import Explanation, Span, TagHit
from taggers.matching import Matcher
from taggers.nobody import is_nobodys
from taggers.occurrence import Occurrence
from taggers.reasons import explain, retold, say_hit, say_occurrence, unmet
from taggers.rule import Rule, Synonym, TagGroup
from taggers.translatable import Translatable
from taggers.utterance import NOWHERE, Context, Sender, Utterance, split_quote
from taggers.weighing import RuleMatch

__all__ = ["RuleBook", "RuleBookError", "RuleError", "compile_rulebook"]

LONGEST = 5_000
"""Characters of one part that are read; what lies beyond is kept but not judged, so no message costs too much."""


Source = tuple[tuple[Rule, ...], tuple[Synonym, ...], tuple[str, ...], tuple[TagGroup, ...], str]


class RuleBook:
    """All rules of one version. Nothing in it changes after it is made: threads and forks share it freely."""

    def __init__(self, compiled: Sequence[CompiledRule], words: Sequence[str], version: str, source: Source) -> None:
        self.version = version
        self._source = source
        self.rules = tuple(made.rule for made in compiled)
        self.compiled = tuple(compiled)
        self._matcher = Matcher([made for made in compiled if made.spoken], words)
        self._triggered: dict[str, list[CompiledRule]] = {}
        for made in compiled:
            for kind in {trigger.kind for trigger in made.triggers}:
                self._triggered.setdefault(kind, []).append(made)

    def __reduce__(self) -> tuple[Callable[..., RuleBook], Source]:
        """Pickle as the tables it was made of; automata cannot be pickled and are built anew where it is loaded."""
        return _rebuild, self._source

    def numbered(self) -> Iterator[tuple[int, Rule]]:
        """Give the rules with their places in config.toml."""
        return ((made.index, made.rule) for made in self.compiled)

    def screen(self, utterances: Sequence[Utterance]) -> list[bool]:
        """Tell of each message whether any rule about words may hit it: one look at a whole batch.

        What is screened out need not be judged; the rest has to be.
        """
        texts = [one.text if len(one.text) <= LONGEST else "" for one in utterances]
        maybe = self._matcher.screen(texts)
        return [seen or not text for seen, text in zip(maybe, texts, strict=True)]

    def judge_all(self, utterances: Sequence[Utterance], context: Context = NOWHERE) -> list[tuple[TagHit, ...]]:
        """Give the hits of every message of a batch, the same as one by one."""
        seen = self.screen(utterances)
        return [self.judge(one, context) if may else () for one, may in zip(utterances, seen, strict=True)]

    def judge(self, utterance: Utterance, context: Context | Callable[[], Context] = NOWHERE) -> tuple[TagHit, ...]:
        """Give the hits of a message, in the order of the rules. context: or what tells it, if a rule asks for it."""
        if utterance.sender not in self._matcher.heeds:
            return ()
        findings: list[RuleMatch] = []
        for part in utterance.parts or split_quote(utterance.text):
            text = part.text if len(part.text) <= LONGEST else part.text[:LONGEST]
            found = self._matcher.find(text, part.scope, utterance.sender, part.offset)
            if found:
                findings.extend(found)
        if not findings or is_nobodys(utterance.text):
            return ()
        if callable(context):
            context = context() if any(one.rule.conditional for one in findings) else NOWHERE
        if len(findings) == 1:
            made = findings[0].rule
            if made.conditional and unmet(made.rule, context):
                return ()
            return (self._heard(made, utterance.msgid, findings),)
        by_rule: dict[int, list[RuleMatch]] = {}
        for finding in findings:
            by_rule.setdefault(finding.rule.index, []).append(finding)
        hits = []
        for index in sorted(by_rule):
            found = by_rule[index]
            made = found[0].rule
            if not (made.conditional and unmet(made.rule, context)):
                hits.append(self._heard(made, utterance.msgid, found))
        return tuple(hits)

    def watches(self, occurrence: Occurrence) -> bool:
        """Whether any rule has `on` for this occurrence, whoever the customer is."""
        watching = self._triggered.get(occurrence.kind, ())
        return any(one.kind == occurrence.kind and one.met(occurrence) for made in watching for one in made.triggers)

    def observe(self, occurrence: Occurrence, context: Context = NOWHERE) -> tuple[TagHit, ...]:
        """Give the hits of something that happened, by the rules that have `on`."""
        hits = []
        for made in self._triggered.get(occurrence.kind, ()):
            met = [
                trigger for trigger in made.triggers if trigger.kind == occurrence.kind and trigger.met(occurrence)
            ]
            if met and not (made.conditional and unmet(made.rule, context)):
                hits.append(self._hit(made, occurrence.id, (), say_occurrence(met[0])))
        return tuple(hits)

    def explain(self, said: str | Utterance, context: Context = NOWHERE) -> tuple[Explanation, ...]:
        """Say of every rule that any of its keywords brought up why it hit or did not."""
        utterance = Utterance.typed(said) if isinstance(said, str) else said
        hits = {hit.rule_id: hit for hit in self.judge(utterance, context)}
        return explain(self._matcher, utterance, context, hits, LONGEST)

    def scan(self, text: str) -> list[tuple[int, int, int]]:
        """Run the automaton alone: what a message costs at the very least."""
        return self._matcher.scan(text, True)

    def is_candidate(self, text: str) -> bool:
        """Tell whether any keyword stands in the text, so that rules have to be weighed."""
        return self._matcher.is_candidate(text)

    def _heard(self, made: CompiledRule, msgid: str, found: list[RuleMatch]) -> TagHit:
        hit = self._hit(made, msgid, _spans(found), say_hit(found))
        if not made.rule.field:
            return hit
        sure = [one for one in found if not (one.denied or one.asked)]
        value = next((one.value for one in sure if one.value is not None), None)
        return hit._replace(field=made.rule.field, value=value, doubtful=not sure)

    def _hit(self, made: CompiledRule, msgid: str, spans: tuple[Span, ...], reason: str) -> TagHit:
        rule = made.rule
        return TagHit(
            rule.id,
            rule.tag,
            self.version,
            msgid,
            spans,
            reason,
            rule.score,
            rule.reply,
            rule.expires,
            rule.times,
            rule.within,
            moves_in_groups=rule.in_ in ("group", "both"),
            shadow=rule.shadow,
            conduct=title_of(rule) if rule.kind == CONDUCT else "",
        )


def _spans(findings: list[RuleMatch]) -> tuple[Span, ...]:
    if len(findings) == 1 and len(findings[0].spans) == 1:
        return (findings[0].spans[0],)
    return tuple(sorted({span for finding in findings for span in finding.spans}))


def compile_rulebook(
    rules: Sequence[Rule],
    *,
    synonyms: Sequence[Synonym] = (),
    words: Sequence[str] = (),
    tag_groups: Sequence[TagGroup] = (),
    version: str = "",
    examples: bool = True,
) -> RuleBook:
    """Check and compile the rules; raises RuleBookError with every problem. `examples`: try each rule's own."""
    compiler = Compiler(synonyms, words)
    _check_names(compiler, rules, tag_groups)
    compiled = [compiler.rule(index, rule) for index, rule in enumerate(rules)]
    count = sum(len(slot) for made in compiled for slot in (*made.slots, made.none))
    if count > MOST_KEYWORDS:
        compiler.fault(("rules",), Translatable("关键词共 {n} 个，最多 {most} 个", n=count, most=MOST_KEYWORDS))
    broken = {error.where[1] for error in compiler.errors if error.where[0] == "rules" and len(error.where) > 1}
    source = (tuple(rules), tuple(synonyms), tuple(words), tuple(tag_groups), version)
    book = RuleBook([made for made in compiled if made.index not in broken], compiler.words, version, source)
    problems = [*compiler.errors, *(failed_examples(book) if examples else ())]
    if problems:
        raise RuleBookError(sorted(problems, key=_order))
    return book


def _rebuild(
    rules: Sequence[Rule], synonyms: Sequence[Synonym], words: Sequence[str], groups: Sequence[TagGroup], version: str
) -> RuleBook:
    return compile_rulebook(rules, synonyms=synonyms, words=words, tag_groups=groups, version=version, examples=False)


def _order(error: RuleError) -> tuple[tuple[int, str | int], ...]:
    return tuple((0, step) if isinstance(step, int) else (1, step) for step in error.where)


def _check_names(compiler: Compiler, rules: Sequence[Rule], tag_groups: Sequence[TagGroup]) -> None:
    if len(rules) > MOST_RULES:
        compiler.fault(("rules",), Translatable("规则共 {n} 条，最多 {most} 条", n=len(rules), most=MOST_RULES))
    first: dict[str, int] = {}
    for index, rule in enumerate(rules):
        if first.setdefault(rule.id, index) != index:
            compiler.fault(
                ("rules", index, "id"),
                Translatable("规则编号「{name}」已被第 {n} 条规则使用，换一个", name=rule.id, n=first[rule.id] + 1),
            )
    owners: dict[str, str] = {}
    for index, group in enumerate(tag_groups):
        for at, name in enumerate(group.names):
            if name in owners:
                compiler.fault(
                    ("tags", index, "names", at),
                    Translatable(
                        "标签「{name}」已在分组「{group}」里，一个标签只属于一组", name=name, group=owners[name]
                    ),
                )
            owners.setdefault(name, group.group)


def failed_examples(book: RuleBook) -> Iterable[RuleError]:
    """Run every rule's own sentences; a rule only answers for itself."""
    for index, rule in book.numbered():
        for wanted, sentences in (("hit", rule.examples.hit), ("miss", rule.examples.miss)):
            for at, sentence in enumerate(sentences):
                where = ("rules", index, "examples", wanted, at)
                got = [
                    one for one in book.explain(_example(rule, sentence), _fitting(rule)) if one.rule_id == rule.id
                ]
                hit = bool(got) and got[0].hit
                if hit == (wanted == "hit"):
                    continue
                if hit:
                    yield RuleError(
                        where,
                        Translatable(
                            "例句「{sentence}」不该命中 {rule}，却命中了：{reason}",
                            sentence=sentence,
                            rule=rule.id,
                            reason=retold(got[0].reason),
                        ),
                    )
                else:
                    why = got[0].reason if got else Translatable("未命中：句中没有这条规则的关键词")
                    yield RuleError(
                        where,
                        Translatable(
                            "例句「{sentence}」应命中 {rule}，但{why}", sentence=sentence, rule=rule.id, why=why
                        ),
                    )


def _example(rule: Rule, sentence: str) -> Utterance:
    """Say an example as the one whom the rule listens to, in a part that it reads."""
    sender: Sender = "agent" if rule.from_ == "agent" else "customer"
    if "typed" in rule.scope:
        return Utterance.typed(sentence, msgid="example", sender=sender)
    return Utterance.composed([(rule.scope[0], sentence)], msgid="example", sender=sender)


def _fitting(rule: Rule) -> Context:
    """Imagine a customer who meets the rule's `when`: an example is about words."""
    when = rule.when
    stages = dict.fromkeys(when.pipelines[:1], "")
    if when.stages:
        pipeline, _, stage = when.stages[0].rpartition("/")
        stages = {pipeline or next(iter(stages), "*"): stage}
    hour = int(when.hours[:2]) if when.hours else None
    if hour is None and rule.unless.hours:
        hour = int(rule.unless.hours[6:8]) % 24
    channel = when.channels[0] if when.channels else ""
    known = 100 if rule.unless.profile is None else max(rule.unless.profile - 1, 0)
    fields, in_group = frozenset(when.fields[:1]), rule.in_ == "group"
    return Context(frozenset(when.tags[:1]), stages, channel, hour, fields, known, in_group)
