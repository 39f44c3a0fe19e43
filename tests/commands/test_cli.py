"""The command line as a person meets it: what it says, and how it ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import create_engine

from bot.app import create_app
from bot.intake.pull import pull
from bot.ops.status import system_status
from bot.platform import clock
from bot.platform.database.schema import upgrade
from bot.platform.database.store import Store
from bot.platform.environment import ROOT
from bot.system import System, use_system
from tests.support.parts import CONFIG


@pytest.fixture
def app(system: System) -> Iterator[Flask]:
    app = create_app(system)
    use_system(system)
    yield app
    system.queue.connection.close()


def run(app: Flask, *words: str) -> Result:
    return app.test_cli_runner().invoke(args=list(words), env={"COLUMNS": "200"})


def test_check_names_every_problem_with_its_line(app: Flask, tmp_path: Path) -> None:
    good = run(app, "check", str(tmp_path / "config.toml"))
    assert good.exit_code == 0
    assert "没有问题" in good.output
    broken = tmp_path / "broken.toml"
    broken.write_text(CONFIG.replace('after = "1d"', 'after = "1x"').replace("any =", "anyy ="), encoding="utf-8")
    bad = run(app, "check", str(broken))
    assert bad.exit_code == 1
    lines = CONFIG.splitlines()
    for key in ('after = "1d"', "any ="):
        line = next(number for number, text in enumerate(lines, 1) if key in text)
        assert f"{line}:" in bad.output
    assert "any" in bad.output


@pytest.mark.parametrize("playbook", ["education", "maternity", "automotive", "b2b"])
def test_init_writes_a_config_that_passes_and_never_overwrites(app: Flask, tmp_path: Path, playbook: str) -> None:
    path = tmp_path / "fresh" / "config.toml"
    path.parent.mkdir()
    assert run(app, "init", "--playbook", playbook, "--output", str(path)).exit_code == 0
    assert run(app, "check", str(path)).exit_code == 0
    path.write_text("# 我改过的", encoding="utf-8")
    again = run(app, "init", "--playbook", playbook, "--output", str(path))
    assert again.exit_code == 1
    assert path.read_text(encoding="utf-8") == "# 我改过的"
    assert run(app, "init", "--playbook", playbook, "--output", str(path), "--force").exit_code == 0
    assert (path.parent / "config.toml.bak").read_text(encoding="utf-8") == "# 我改过的"


def test_worker_and_scheduler_refuse_a_database_of_another_release(app: Flask, store: Store) -> None:
    with store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = 'old'")
    for command in ("worker", "scheduler"):
        refused = run(app, command)
        assert refused.exit_code == 1
        assert "flask db upgrade" in refused.output


def test_db_upgrade_may_be_repeated(app: Flask) -> None:
    for _ in range(2):
        done = run(app, "db", "upgrade")
        assert done.exit_code == 0
        assert "版本" in done.output


def test_status_is_red_where_something_is_wrong_and_says_what_to_do(app: Flask, system: System) -> None:
    system.settings  # noqa: B018 - reads the config, as any process does first
    shown = run(app, "status")
    assert shown.exit_code == 1
    assert "flask scheduler" in shown.output
    (system.environment.config).write_text("workspace = 3", encoding="utf-8")
    system.keeper._looked = float("-inf")
    system.settings  # noqa: B018
    lines = [line for line in system_status(system, clock.now()) if line.what == "配置"]
    assert [line.level for line in lines] == ["bad"]
    assert "1 处错误" in run(app, "status").output


def test_quarantine_replay_says_what_it_freed(app: Flask, system: System) -> None:
    control = _control(system)
    control.rotate_key(withheld=True)
    control.archive([{"from": "wmTESTone", "to": "LinXiaoyu", "text": "你好"}])
    assert pull(system).quarantined == 1
    held = [line for line in system_status(system, clock.now()) if line.what == "隔离区"]
    assert [line.level for line in held] == ["bad"]
    assert "private_key_v2.pem" in held[0].advice
    assert "读出 0 条，仍有 1 条" in run(app, "quarantine", "replay").output
    control.publish_keys()
    assert "读出 1 条，仍有 0 条" in run(app, "quarantine", "replay").output
    assert not [line for line in system_status(system, clock.now()) if line.what == "隔离区"]


def test_board_link_opens_the_board(app: Flask) -> None:
    link = run(app, "board-link").output.strip()
    assert link.startswith("http://127.0.0.1:8000/")
    assert app.test_client().get(link).status_code in (200, 302)


def _control(system: System):  # type: ignore[no-untyped-def]
    from bot.sandbox.control import SandboxControl

    return SandboxControl(system.environment.needs_wecom().api_url.partition("/cgi-bin")[0])


def test_promises_and_questions_are_measured_from_a_file(app: Flask, tmp_path: Path) -> None:
    sentences = tmp_path / "promises.jsonl"
    told = [
        {"text": "明天上午十点把合同发您", "at": "2026-03-04T15:20:00+08:00", "by": "agent", "promise": True,
         "due": "2026-03-05T10:00:00+08:00"},
        {"text": "昨天发您了", "at": "2026-03-04T15:20:00+08:00", "by": "agent", "promise": True, "due": None},
        {"text": "我明天付款", "at": "2026-03-04T15:20:00+08:00", "by": "customer", "promise": False, "due": None},
    ]  # fmt: skip
    sentences.write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in told), "utf-8")
    outcome = json.loads(run(app, "promises", "eval", str(sentences), "--json").output)
    assert (outcome["precision"], outcome["recall"], outcome["due_right"]) == (1.0, 0.5, 1.0)
    assert [one["text"] for one in outcome["wrong"]] == ["昨天发您了"]
    assert outcome["customers"] == {"sentences": 1, "follow_ups": 1, "read_as": "no_promise"}
    asked = tmp_path / "questions.jsonl"
    asked.write_text(
        '{"text": "发票怎么开", "wants_answer": true}\n{"text": "好的", "wants_answer": true}\n', "utf-8"
    )
    outcome = json.loads(run(app, "questions", "eval", str(asked), "--json").output)
    assert (outcome["precision"], outcome["recall"], len(outcome["wrong"])) == (1.0, 0.5, 1)


def test_each_command_of_the_table_is_there_under_its_name(app: Flask) -> None:
    within = click.Context(app.cli)
    names = app.cli.list_commands(within)
    assert {"worker", "setup", "bench"} < set(names)
    for name in names:
        command = app.cli.get_command(within, name)
        assert command is not None
        assert command.name == name


def test_no_command_waits_for_another_to_be_read(tmp_path: Path) -> None:
    """In a process of its own, since here all modules may be loaded already."""
    look = """if True:
        import importlib, pkgutil, click, wsgi, bot.commands
        def names(group, before=""):
            for name in group.list_commands(None):
                command = group.get_command(None, name)
                yield before + name
                if isinstance(command, click.Group):
                    yield from names(command, f"{before}{name} ")
        found = set(names(wsgi.app.cli))
        for module in pkgutil.walk_packages(bot.commands.__path__, "bot.commands."):
            importlib.import_module(module.name)
        print(len(found), sorted(set(names(wsgi.app.cli)) - found))
    """
    surroundings = {"TICI_VAR": str(tmp_path), "TICI_DATABASE_URL": f"sqlite:///{tmp_path / 'tici.db'}"}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", look], cwd=ROOT, capture_output=True, text=True, check=True,
        env={**os.environ, **surroundings}, timeout=300,
    )  # fmt: skip
    count, late = done.stdout.split(maxsplit=1)
    assert int(count) > 90
    assert late.strip() == "[]"


@pytest.mark.parametrize(("command", "paged"), [("worker", False), ("routes", True)])
def test_a_worker_leaves_pages_and_other_commands_unread(tmp_path: Path, command: str, paged: bool) -> None:
    look = "import sys; sys.argv = ['flask', sys.argv[1]]; import wsgi; print(*sys.modules)"
    surroundings = {"TICI_VAR": str(tmp_path), "TICI_DATABASE_URL": f"sqlite:///{tmp_path / 'tici.db'}"}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", look, command], cwd=ROOT, capture_output=True, text=True, check=True,
        env={**os.environ, **surroundings, "FLASK_RUN_FROM_CLI": "true"}, timeout=300,
    )  # fmt: skip
    loaded = set(done.stdout.split())
    assert ("bot.web" in loaded) == paged
    assert not loaded & {"bot.commands.demo.command", "bot.commands.setup", "bot.commands.bench.command"}


def test_a_server_that_a_command_started_has_its_pages(tmp_path: Path) -> None:
    """`flask demo` and `flask setup` start gunicorn, which inherits what Flask's command line set."""
    surroundings = {"TICI_VAR": str(tmp_path), "TICI_DATABASE_URL": f"sqlite:///{tmp_path / 'tici.db'}"}
    upgrade(create_engine(surroundings["TICI_DATABASE_URL"]))
    look = "import gunicorn, wsgi; print(*(rule.rule for rule in wsgi.app.url_map.iter_rules()))"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", look], cwd=ROOT, capture_output=True, text=True, check=True,
        env={**os.environ, **surroundings, "FLASK_RUN_FROM_CLI": "true"}, timeout=300,
    )  # fmt: skip
    assert {"/healthz", "/board"} <= set(done.stdout.split())
