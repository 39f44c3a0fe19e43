"""`flask setup`: the guided installation, which asks one thing at a time and checks each answer at once."""

from __future__ import annotations

import os
from pathlib import Path

import click

from bot.commands.setup_dialog import Dialog, FileAnswers, StoppedError, TypedAnswers
from bot.commands.setup_pages import setup_pages
from bot.commands.setup_words import Words
from bot.commands.terminal import console, fail
from bot.ops.setup.answers import AnswerError
from bot.ops.setup.env_file import read_values
from bot.platform.environment import ROOT


@click.command(
    "setup", help="一步一步接入企业微信：一次问一样，当场核对，写好环境变量文件。可以中途离开，再运行接着来。"
)
@click.option(
    "--env", "env", type=click.Path(path_type=Path, dir_okay=False), help="环境变量文件，默认 /etc/tici.env"
)
@click.option(
    "--answers", "given", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="从文件里读答案"
)
@click.option("--language", type=click.Choice(["zh", "en"]), help="语言 / language")
@click.option("--again", is_flag=True, help="已经填过的也重新问")
def setup_command(env: Path | None, given: Path | None, language: str | None, again: bool) -> None:
    path = env or _usual_place()
    code = language or (
        "zh" if given else click.prompt("语言 / language", type=click.Choice(["zh", "en"]), default="zh")
    )
    say = Words(code)
    asker = FileAnswers(read_values(given), say) if given else TypedAnswers(say)
    try:
        with setup_pages() as pages:
            raise SystemExit(Dialog(path, asker, say, pages, again=again).hold())
    except (AnswerError, StoppedError) as error:
        fail(say(str(error)))
    except (KeyboardInterrupt, click.Abort):
        console.print(f"\n{say('已填的都存好了：{path}。再运行 flask setup 接着来。', path=path)}", highlight=False)
        raise SystemExit(130) from None


def _usual_place() -> Path:
    """Where the units look for it; beside the state for whoever may not write there."""
    usual = Path("/etc/tici.env")
    return usual if os.access(usual if usual.exists() else usual.parent, os.W_OK) else ROOT / "var" / "tici.env"
