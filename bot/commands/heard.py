"""`flask promises` and `flask questions`: measure on labelled sentences what is heard in a talk."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import click
from flask.cli import with_appcontext

from bot.commands.input_files import read_lines
from bot.commands.terminal import Table, console, fail, fail_by_config, system_at_hand
from bot.platform.config.parsing import ConfigError
from bot.platform.config.settings import Settings, load_settings
from taggers.open_question_study import LabelledTurn, study
from taggers.open_questions import Turn
from taggers.promise_evaluation import LabelledPromise, Measured, measure_promises, measure_questions

_FILE = click.argument("sentences", type=click.Path(path_type=Path, exists=True, dir_okay=False))
_CONFIG = click.option(
    "--config", "path", type=click.Path(path_type=Path), default=None, help="配置文件，默认正在使用的 config.toml"
)
_JSON = click.option("--json", "as_json", is_flag=True, help="只输出一个 JSON 对象")
_FAULTS = {"missed": "漏", "false": "多", "due": "时间不对"}


@click.group("promises", help="承诺：用标注过的句子评测。")
def promises() -> None: ...


@click.group("questions", help="等回答的话：用标注过的句子评测。")
def questions() -> None: ...


@promises.command("eval", help="承诺的准确率、召回率、到期时间对的比例（JSON Lines：text、at、by、promise、due）。")
@_FILE
@_CONFIG
@_JSON
@with_appcontext
def evaluate_promises(sentences: Path, path: Path | None, as_json: bool) -> None:
    settings = _load(path)
    labelled = [_promise(number, line, sentences.name) for number, line in _lines(sentences)]
    outcome = measure_promises(labelled, settings.calendar)
    _show(outcome, settings, as_json, {"due_right": round(outcome.due_right, 4)})


@questions.command("eval", help="哪些话等回答：准确率与召回率（JSON Lines：text、wants_answer）。")
@_FILE
@_CONFIG
@_JSON
@with_appcontext
def evaluate_questions(sentences: Path, path: Path | None, as_json: bool) -> None:
    settings = _load(path)
    labelled = [_question(number, line, sentences.name) for number, line in _lines(sentences)]
    _show(measure_questions(labelled, settings.closings), settings, as_json, {})


@questions.command("study", help="标注过的对话：回答到的问题关上了多少，回答剪掉的还开着多少（CrossWOZ 格式）。")
@click.argument("dialogues", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--every", default=1, show_default=True, type=click.IntRange(1, 10_000), help="每几段对话取一段")
@click.option("--mistakes", default=0, show_default=True, help="各列出多少个错例")
@_CONFIG
@_JSON
@with_appcontext
def study_questions(dialogues: Path, every: int, mistakes: int, path: Path | None, as_json: bool) -> None:
    settings = _load(path)
    labelled = (_dialogue(line) for number, line in _lines(dialogues) if number % every == 0)
    outcome = study(labelled, settings.closings)
    result = {
        "touched": outcome.touched,
        "closed": round(outcome.closed / max(outcome.touched, 1), 4),
        "cut": outcome.cut,
        "stayed_open": round(outcome.stayed / max(outcome.cut, 1), 4),
        "not_closed": [asdict(one) for one in outcome.not_closed[:mistakes]],
        "not_stayed": [asdict(one) for one in outcome.not_stayed[:mistakes]],
    }
    if as_json:
        click.echo(json.dumps(result, ensure_ascii=False, indent=2))
        return
    console.print(f"回答到的 {outcome.touched} 个问题，关上 {result['closed']:.3f}")
    console.print(f"回答剪掉的 {outcome.cut} 个问题，还开着 {result['stayed_open']:.3f}")
    for one in (*outcome.not_closed[:mistakes], *outcome.not_stayed[:mistakes]):
        console.print(f"{one.question} → {one.next}", markup=False)


def _dialogue(line: dict[str, object]) -> list[LabelledTurn]:
    turns = line.get("turns")
    return [_turn(one) for one in turns if isinstance(one, dict)] if isinstance(turns, list) else []


def _turn(turn: dict[str, Any]) -> LabelledTurn:
    acts = [act for act in turn.get("acts", []) if isinstance(act, list) and len(act) >= 3]
    by: Literal["customer", "agent"] = "customer" if turn.get("role") == "customer" else "agent"
    told = frozenset((str(act[0]), str(act[1]), str(act[2])) for act in acts)
    return LabelledTurn(Turn(by, str(turn.get("text", ""))), told)


def _load(path: Path | None) -> Settings:
    path = path or system_at_hand().environment.config
    try:
        return load_settings(path, examples=False)
    except ConfigError as error:
        fail_by_config(error, path)


def _lines(path: Path) -> Iterator[tuple[int, dict[str, object]]]:
    try:
        yield from read_lines(path)
    except ValueError as problem:
        fail(str(problem))


def _promise(number: int, line: dict[str, object], name: str) -> LabelledPromise:
    by: Literal["agent", "customer"] = "agent" if _choice(number, line, "by", name) == "agent" else "customer"
    at = _instant(number, line, "at", name)
    if at is None:
        fail(f"{name}:{number}: 少了 at（说这句话的时间，如 2026-03-04T15:20:00+08:00）")
    return LabelledPromise(
        _text(number, line, name), at, by, _truth(number, line, "promise", name), _instant(number, line, "due", name)
    )


def _question(number: int, line: dict[str, object], name: str) -> tuple[str, bool]:
    return _text(number, line, name), _truth(number, line, "wants_answer", name)


def _text(number: int, line: dict[str, object], name: str) -> str:
    text = line.get("text")
    if not isinstance(text, str):
        fail(f"{name}:{number}: text 要是一句话")
    return text


def _truth(number: int, line: dict[str, object], key: str, name: str) -> bool:
    value = line.get(key)
    if not isinstance(value, bool):
        fail(f"{name}:{number}: {key} 写 true 或 false")
    return value


def _choice(number: int, line: dict[str, object], key: str, name: str) -> str:
    value = line.get(key, "agent")
    if value not in ("agent", "customer"):
        fail(f'{name}:{number}: {key} 写 "agent" 或 "customer"')
    return str(value)


def _instant(number: int, line: dict[str, object], key: str, name: str) -> datetime | None:
    value = line.get(key)
    if value is None:
        return None
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        fail(f"{name}:{number}: {key} 写带时区的时间，如 2026-03-04T15:20:00+08:00")
    return at


def _of_customers(outcome: Measured) -> dict[str, Any]:
    """What was heard in customers' sentences, and whether these count in the figures."""
    if not outcome.customers:
        return {}
    read_as = "follow_up" if outcome.judged else "no_promise"
    heard = {"sentences": outcome.customers, "follow_ups": outcome.follow_ups, "read_as": read_as}
    return {"customers": heard}


def _show(outcome: Measured, settings: Settings, as_json: bool, more: dict[str, float]) -> None:
    zone = settings.zone
    wrong: list[dict[str, Any]] = [
        {
            "line": one.number,
            "text": one.text,
            "fault": one.fault,
            "wanted": one.wanted and one.wanted.astimezone(zone).isoformat(),
            "found": one.found and one.found.astimezone(zone).isoformat(),
        }
        for one in outcome.wrong
    ]
    customers = _of_customers(outcome)
    result = {
        "sentences": outcome.sentences,
        "precision": round(outcome.precision, 4),
        "recall": round(outcome.recall, 4),
        **more,
        **customers,
        "wrong": wrong,
    }
    if as_json:
        click.echo(json.dumps(result, ensure_ascii=False, indent=2))
        return
    table = Table("句", "准确率", "召回率", *(["时间对"] if more else []))
    shares = [outcome.precision, outcome.recall, *more.values()]
    table.add_row(str(outcome.sentences), *(f"{share:.3f}" for share in shares))
    console.print(table)
    if customers:
        console.print(f"其中客户说的 {outcome.customers} 句，听出 {outcome.follow_ups} 件要跟进的事")
    for one in wrong:
        line = f"{_FAULTS[one['fault']]} {one['line']}：{one['text']}"
        times = f"（应为 {one['wanted'] or '无'}，读成 {one['found'] or '无'}）" if one["fault"] == "due" else ""
        console.print(line + times, markup=False)
