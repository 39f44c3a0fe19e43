"""`flask bench suggest`: what it costs to hold so many past answers, and to look a question up among them."""

from __future__ import annotations

import json
import resource
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import click
from flask.cli import with_appcontext

from bot.commands.input_files import read_lines
from bot.commands.terminal import Table, console, fail
from taggers.asked import Answered, Asked, Said

QUESTIONS = 300


@dataclass(frozen=True)
class Measured:
    """Times in milliseconds of one question, in seconds of making the whole; sizes in megabytes."""

    answers: int
    made_seconds: float
    median_ms: float
    p95_ms: float
    arrays_mb: float
    grown_mb: float


@click.command(
    "suggest", help="以前的回答：索引多久建好、占多少内存、找一次要多久（CrossWOZ 格式的对话，重复到要的条数）。"
)
@click.option("--dialogues", required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--answers", default=100_000, show_default=True, type=click.IntRange(100, 1_000_000))
@click.option("--json", "as_json", is_flag=True, help="只输出一个 JSON 对象")
@with_appcontext
def bench_suggest(dialogues: Path, answers: int, as_json: bool) -> None:
    try:
        cases = [case for number, line in read_lines(dialogues) for case in _cases(number, line.get("turns"))]
    except ValueError as problem:
        fail(str(problem))
    if not cases:
        fail(f"{dialogues.name} 里没有员工回答过的话")
    outcome = measure(cases, answers)
    if as_json:
        click.echo(json.dumps(asdict(outcome)))
        return
    table = Table("回答", "建好，秒", "找一次，中位毫秒", "95% 之内，毫秒", "数组，MB", "进程多占，MB")
    table.add_row(f"{outcome.answers:,}", *(f"{value:.1f}" for value in list(asdict(outcome).values())[1:]))
    console.print(table)


def measure(cases: Sequence[Answered], answers: int) -> Measured:
    """Repeat the cases to so many, each round with words of its own, so that the vocabulary grows as it would."""
    import numpy as np

    from taggers.answer_index import AnswerIndex
    from taggers.likeness import Terms

    many = [_again(case, number // len(cases)) for number, case in enumerate(islice(cycle(cases), answers))]
    terms, before, started = Terms(), _held(), time.perf_counter()
    terms.words("先读词典")
    index = AnswerIndex(many, terms)
    made, taken = time.perf_counter() - started, []
    for case in many[:: max(1, len(many) // QUESTIONS)]:
        begun = time.perf_counter()
        index.scores(case.asked)
        taken.append((time.perf_counter() - begun) * 1000)
    return Measured(
        len(many), round(made, 1), round(float(np.median(taken)), 1), round(float(np.percentile(taken, 95)), 1),
        round(index.bytes / 1e6, 1), round(_held() - before, 1),
    )  # fmt: skip


def _cases(talk: int, turns: Any) -> list[Answered]:
    if not isinstance(turns, list):
        raise ValueError(f"第 {talk} 行少了 turns（一段对话的每句话）")
    said = [Said("agent" if one.get("role") == "agent" else "customer", str(one.get("text", ""))) for one in turns]
    return [
        Answered(Asked(said[at].text, tuple(said[:at])), said[at + 1].text, talk)
        for at in range(len(said) - 1)
        if (said[at].by, said[at + 1].by) == ("customer", "agent")
    ]


def _again(case: Answered, turn: int) -> Answered:
    if not turn:
        return case
    own = chr(0x4E00 + turn * 7 % 5000) + chr(0x4E00 + turn * 13 % 5000)
    asked = Asked(f"{case.asked.text}{own}", case.asked.before)
    return Answered(asked, f"{case.answer}{own}", case.talk + turn * 1_000_000)


def _held() -> float:
    """The most memory this process ever held, in megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
