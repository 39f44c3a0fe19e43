"""`flask rules`, studies: measures rules on dialogues, finds new ones, tries them on history before they go live."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from flask.cli import with_appcontext
from pydantic import ValidationError

from bot.analytics import history
from bot.commands.input_files import read_table
from bot.commands.rule_options import CONFIG, JSON, SINCE, ago, as_list, lines_of, load, show
from bot.commands.terminal import (
    Table,
    console,
    fail,
    migrated_system,
    progress_bar,
)
from bot.platform import clock
from taggers.backtest import Backtest
from taggers.coverage import survey
from taggers.evaluation import Evaluation, LabelledUtterance, Labels, evaluate
from taggers.mining import mine
from taggers.utterance import Utterance

PROCESSES = min(os.cpu_count() or 1, 2)  # each compiles its own rule book, which costs memory


@click.command("eval", help="用标注过的对话评测：每个标签的准确率、召回率、F1。")
@click.option("--dialogues", required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--labels", required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--mistakes", default=0, show_default=True, help="每个标签列出多少个错例")
@CONFIG
@JSON
@with_appcontext
def evaluate_rules(dialogues: Path, labels: Path, mistakes: int, path: Path | None, as_json: bool) -> None:
    settings = load(path)
    try:
        gold = Labels.model_validate(read_table(labels))
    except (ValidationError, ValueError) as problem:
        fail(f"{labels.name} 不对：{problem}")
    states = [
        LabelledUtterance(str(dialogue.get("id", number)), str(turn.get("text", "")), gold.gold(turn.get("acts", [])))
        for number, dialogue in lines_of(dialogues)
        for turn in _turns(dialogue)
        if turn.get("role") == "customer"
    ]
    outcome = evaluate(settings.book, states, [label.tag for label in gold.labels])
    if as_json:
        show(_evaluation(outcome, settings.version, mistakes))
        return
    table = Table(
        "标签", "准确率", "召回率", "F1", "对", "多", "漏", title=f"{outcome.utterances} 句", title_justify="left"
    )
    for one in outcome.scores:
        shares = [f"{value:.3f}" for value in (one.precision, one.recall, one.f1)]
        table.add_row(one.tag, *shares, str(one.right), str(one.wrong), str(one.left_out))
    console.print(table)
    console.print(f"宏平均 F1：{outcome.macro_f1:.4f}")
    for line in _evaluation(outcome, "", mistakes)["mistakes"]:
        console.print(f"{line['tag']} {'多' if line['rules'] else '漏'}：{line['text']}", markup=False)


def _turns(dialogue: dict[str, object]) -> list[dict[str, Any]]:
    return [turn for turn in as_list(dialogue.get("turns")) if isinstance(turn, dict)]


def _evaluation(outcome: Evaluation, version: str, mistakes: int) -> dict[str, Any]:
    shown: dict[str, int] = {}
    wrong = []
    for one in outcome.mistakes:
        shown[one.tag] = shown.get(one.tag, 0) + 1
        if shown[one.tag] <= mistakes:
            wrong.append({"tag": one.tag, "text": one.case.text, "rules": one.rules, "dialogue": one.case.dialogue})
    return {
        "version": version,
        "utterances": outcome.utterances,
        "macro_f1": round(outcome.macro_f1, 4),
        "tags": {
            one.tag: {
                "precision": round(one.precision, 4),
                "recall": round(one.recall, 4),
                "f1": round(one.f1, 4),
                "right": one.right,
                "wrong": one.wrong,
                "left_out": one.left_out,
            }
            for one in outcome.scores
        },
        "mistakes": wrong,
    }


@click.command("coverage", help="在真实消息上看规则：从不命中的、被盖住的、重叠的、互相矛盾的。")
@click.option(
    "--dialogues", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="对话文件；不给就看已入库的消息"
)
@SINCE
@CONFIG
@JSON
@with_appcontext
def coverage(dialogues: Path | None, since: str, path: Path | None, as_json: bool) -> None:
    settings = load(path)
    found = survey(settings.book, _said(dialogues, ago(since)), settings.tables.tags)
    if as_json:
        show(asdict(found))
        return
    console.print(f"{found.utterances} 条客户消息，{found.caught} 条至少命中一条规则")
    table = Table("规则", "标签", "命中", "独自命中", title="各规则", title_justify="left")
    for use in sorted(found.rules, key=lambda use: -use.hits):
        table.add_row(use.rule_id, use.tag, str(use.hits), str(use.alone), style=None if use.hits else "yellow")
    console.print(table)
    for title, pairs in (("被盖住", found.shadowed), ("重叠", found.overlapping), ("互相矛盾", found.contradictory)):
        for pair in pairs:
            console.print(
                f"{title}：{pair.first} 与 {pair.second}，共同命中 {pair.both} 条（{pair.share:.0%}），"
                f"例：{pair.sample}",
                style="yellow", markup=False,
            )  # fmt: skip


def _said(dialogues: Path | None, since: datetime) -> Iterator[Utterance]:
    """Give what customers said, from a dialogue file or from the database."""
    if dialogues is not None:
        for _, dialogue in lines_of(dialogues):
            for turn in _turns(dialogue):
                if turn.get("role") == "customer":
                    yield Utterance.typed(str(turn.get("text", "")))
        return
    with migrated_system().store.read() as session:
        yield from history.customers_utterances(session, since)


@click.command("mine", help="从人工打的标签和人工移动里找还没有规则的说法，每条都是可直接粘贴的规则。")
@click.option("--most", default=20, show_default=True, help="最多几条")
@SINCE
@CONFIG
@JSON
@with_appcontext
def mine_rules(most: int, since: str, path: Path | None, as_json: bool) -> None:
    settings = load(path)
    begin = ago(since)
    with migrated_system().store.read() as session:
        before = history.sayings_before(session, begin)
        known = {text for sayings in before.values() for text in sayings}
        elsewhere = (text for text in history.customers_words(session, begin) if text not in known)
        found = mine(settings.book, before, elsewhere, words=settings.tables.text.words, most=most)
    if as_json:
        show([{**asdict(one), "rule": one.as_toml()} for one in found])
        return
    if not found:
        console.print("没有找到值得提议的说法：人工打的标签太少，或现有规则已经接住了")
    for one in found:
        console.print(
            f"# {one.tag}：打标签前出现 {one.before} 次，其他消息 {one.elsewhere} 次，G² {one.g2:.1f}", style="dim"
        )
        click.echo(one.as_toml())


@click.command("backtest", help="用新配置重放已入库的消息：每个标签谁会多、谁会少、为什么。什么都不会改动。")
@click.option("--config", "new", required=True, type=click.Path(path_type=Path), help="要试的新配置")
@click.option("--against", type=click.Path(path_type=Path), default=None, help="拿来比的旧配置，默认正在使用的")
@click.option("--processes", default=PROCESSES, show_default=True, type=click.IntRange(1, 16))
@click.option("--output", type=click.Path(path_type=Path), default=None, help="把结果另存为 JSON，供网页查看")
@SINCE
@JSON
@with_appcontext
def backtest(new: Path, against: Path | None, processes: int, output: Path | None, since: str, as_json: bool) -> None:
    after, before = load(new), load(against, examples=False)
    outcome: Backtest | None = None
    system = migrated_system()
    with progress_bar("回测消息", as_json) as progress:
        parts, count = history.ranges_for(system.store, ago(since), clock.now(), [before.book, after.book])
        bar = progress.add_task("", total=count)
        for outcome in history.backtest_ranges(parts, before.source, after.source, processes):
            progress.update(bar, completed=outcome.messages)
        progress.update(bar, completed=count)
    result = _backtest(outcome, before.version, after.version)
    if output is not None:
        output.write_text(json.dumps(result, ensure_ascii=False, indent=2), encoding="utf-8")
    if as_json:
        show(result)
        return
    table = Table("标签", "原有", "现有", "多了", "少了", title=f"{result['messages']} 条消息", title_justify="left")
    for one in result["tags"]:
        table.add_row(one["tag"], str(one["before"]), str(one["after"]), f"+{one['gained']}", f"-{one['lost']}")
    console.print(table, markup=False)
    for one in result["tags"]:
        _some_changes(one["tag"], "+", one["gains"])
        _some_changes(one["tag"], "-", one["losses"])


def _some_changes(tag: str, sign: str, changes: Sequence[dict[str, Any]]) -> None:
    for change in changes[:3]:
        line = f"{sign}{tag} {change['customer']}「{change['text']}」{change['rule_id']} {change['reason']}"
        console.print(line + (f"；另一版：{change['why_not']}" if change["why_not"] else ""), markup=False)


def _backtest(outcome: Backtest | None, before: str, after: str) -> dict[str, Any]:
    found = asdict(outcome) if outcome else {"customers": 0, "messages": 0, "tags": []}
    return {"before_version": before, "after_version": after, **found}
