"""Reasons in words: why a rule hit or did not, and which of its conditions the customer does not meet."""

from __future__ import annotations

from collections.abc import Sequence

from taggers.compiled import CompiledRule
from taggers.hits import Explanation, Span, TagHit
from taggers.matching import Matcher
from taggers.nobody import is_nobodys
from taggers.occurrence import OccurrenceTrigger
from taggers.polarity import WORDINGS as POLARITIES
from taggers.rule import Condition, Rule
from taggers.translatable import Translatable, chained, reread
from taggers.utterance import Context, Scope, Utterance, split_quote
from taggers.weighing import RuleMatch, spans_of, weigh

SCOPES: dict[Scope, Translatable] = {
    "typed": Translatable("输入的文字"),
    "mixed": Translatable("图文消息"),
    "quote": Translatable("引用的消息"),
    "forwarded": Translatable("转发的聊天记录"),
    "link": Translatable("链接卡片"),
    "notice": Translatable("群公告"),
    "file": Translatable("文件名"),
}
_NOBODYS = Translatable("这是企业微信自己写的话，不算谁说的")
_SAYS = {"customer": Translatable("这句是客户说的"), "agent": Translatable("这句是员工说的")}
_HEARS = {"customer": Translatable("规则只听客户"), "agent": Translatable("规则只听员工")}

# What say_hit and say_occurrence write. Hits are many and their reasons are kept as text: retold reads them again.
WORDINGS = (
    "{one}；{more}", "命中 {words}", "{words}、{word}", "{word} → {via}", "否定", "否定（{because}）", "非否定",
    "非否定（{because}）", "疑问句", "陈述句", "谐音", "符号拆开", *SCOPES.values(), "行为：{says}",
    "{says}（渠道 {name}）", "被添加为客户",
    "删除了员工", "进群", "退群", "第一条消息", "{begin} 点到 {end} 点来消息", "发来 {kind}", "打开了链接",
    "打开了链接 {name}", "未回复 {sop}", "回复了 {sop}", "{sop} 第 {step} 步", "沉默满 {length}", *POLARITIES,
)  # fmt: skip


def retold(reason: str) -> str:
    """The reason of a hit, as it is kept, with what it was made of."""
    return reread(reason, WORDINGS)


def say_hit(findings: Sequence[RuleMatch]) -> str:
    """Put the evidence into words: 命中 多少钱 → 价格；非否定；疑问句."""
    first = findings[0]
    if len(findings) == 1 and len(first.spans) == 1:
        word, via = first.spans[0][0], first.via[0]
        said = f"命中 {word} → {via}" if via else f"命中 {word}"
        asked = first.asked
    else:
        words = [
            f"{span[0]} → {via}" if via else span[0]
            for finding in findings
            for span, via in zip(finding.spans, finding.via, strict=True)
        ]
        said = "命中 " + "、".join(dict.fromkeys(words))
        asked = any(finding.asked for finding in findings)
    said += "；否定" if first.denied else "；非否定"
    if first.because:
        said += f"（{first.because}）"
    said += "；疑问句" if asked else "；陈述句"
    if first.pieced:
        said += "；符号拆开"
    for finding in findings:
        if finding.heard and "谐音" not in said:
            said += "；谐音"
        if finding.scope != "typed" and SCOPES[finding.scope] not in said:
            said += f"；{SCOPES[finding.scope]}"
    return said


def say_occurrence(trigger: OccurrenceTrigger) -> str:
    """Put what happened into words."""
    return f"行为：{trigger.says}"


def explain(
    matcher: Matcher, utterance: Utterance, context: Context, hits: dict[str, TagHit], longest: int
) -> tuple[Explanation, ...]:
    """Say of every rule that a keyword or an expression brought up why it hit or did not."""
    brought: dict[int, tuple[CompiledRule, list[str], list[Span]]] = {}
    for part in utterance.parts or split_quote(utterance.text):
        for page, concerned in matcher.explained_pages(part.text[:longest]):
            for made, occurrences in concerned.values():
                _, why, spans = brought.setdefault(made.index, (made, [], []))
                spans.extend(spans_of(occurrences, page, part.offset))
                if weigh(made, occurrences, page, part.scope, part.offset, why) is not None:
                    why.extend(_not_for(made, utterance, part.scope))
    explained = []
    for index in sorted(brought):
        made, why, spans = brought[index]
        rule, hit = made.rule, hits.get(made.rule.id)
        if hit is not None:
            explained.append(Explanation(rule.id, rule.tag, True, hit.reason, hit.spans))
        elif is_nobodys(utterance.text):
            explained.append(
                Explanation(rule.id, rule.tag, False, Translatable("未命中：{why}", why=_NOBODYS), (), (_NOBODYS,))
            )
        else:
            missed = tuple(dict.fromkeys((*why, *unmet(rule, context)))) or (Translatable("条件不全"),)
            said = Translatable("未命中：{why}", why=chained(missed))
            explained.append(Explanation(rule.id, rule.tag, False, said, tuple(sorted(set(spans))), missed))
    return tuple(explained)


def _not_for(made: CompiledRule, utterance: Utterance, scope: Scope) -> list[str]:
    """Say what keeps a satisfied rule from hearing this part of this message."""
    rule = made.rule
    if rule.from_ not in (utterance.sender, "both"):
        return [Translatable("{says}，{hears}", says=_SAYS[utterance.sender], hears=_HEARS[rule.from_])]
    if scope not in made.scopes:
        return [
            Translatable(
                "出现在{part}里，规则只看{parts}", part=SCOPES[scope], parts=[SCOPES[each] for each in rule.scope]
            )
        ]
    return []


def unmet(rule: Rule, context: Context) -> tuple[str, ...]:
    """Say what of the rule's `when` and `unless` the customer does not meet."""
    wants = [Translatable("要求{what}", what=what) for what, held in _held(rule.when, context) if not held]
    wants.extend(Translatable("排除{what}", what=what) for what, held in _held(rule.unless, context) if held)
    if rule.in_ == "single" and context.group:
        wants.append(Translatable("规则只听一对一的话，这句在群里"))
    if rule.in_ == "group" and not context.group:
        wants.append(Translatable("规则只听群聊里的话"))
    return tuple(wants)


def _held(condition: Condition, context: Context) -> list[tuple[Translatable, bool]]:
    checks: list[tuple[Translatable, bool]] = []
    if condition.tags:
        checks.append(
            (Translatable("标签 {names}", names=condition.tags), not context.tags.isdisjoint(condition.tags))
        )
    if condition.stages:
        here = {*context.stages.values(), *(f"{pipeline}/{stage}" for pipeline, stage in context.stages.items())}
        checks.append((Translatable("阶段 {names}", names=condition.stages), not here.isdisjoint(condition.stages)))
    if condition.pipelines:
        held = not context.stages.keys().isdisjoint(condition.pipelines)
        checks.append((Translatable("流程 {names}", names=condition.pipelines), held))
    if condition.channels:
        checks.append((Translatable("渠道 {names}", names=condition.channels), context.channel in condition.channels))
    if condition.fields:
        checks.append(
            (
                Translatable("已知资料 {names}", names=condition.fields),
                not context.fields.isdisjoint(condition.fields),
            )
        )
    if condition.profile is not None:
        checks.append((Translatable("资料完整度 {n}%", n=condition.profile), context.profile >= condition.profile))
    if condition.hours:
        checks.append(
            (Translatable("时段 {hours}", hours=condition.hours), _within_hours(condition.hours, context.hour))
        )
    return checks


def _within_hours(hours: str, hour: int | None) -> bool:
    begin, end = int(hours[:2]), int(hours[6:8])
    if hour is None:
        return False
    return begin <= hour < end if begin < end else hour >= begin or hour < end
