"""Wordings: all that config.toml has to be said to customers, as one library: answers, replies of rules, steps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from bot.platform.config.tables import Tables

KINDS = {"answer": "知识库", "rule": "规则的回复", "step": "SOP 的步骤"}


@dataclass(frozen=True, slots=True)
class Wording:
    """One entry of the library. key: as uses are counted by; texts: several where a step has variants; asks: what it
    answers or what it is found by; where: the id in the file, and of a step its place (from 0)."""

    key: str
    kind: str
    category: str
    title: str
    texts: tuple[str, ...]
    asks: tuple[str, ...] = ()
    attach: tuple[str, ...] = ()
    meant_for: tuple[str, ...] = ()
    since: date | None = None
    until: date | None = None
    retired: bool = False
    where: tuple[str, int] = ("", 0)

    def in_force(self, today: date) -> bool:
        """Whether it is offered on that local day."""
        begun = self.since is None or self.since <= today
        return begun and (self.until is None or today <= self.until) and not self.retired


def company_wordings(tables: Tables) -> dict[str, Wording]:
    """The company's wordings by key, in the order of the file."""
    every = (*_answers(tables), *_replies(tables), *_steps(tables))
    return {one.key: one for one in every}


def _answers(tables: Tables) -> Iterator[Wording]:
    for entry in tables.answers:
        yield Wording(
            f"answer:{entry.id}", "answer", entry.category, entry.ask[0], (entry.say,), entry.ask,
            tuple(one.title or one.file or "" for one in entry.attach), (*entry.tags, *entry.stages, *entry.products),
            entry.since, entry.until, entry.retired, (entry.id, 0),
        )  # fmt: skip


def _replies(tables: Tables) -> Iterator[Wording]:
    for rule in tables.rules:
        if rule.reply:
            title = rule.tag or rule.id
            yield Wording(f"rule:{rule.id}", "rule", "", title, (rule.reply,), (title,), where=(rule.id, 0))


def _steps(tables: Tables) -> Iterator[Wording]:
    for sop in tables.sops:
        title = sop.title or sop.id
        for number, step in enumerate(sop.steps):
            yield Wording(
                f"step:{sop.id}:{number}", "step", title, f"{title} · {number + 1}", step.say, (title,),
                tuple(one.title or one.file or "" for one in step.attach), (sop.stage,) if sop.stage else (),
                retired=not sop.enabled, where=(sop.id, number),
            )  # fmt: skip
