"""Why a rule hit or did not, in words; and what a rule asks of the customer it is about."""

from __future__ import annotations

from collections.abc import Sequence

from taggers.compiled import CompiledRule
from taggers.hits import Explanation, Span, TagHit
from taggers.matching import Matcher
from taggers.occurrence import Trigger
from taggers.rule import Condition, Rule
from taggers.utterance import Context, Scope, Utterance, split_quote
from taggers.weighing import Finding, spans_of, weigh

SCOPES: dict[Scope, str] = {
    "typed": "输入的文字",
    "mixed": "图文消息",
    "quote": "引用的消息",
    "forwarded": "转发的聊天记录",
    "link": "链接卡片",
    "notice": "群公告",
    "file": "文件名",
}
_WHO = {"customer": "客户", "agent": "员工", "both": "双方"}


def say_hit(findings: Sequence[Finding]) -> str:
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
    for finding in findings:
        if finding.heard and "谐音" not in said:
            said += "；谐音"
        if finding.scope != "typed" and SCOPES[finding.scope] not in said:
            said += f"；{SCOPES[finding.scope]}"
    return said


def say_occurrence(trigger: Trigger) -> str:
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
        else:
            missed = tuple(dict.fromkeys((*why, *unmet(rule, context)))) or ("条件不全",)
            said = "未命中：" + "；".join(missed)
            explained.append(Explanation(rule.id, rule.tag, False, said, tuple(sorted(set(spans))), missed))
    return tuple(explained)


def _not_for(made: CompiledRule, utterance: Utterance, scope: Scope) -> list[str]:
    """Say what keeps a satisfied rule from hearing this part of this message."""
    rule = made.rule
    if rule.from_ not in (utterance.sender, "both"):
        return [f"这句是{_WHO[utterance.sender]}说的，规则只听{_WHO[rule.from_]}"]
    if scope not in made.scopes:
        return [f"出现在{SCOPES[scope]}里，规则只看" + "、".join(SCOPES[each] for each in rule.scope)]
    return []


def unmet(rule: Rule, context: Context) -> tuple[str, ...]:
    """Say what of the rule's `when` and `unless` the customer does not meet."""
    wants = [f"要求{what}" for what, held in _held(rule.when, context) if not held]
    wants.extend(f"排除{what}" for what, held in _held(rule.unless, context) if held)
    return tuple(wants)


def _held(condition: Condition, context: Context) -> list[tuple[str, bool]]:
    checks: list[tuple[str, bool]] = []
    if condition.tags:
        checks.append(("标签 " + "、".join(condition.tags), not context.tags.isdisjoint(condition.tags)))
    if condition.stages:
        here = {*context.stages.values(), *(f"{pipeline}/{stage}" for pipeline, stage in context.stages.items())}
        checks.append(("阶段 " + "、".join(condition.stages), not here.isdisjoint(condition.stages)))
    if condition.pipelines:
        held = not context.stages.keys().isdisjoint(condition.pipelines)
        checks.append(("流程 " + "、".join(condition.pipelines), held))
    if condition.channels:
        checks.append(("渠道 " + "、".join(condition.channels), context.channel in condition.channels))
    if condition.hours:
        checks.append((f"时段 {condition.hours}", _within_hours(condition.hours, context.hour)))
    return checks


def _within_hours(hours: str, hour: int | None) -> bool:
    begin, end = int(hours[:2]), int(hours[6:8])
    if hour is None:
        return False
    return begin <= hour < end if begin < end else hour >= begin or hour < end
