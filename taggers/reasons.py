"""Why a rule hit or did not, in words; and what a rule asks of the customer it is about."""

from __future__ import annotations

from collections.abc import Sequence

from taggers.compiled import CompiledRule
from taggers.matching import Finding, Miss
from taggers.occurrence import Trigger
from taggers.rule import Condition, Rule
from taggers.utterance import Context

_SCOPES = {
    "typed": "",
    "mixed": "图文消息",
    "quote": "引用的消息",
    "forwarded": "转发的聊天记录",
    "link": "链接卡片",
    "notice": "群公告",
    "file": "文件名",
}


def say_hit(findings: Sequence[Finding]) -> str:
    """Put the evidence into words: 命中 多少钱 → 价格；非否定；疑问句."""
    words = dict.fromkeys(
        f"{span.keyword} → {via}" if via else span.keyword
        for finding in findings
        for span, via in zip(finding.spans, finding.via, strict=True)
    )
    said = ["命中 " + "、".join(words)]
    first = findings[0]
    said.append("否定" if first.denied else "非否定")
    if first.because:
        said[-1] += f"（{first.because}）"
    said.append("疑问句" if any(finding.asked for finding in findings) else "陈述句")
    if any(finding.heard for finding in findings):
        said.append("谐音")
    where = dict.fromkeys(_SCOPES[finding.scope] for finding in findings)
    said.extend(name for name in where if name)
    return "；".join(said)


def say_occurrence(trigger: Trigger) -> str:
    return f"行为：{trigger.says}"


def explain_miss(made: CompiledRule, misses: Sequence[Miss], context: Context) -> tuple[str, ...]:
    """List in words what kept a rule from hitting."""
    said = list(dict.fromkeys(reason for miss in misses for reason in miss.reasons))
    said.extend(unmet(made.rule, context))
    return tuple(said) or ("条件不全",)


def unmet(rule: Rule, context: Context) -> tuple[str, ...]:
    """Say what of the rule's `when` and `unless` the customer does not meet."""
    if rule.when is _NO_CONDITION and rule.unless is _NO_CONDITION:
        return ()
    wants = [f"要求{what}" for what, held in _held(rule.when, context) if not held]
    wants.extend(f"排除{what}" for what, held in _held(rule.unless, context) if held)
    return tuple(wants)


_NO_CONDITION = Rule.model_fields["when"].default


def _held(condition: Condition, context: Context) -> list[tuple[str, bool]]:
    checks: list[tuple[str, bool]] = []
    if condition.tags:
        checks.append(("标签 " + "、".join(condition.tags), not context.tags.isdisjoint(condition.tags)))
    if condition.stages:
        here = {*context.stages.values(), *(f"{pipeline}/{stage}" for pipeline, stage in context.stages.items())}
        checks.append(("阶段 " + "、".join(condition.stages), not here.isdisjoint(condition.stages)))
    if condition.pipelines:
        checks.append(
            ("流程 " + "、".join(condition.pipelines), not context.stages.keys().isdisjoint(condition.pipelines))
        )
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
