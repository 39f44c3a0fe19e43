"""The guided installation against a WeCom of our own: from nothing to the first tagged message."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import Result
from sqlalchemy import select

from bot.app import create_app
from bot.commands.setup import setup_command
from bot.intake.pull import pull
from bot.ops.setup.env_file import read_values
from bot.platform.environment import read_environment
from bot.platform.models import Account, Tagging
from bot.platform.ports import free_port
from bot.platform.valkey import stop_valkey
from bot.system import System
from tests.support.parts import AGENT, Town

ASKED = ("WECOM_CORP_ID", "WECOM_APP_ID", "WECOM_APP_SECRET", "WECOM_ARCHIVE_SECRET")


def run(folder: Path, answers: str) -> Result:
    given = folder / "answers"
    given.write_text(answers, encoding="utf-8")
    words = ["setup", "--env", str(folder / "tici.env"), "--answers", str(given)]
    return create_app().test_cli_runner().invoke(args=words, env={"COLUMNS": "200"})


def test_from_nothing_to_the_first_tagged_message(
    sandbox: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped by one wrong answer and taken up again; every secret is checked against the API of the sandbox."""
    customer = str(sandbox.control.add_customer(AGENT, "王女士")["external_userid"])
    sandbox.control.say(customer, AGENT, "你们的课多少钱？")
    var = tmp_path / "var"
    for name, value in {**sandbox.variables, "TICI_VAR": str(var)}.items():
        if name not in ASKED:
            monkeypatch.setenv(name, value)
    base = f"TICI_BASE_URL=http://127.0.0.1:{free_port(0)}\nADMIN=boss\n"
    answers = base + "".join(f"{name}={sandbox.variables[name]}\n" for name in ASKED)
    wrong = run(tmp_path, answers.replace(sandbox.variables["WECOM_APP_ID"], "ww1234567890abcdef"))
    assert wrong.exit_code == 1
    assert "这是企业 ID" in wrong.output
    kept = read_values(tmp_path / "tici.env")
    assert kept["WECOM_CORP_ID"] == sandbox.variables["WECOM_CORP_ID"]
    assert "WECOM_APP_SECRET" not in kept
    done = run(tmp_path, answers)
    assert done.exit_code in (0, 2), done.output
    for good in ("✓ 应用 Secret", "✓ 存档回调往返", "✓ 会话存档 Secret", "✓ 读到并解开一条消息", "密码"):
        assert good in done.output, done.output
    assert (var / "units" / "tici-web.service").read_text("utf-8").count(str(tmp_path / "tici.env")) == 1
    assert (tmp_path / "tici.env").stat().st_mode & 0o777 == 0o600
    system = System(read_environment(read_values(tmp_path / "tici.env")))
    pull(system)
    with system.store.read() as session:
        assert session.scalar(select(Account.name)) == "boss"
        assert "考虑价格" in session.scalars(select(Tagging.tag)).all()
    system.store.close()
    stop_valkey(var)
    assert setup_command.help is not None


def test_a_wrong_secret_is_told_at_once(sandbox: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**sandbox.variables, "TICI_VAR": str(tmp_path / "var")}.items():
        if name not in ASKED:
            monkeypatch.setenv(name, value)
    values = {**sandbox.variables, "WECOM_APP_SECRET": "x" * 43}
    base = f"TICI_BASE_URL=http://127.0.0.1:{free_port(0)}\nADMIN=boss\n"
    told = run(tmp_path, base + "".join(f"{name}={values[name]}\n" for name in ASKED))
    assert "✗ 应用 Secret" in told.output
    assert "查看" in told.output
