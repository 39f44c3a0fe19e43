"""`flask suggest` from outside: figures as one object, and faults of a file named by their line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from flask import Flask

from bot.commands.suggest import suggest
from tests.taggers.test_answers import talks


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text("", encoding="utf-8")
    return path


def run(arguments: list[object], code: int = 0) -> str:
    app = Flask("tici-test")
    app.cli.add_command(suggest)
    result = app.test_cli_runner().invoke(args=["suggest", *map(str, arguments)])
    assert result.exit_code == code, result.output
    return result.output


def test_dialogues_and_pairs_give_one_object_each(tmp_path: Path, config: Path) -> None:
    dialogues, pairs = tmp_path / "talks.jsonl", tmp_path / "pairs.jsonl"
    with dialogues.open("w", encoding="utf-8") as file:
        for turns in talks():
            rows = [
                {"role": said.by, "text": said.text, "acts": [[*act, ""] for act in acts]} for said, acts in turns
            ]
            print(json.dumps({"turns": rows}), file=file)
    lines = [("怎么退款", "如何退钱", "1"), ("几点上课", "今天天气好", "0")]
    keys = ("sentence1", "sentence2", "label")
    pairs.write_text("\n".join(json.dumps(dict(zip(keys, line, strict=True))) for line in lines), encoding="utf-8")
    measured = json.loads(run(["eval", "--dialogues", dialogues, "--config", config, "--json"]))
    assert measured.keys() == {"asked", "recall_at_1", "recall_at_3", "recall_at_10", "shown", "wrong_first"}
    assert measured["recall_at_3"] > 0.8
    assert json.loads(run(["match", "--pairs", pairs, "--config", config, "--json"]))["recall_at_1"] == 1.0


@pytest.mark.parametrize(
    ("command", "line", "told"),
    [
        (["eval", "--dialogues"], '{"id": 1}', ":1: 少了 turns"),
        (["match", "--pairs"], '{"sentence1": "a", "sentence2": "b", "label": "yes"}', ":1: label"),
        (["match", "--pairs"], '{"sentence1": "a"}', ":1: sentence1"),
        (["match", "--pairs"], '{"sentence1": "a", "sentence2": "b", "label": 0}', "没有 label"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, config: Path, command: list[str], line: str, told: str) -> None:
    file = tmp_path / "lines.jsonl"
    file.write_text(line + "\n", encoding="utf-8")
    assert told in run([*command, file, "--config", config], code=1)
