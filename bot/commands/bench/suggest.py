"""`flask bench suggest`: what it costs to hold so many past answers, to find one, and to hear of a new one."""

from __future__ import annotations

import json
import resource
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import click
from flask.cli import with_appcontext

from bot.agents.past_answers import PastAnswers
from bot.commands.bench.past_talks import Talk, many_talks, usable, write_talks
from bot.commands.bench.scratch_databases import Kind
from bot.commands.bench.scratch_systems import Surroundings, scratch_system
from bot.commands.bench.surroundings import database_option, surroundings
from bot.commands.input_files import read_lines
from bot.commands.terminal import Table, console, fail
from bot.platform import clock
from bot.system import System
from taggers.asked import Asked, Said

QUESTIONS = 300
PATIENCE = 60.0  # seconds until what is new must be found
_NEW = (
    Said("customer", "请问画室的窗帘可以换颜色吗"),
    Said("agent", "窗帘的颜色可以换的，跟画室前台说一声就好"),
    Said("customer", "太好了"),
)


@dataclass(frozen=True)
class Measured:
    """answers: that are held; made_seconds: from the first question to the first answer; fresh_seconds: from a new
    message in the database to the answer that it shows to be used; the rest of one question, and megabytes."""

    database: str
    answers: int
    messages: int
    made_seconds: float
    made_processor_seconds: float
    median_ms: float
    p95_ms: float
    slowest_ms: float
    found: float
    fresh_seconds: float
    arrays_mb: float
    grown_mb: float


@click.command(
    "suggest", help="以前的回答：索引多久建好、占多少内存、找一次要多久（CrossWOZ 格式的对话，重复到要的条数）。"
)
@click.option("--dialogues", required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--answers", default=100_000, show_default=True, type=click.IntRange(100, 1_000_000))
@database_option
@click.option("--json", "as_json", is_flag=True, help="只输出一个 JSON 对象")
@with_appcontext
def bench_suggest(dialogues: Path, answers: int, database: Kind, as_json: bool) -> None:
    try:
        given = [_said(number, line.get("turns")) for number, line in read_lines(dialogues)]
    except ValueError as problem:
        fail(str(problem))
    if not usable(given):
        fail(f"{dialogues.name} 里没有员工回答过的话")
    with surroundings(database) as place:
        outcome = measure(place, list(many_talks(given, answers)), database)
    if as_json:
        click.echo(json.dumps(asdict(outcome)))
        return
    table = Table(
        "回答", "建好，秒", "找一次，中位毫秒", "95% 之内，毫秒", "新的多久找到，秒", "数组，MB", "进程多占，MB"
    )
    shown = (outcome.made_seconds, outcome.median_ms, outcome.p95_ms, outcome.fresh_seconds, outcome.arrays_mb)
    table.add_row(f"{outcome.answers:,}", *(f"{value:.1f}" for value in (*shown, outcome.grown_mb)))
    console.print(table)


def measure(place: Surroundings, talks: Sequence[Talk], database: str) -> Measured:
    """Measure on a new database that holds these talks."""
    import numpy as np

    config = place.folder / "with-past-answers.toml"
    text = place.config_path.read_text(encoding="utf-8")
    config.write_text(f"{text}\n[suggestions]\nhistory = true\n", encoding="utf-8")
    with scratch_system(replace(place, config=config), "suggest") as system:
        write_talks(system, talks, clock.now())
        past, settings = PastAnswers(system), system.settings
        settings.likeness.words("先读词典")
        before, started, processor = _held(), time.perf_counter(), time.process_time()
        past.refresh(settings, clock.now(), wait=True)
        made, spent = time.perf_counter() - started, time.process_time() - processor
        taken, found = _ask(past, system, talks)
        fresh = _until_fresh(past, system)
        size = past.size
        half, most, slowest = (round(float(np.percentile(taken, share)), 1) for share in (50, 95, 100))
        return Measured(
            database, size.answers, sum(len(talk.turns) for talk in talks), round(made, 1), round(spent, 1),
            half, most, slowest, round(found, 3), round(fresh, 1), round(size.bytes / 1e6, 1),
            round(_held() - before, 1),
        )  # fmt: skip


def _ask(past: PastAnswers, system: System, talks: Sequence[Talk]) -> tuple[list[float], float]:
    """Milliseconds of each question, and the share of them to which anything was found."""
    taken, found = [], 0
    for talk in talks[:: max(1, len(talks) // QUESTIONS)]:
        at = max(n for n, said in enumerate(talk.turns[:-1]) if said.by == "customer")
        asked = Asked(talk.turns[at].text, tuple(talk.turns[:at]))
        begun = time.perf_counter()
        found += bool(past.find(asked, system.settings, clock.now(), 6))
        taken.append((time.perf_counter() - begun) * 1000)
    return taken, found / len(taken)


def _until_fresh(past: PastAnswers, system: System) -> float:
    """Seconds until an answer that several customers just got is found."""
    write_talks(system, [Talk(10_000_000 + n, _NEW, 1) for n in range(6)], clock.now())
    begun = time.perf_counter()
    while time.perf_counter() - begun < PATIENCE:
        found = past.find(Asked(_NEW[0].text), system.settings, clock.now(), 6)
        if any(one.text == _NEW[1].text for one in found):
            break
        time.sleep(0.1)
    return time.perf_counter() - begun


def _said(number: int, turns: Any) -> list[Said]:
    if not isinstance(turns, list):
        raise ValueError(f"第 {number} 行少了 turns（一段对话的每句话）")
    return [Said("agent" if one.get("role") == "agent" else "customer", str(one.get("text", ""))) for one in turns]


def _held() -> float:
    """The most memory this process ever held, in megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
