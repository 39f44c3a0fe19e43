"""Hostile words and files on the command line: each command says what is wrong, shows no traceback, loses nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import func, select

from bot.app import create_app
from bot.platform import clock
from bot.platform.models import Model
from bot.system import System, use_system
from tests.support.rows import Rows

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

WHO = "wmHOSTILE"
# {file}: one of the files below. What such a command may leave behind where a file happens to be good, it says there.
READERS = {
    "check": "check {file}",
    "rules check": "rules check {file}",
    "rules test": "rules test {file}",
    "rules test --config": "rules test --config {file}",
    "rules explain": "rules explain 多少钱 --config {file}",
    "rules eval": "rules eval --dialogues {file} --labels {file}",
    "rules coverage": "rules coverage --dialogues {file}",
    "rules mine": "rules mine --config {file}",
    "rules backtest": "rules backtest --processes 1 --config {file}",
    "rules backtest --against": "rules backtest --processes 1 --config {config} --against {file}",
    "replay": "replay {file} --folder {folder}",
    "customer import": "customer import {file}",
    "restore": "restore {file} --replace --yes",
    "keys list": "keys list --folder {file}",
    "bench rules": "bench rules --dialogues {file}",
}
WRITERS = {
    "backup": "backup {file}",
    "customer export": f"customer export {WHO} --to {{file}}",
    "customer export csv": f"customer export {WHO} --to {{file}}.csv",
    "init": "init --output {file}",
    "init --force": "init --force --output {file}",
    "keys new": "keys new --folder {file}",
    "rules backtest --output": "rules backtest --processes 1 --config {config} --output {file}",
}
FILES = {
    "empty": b"",
    "bom": b"\xef\xbb\xbf",
    "nul": b"\x00" * 4096,
    "nul inside": b'{"id": "a", "turns": [{"role": "customer", "text": "a\x00b"}]}\nexternal_userid,birthday\x00\n',
    "binary": bytes(range(256)) * 64,
    "gbk": "第一句，编码不对\n外部,生日\n".encode("gbk"),
    "utf-16": "external_userid,birthday\nwm,1990-01-01\n".encode("utf-16"),
    "half a character": "多少钱".encode()[:-1],
    "surrogate": b'{"id": "\\ud800", "turns": [{"role": "customer", "text": "\\udfff"}]}\n',
    "deep": b"[" * 200_000,
    "a long line": b'"' + b"a" * 3_000_000,
    "long number": b"a = " + b"9" * 50_000,
    "no turns": b'{"id": 1, "turns": 7}\n{"turns": [1, null, {"role": 5}]}\n[]\nnull\n',
    "odd acts": b'{"id": 1, "turns": [{"role": "customer", "text": null, "acts": 7}]}\n',
    "a zip of nothing": b"PK\x05\x06" + b"\x00" * 18,
}
ODD_WORDS = ("", "\udcff", "a\nb\x1b[31m", "[/]", "'; DROP TABLE customer; --", "../../etc/passwd", "9" * 5000,
             "{x}%s\u202e" + "中" * 5000)  # fmt: skip


@pytest.fixture
def app(system: System) -> Iterator[Flask]:
    with system.store.write() as session:
        rows = Rows(session, clock.now())
        customer = rows.customer("甲", agent=rows.agent())
        customer.external_userid = WHO
        rows.message(customer, "=1+1")
    system.settings  # noqa: B018 - reads the config, and notes its version
    app = create_app(system)
    use_system(system)
    yield app
    system.queue.connection.close()


def run(app: Flask, words: Sequence[str], **given: Any) -> Result:
    return app.test_cli_runner().invoke(args=list(words), env={"COLUMNS": "200"}, **given)


def counts(system: System) -> dict[str, int]:
    """How many rows there are, but for what tells of the run itself."""
    with system.store.read() as session:
        tables = [table for table in Model.metadata.sorted_tables if table.name not in ("status", "audit_entry")]
        return {table.name: session.scalar(select(func.count()).select_from(table)) or 0 for table in tables}


def check(result: Result, words: Sequence[str]) -> None:
    told = f"{list(words)!r:.300}: exit {result.exit_code}, {result.exception!r:.300}\n{result.output[-800:]}"
    assert result.exception is None or isinstance(result.exception, SystemExit), told
    assert result.exit_code in (0, 1, 2), told
    assert "Traceback" not in result.output, told
    assert result.exit_code == 0 or result.output.strip(), told


@pytest.fixture
def bad_files(tmp_path: Path) -> dict[str, str]:
    folder = tmp_path / "bad"
    folder.mkdir()
    (folder / "a folder").mkdir()
    (folder / "a folder.csv").mkdir()
    for name, content in FILES.items():
        (folder / name).write_bytes(content)
    with (folder / "huge").open("wb") as huge:
        huge.truncate(2_000_000_000)  # takes no room
    more = {"without end": "/dev/zero", "nowhere": str(folder / "nowhere"), "below": str(folder / "empty" / "x")}
    return {path.name: str(path) for path in folder.iterdir()} | more


@pytest.mark.parametrize("command", READERS)
def test_no_file_however_odd_ends_in_a_traceback(
    app: Flask, system: System, tmp_path: Path, bad_files: dict[str, str], command: str
) -> None:
    before = counts(system)
    for path in bad_files.values():
        places = {"file": path, "config": str(tmp_path / "config.toml"), "folder": str(tmp_path / "replay")}
        words = [word.format(**places) for word in READERS[command].split()]
        result = run(app, words)
        check(result, words)
        assert counts(system) == before, words


@pytest.mark.parametrize("command", WRITERS)
def test_nothing_is_written_where_it_cannot_be(
    app: Flask, system: System, tmp_path: Path, bad_files: dict[str, str], command: str
) -> None:
    before = counts(system)
    for path in (
        bad_files["a folder"],
        bad_files["below"],
        "/proc/nowhere",
        str(tmp_path / "no" / "such" / "folder"),
    ):
        words = [word.format(file=path, config=tmp_path / "config.toml") for word in WRITERS[command].split()]
        check(run(app, words), words)
        assert counts(system) == before, words
    assert Path(bad_files["a folder"]).is_dir()


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    within = click.Context(group)
    for name in group.list_commands(within):
        command = group.get_command(within, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


# They serve until they are told to stop, start whole systems, or are not ours.
LONG = {"demo", "worker", "scheduler", "sandbox", "run", "shell", "seed", "replay", "doctor", "limiter", "bench",
        "db", "sop simulate"}  # fmt: skip


def test_odd_words_in_every_place_of_every_command(app: Flask, system: System) -> None:
    tried, before = 0, counts(system)
    for path, command in commands(app.cli):
        if {path[0], " ".join(path)} & LONG:
            continue
        free = [one for one in command.params if isinstance(one.type, click.types.StringParamType)]
        for param in free:
            for odd in ODD_WORDS:
                words = [*path, *arguments(command, param, odd)]
                result = run(app, words, input="y\n" * 5)
                check(result, words)
                tried += 1
    assert tried > 10 * len(ODD_WORDS)
    after = counts(system)
    assert {name: after[name] for name in ("customer", "message", "follow")} == {
        name: before[name] for name in ("customer", "message", "follow")
    }


def arguments(command: click.Command, odd_one: click.Parameter, odd: str) -> list[str]:
    """Good words everywhere but in one place."""
    good = {"external_userid": WHO, "name": "birthday", "value": "1990-05-20", "sop_id": "hello", "role": "agent"}
    given: list[str] = ["--generate"] if any(one.name == "generate" for one in command.params) else []
    last: list[str] = []
    for param in command.params:
        word = odd if param is odd_one else good.get(param.name or "", "x")
        if isinstance(param, click.Option):
            if param is odd_one:
                given.append(f"{param.opts[-1]}={word}")
        elif param.required or param is odd_one:
            last.append(word)
    return [*given, "--", *last]
