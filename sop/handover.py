"""Handover: the config of it, and the brief that a colleague gets who takes a customer over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pydantic import Field

from sop.tables import Table
from sop.translatable import Translatable

CHECKLIST: tuple[str, ...] = (
    Translatable("认识关键联系人"), Translatable("看过基本情况和对话"), Translatable("知道答应过什么"),
    Translatable("没回答的问题有人接"), Translatable("定好下一步，打过招呼"),
)  # fmt: skip
_MOST = 3


class Handover(Table):
    """[handover]: what is looked at when a customer passes to a colleague. people: the fields that name key people.

    first_payment: the first paid order opens a handover too, of which whoever has the customer is told.
    """

    checklist: tuple[str, ...] = Field(default=CHECKLIST, min_length=1, max_length=20)
    people: tuple[str, ...] = Field(default=(), max_length=10)
    first_payment: bool = False


@dataclass(frozen=True, slots=True)
class Brief:
    """What whoever takes over must know; each as people say it, the most urgent first.

    facts: by title what is known, people: who is key; missing: titles of what should be
    known and is not.
    """

    people: Sequence[str] = ()
    facts: Sequence[tuple[str, str]] = ()
    missing: Sequence[str] = ()
    paid: str = ""
    promised: Sequence[str] = ()
    questions: Sequence[str] = ()
    coming: Sequence[str] = ()


def card_lines(brief: Brief) -> list[tuple[str, str]]:
    """The lines of the card: (name, text), those alone of which something is known; always what comes next."""
    return [(name, text) for name, text in _lines(brief) if text]


def _lines(brief: Brief) -> Iterator[tuple[str, str]]:
    yield "关键人", "、".join(brief.people)
    facts = "，".join(f"{title} {value}" for title, value in brief.facts)
    missing = f"还不知道{'、'.join(brief.missing)}" if brief.missing else ""
    yield "基本情况", "；".join(part for part in (facts, missing) if part)
    yield "已付款", brief.paid
    yield "答应过", _some(brief.promised)
    yield "没回答", _some(brief.questions)
    yield "下一步", _some(brief.coming) or "先打个招呼，说明由您接着服务"


def _some(words: Sequence[str]) -> str:
    rest = f"，还有 {len(words) - _MOST} 件" if len(words) > _MOST else ""
    return "；".join(words[:_MOST]) + rest


def progress(checklist: Sequence[str], ticks: Mapping[str, object]) -> tuple[int, int]:
    """How many points of the list are ticked, of how many."""
    return sum(item in ticks for item in checklist), len(checklist)
