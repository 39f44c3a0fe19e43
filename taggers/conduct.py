"""Conduct: rules about what agents say to customers: what such a rule may hold, and when a leader is told."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from pydantic import Field

from taggers.rule import Duration, Rule, Score, Table
from taggers.translatable import Translatable

Where = tuple[str | int, ...]
CONDUCT = "conduct"


class Conduct(Table):
    """[conduct]: what follows when a rule of kind "conduct" hears something.

    Leaders are told by one message a day at most: once `at_least` findings wait for their word, or one has waited
    for `longest`. tell_agent: the agent is told of a finding that a leader called right; else they are told nothing.
    """

    tell_leaders: bool = True
    at_least: int = Field(default=3, ge=1, le=100)
    longest: Duration = timedelta(days=3)
    tell_agent: bool = False


def is_worth_telling(found: Collection[datetime], table: Conduct, now: datetime) -> bool:
    """Tell whether a leader is told now of findings that wait for their word. found: when each was heard."""
    if not table.tell_leaders or not found:
        return False
    return len(found) >= table.at_least or now - min(found) >= table.longest


def title_of(rule: Rule) -> str:
    """What people call a conduct rule."""
    return rule.title or rule.id


def titles_of(rules: Iterable[Rule]) -> dict[str, str]:
    """What the conduct rules among these are called, by id."""
    return {rule.id: title_of(rule) for rule in rules if rule.kind == CONDUCT}


_OUT_OF_PLACE: tuple[tuple[str, Callable[[Rule], bool], str], ...] = (
    ("tag", lambda rule: bool(rule.tag), "言行规则不给客户打标签：去掉 tag，名字写在 title 里"),
    ("field", lambda rule: bool(rule.field), "言行规则不记客户的资料：去掉 field"),
    ("on", lambda rule: bool(rule.on), "言行规则听员工说的话，不看客户做了什么：去掉 on，写 any、all、near 或 regex"),
    ("score", lambda rule: rule.score != Score(), "言行规则不给客户加分：去掉 score"),
    ("reply", lambda rule: rule.reply is not None, "言行规则不建议怎么回：去掉 reply"),
    ("expires", lambda rule: rule.expires is not None, "言行规则没有标签会到期：去掉 expires"),
    (
        "times",
        lambda rule: rule.times > 1 or rule.within is not None,
        "言行规则每听到一次都列出来：去掉 times 和 within；攒够几条再提醒主管写在 [conduct] 的 at_least",
    ),
)
"""Keys that a conduct rule may not have, how that is told, and what to say of it."""


def rule_faults(rule: Rule) -> Iterator[tuple[str, str]]:
    """What stands in a rule that does not go with its kind: the key, and how to mend it."""
    if rule.kind != CONDUCT:
        if rule.title:
            yield "title", 'title 是言行规则（kind = "conduct"）的名字；打标签的规则以标签为名，去掉 title'
        return
    if rule.from_ != "agent":
        yield "from", '言行规则（kind = "conduct"）听员工说的话：写上 from = "agent"'
    yield from ((key, says) for key, is_there, says in _OUT_OF_PLACE if is_there(rule))


def check_titles(rules: Sequence[Rule]) -> Iterator[tuple[Where, str]]:
    """Two conduct rules of one name cannot be told apart in the list."""
    taken: set[str] = set()
    for at, rule in enumerate(rules):
        if rule.kind == CONDUCT:
            if title_of(rule) in taken:
                says = Translatable("已经有一条言行规则叫「{name}」，请换一个名字", name=title_of(rule))
                yield ("rules", at, "title"), says
            taken.add(title_of(rule))


def check_uses(
    rules: Iterable[Rule], tags: Collection[str], used: Iterable[tuple[Where, str]]
) -> Iterator[tuple[Where, str]]:
    """Conduct rules that something asks for as if they were tags. tags: those there are; used: names, with places."""
    names = {name for rule in rules if rule.kind == CONDUCT for name in (rule.id, rule.title) if name} - {*tags}
    for where, name in used:
        if name in names:
            yield (
                where,
                Translatable(
                    "「{name}」是言行规则：它听员工说的话，不能移动客户，也不能开始、停止 SOP 或当作标签", name=name
                ),
            )
