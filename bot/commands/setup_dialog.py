"""Dialog of the guided installation: goes through the questions, keeps every answer at once, shows what was found."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import click
from rich.markup import escape

from bot.commands.setup_end import finish
from bot.commands.setup_pages import SetupPages
from bot.commands.setup_words import Words
from bot.commands.terminal import console
from bot.ops.doctor.examination import run_checks
from bot.ops.doctor.finding import BAD, OK, SKIPPED, WARN
from bot.ops.setup.answers import AnswerError, cleaned, plays_wecom
from bot.ops.setup.env_file import read_values, write_value
from bot.ops.setup.questions import PARTS, Part, Question
from bot.platform import clock
from bot.platform.environment import SurroundingsError, read_environment
from bot.system import System
from bot.wecom.errors import BotError
from bot.wecom.keyring import KeyRing, new_key

SIGNS = {OK: "[green]✓[/]", WARN: "[yellow]![/]", BAD: "[red]✗[/]", SKIPPED: "[dim]·[/]"}
_NOT_TAKEN_OVER = ("TICI_CLOCK_FILE", "TICI_DEMO")
NOT_ON_SANDBOX = ("WECOM_FINANCE_SDK", "proof_file")


class StoppedError(BotError):
    """A scripted installation that met what only a person can mend; the text says what."""


class Asker(Protocol):
    """Where answers come from."""

    def ask(self, question: Question, kept: str) -> str:
        """The answer to a question; `kept` is what was answered before ("" for nothing)."""

    def refused(self, sentence: str) -> None:
        """The answer just given is wrong. Returns if it may be asked again."""

    def again(self) -> bool:
        """Whether to look once more at what was found wrong; False passes over it."""

    def wait(self) -> None:
        """Until the person has done in the console what was asked."""


def hidden(question: Question, kept: str) -> str:
    """What was answered before, as it may be shown: a secret by its beginning."""
    return f"{kept[:4]}…" if "SECRET" in question.name and kept else kept


@dataclass(frozen=True)
class TypedAnswers:
    """Answers that a person types."""

    say: Words

    def ask(self, question: Question, kept: str) -> str:
        shown = hidden(question, kept)
        return str(click.prompt("  >", default=shown, prompt_suffix=" ", show_default=bool(shown)))

    def refused(self, sentence: str) -> None:
        console.print(f"  [red]✗[/] {escape(sentence)}", highlight=False)

    def again(self) -> bool:
        told = self.say("改好后按回车再查；先不管它，输入 s")
        return str(click.prompt(f"  {told}", default="", show_default=False)).strip().lower() != "s"

    def wait(self) -> None:
        click.prompt(f"  {self.say('做好后按回车')}", default="", show_default=False)


@dataclass(frozen=True)
class FileAnswers:
    """Answers of a file, for scripts: a wrong one ends the installation, what is amiss is shown."""

    values: Mapping[str, str]
    say: Words

    def ask(self, question: Question, kept: str) -> str:
        return self.values.get(question.name.upper(), kept)

    def refused(self, sentence: str) -> None:
        raise StoppedError(sentence)

    def again(self) -> bool:
        return False

    def wait(self) -> None:
        """Nobody is there."""


@dataclass
class Dialog:
    """One run of the installation on one file of the environment."""

    path: Path
    asker: Asker
    say: Words
    pages: SetupPages
    again: bool = False
    values: dict[str, str] = field(default_factory=dict)

    def hold(self) -> int:
        """Ask what is not answered yet, then finish; the exit code is the doctor's."""
        self.values = read_values(self.path)
        for name, value in sorted(os.environ.items()):  # such as a sandbox prints
            if name.startswith(("TICI_", "WECOM_")) and name not in self.values and name not in _NOT_TAKEN_OVER:
                self.keep(name, value)
        for number, part in enumerate(PARTS, start=1):
            console.print(f"\n[bold]{number}/{len(PARTS) + 1}  {self.say(part.title)}[/]", highlight=False)
            self._hold_part(part)
        console.print(f"\n[bold]{len(PARTS) + 1}/{len(PARTS) + 1}  {self.say('管理员与启动')}[/]", highlight=False)
        return finish(self)

    def _hold_part(self, part: Part) -> None:
        for question in part.questions:
            if question.name in NOT_ON_SANDBOX and plays_wecom(self.values):
                continue
            if not self._settle(question) and question.gate:
                return
        if part.live:
            self.pages.show(self.values)
        if part.then:
            console.print(f"  → {escape(self.say(part.then, base=self.values['TICI_BASE_URL']))}", highlight=False)
            self.asker.wait()
        self._look(part.live)

    def _settle(self, question: Question) -> bool:
        """Have one question answered and checked; False where it was passed over."""
        if question.name == "key_version":
            return self._keep_key(question)
        kept = self.values.get(question.name, "")
        if question.make is not None:
            kept = kept or question.make()
            self.keep(question.name, kept)
            console.print(f"  {self.say(question.title)}：[bold]{kept}[/]", highlight=False)
            return True
        if kept and not self.again:
            console.print(f"  [green]✓[/] {self.say(question.title)}：{self.say('已填')}", highlight=False)
            return True
        while True:
            answer = self._answer(question, kept)
            if answer is None:
                return False
            self.use(question, answer)
            kept = answer if question.name.isupper() else ""
            if self._look(question.live, question.name) or not self.asker.again():
                return True

    def _answer(self, question: Question, kept: str) -> str | None:
        """An answer that can be right, or None for none."""
        console.print(f"  [bold]{self.say(question.title)}[/]  [dim]{self.say(question.where)}[/]", highlight=False)
        while True:
            given = self.asker.ask(question, kept).strip()
            if not given and question.optional:
                return None
            try:
                assert question.check is not None
                unchanged = kept and given == hidden(question, kept)
                return kept if unchanged else question.check(cleaned(given), self.values)
            except AnswerError as error:
                told = self.say(str(error))
                self.asker.refused(f"{self.say(question.title)}：{told}")

    def answer(self, question: Question, kept: str) -> str:
        """The answer to a question that no variable keeps."""
        return self._answer(question, kept) or kept

    def use(self, question: Question, answer: str) -> None:
        """Keep an answer: in the file of the environment, or where it belongs."""
        if question.name == "proof_file":
            folder = read_environment(self.values).verify_files
            folder.mkdir(parents=True, exist_ok=True)
            try:
                shutil.copy(answer, folder)
            except OSError:
                self.asker.refused(self.say("打不开 {path}：核对路径", path=answer))
        else:
            self.keep(question.name, answer)

    def keep(self, name: str, value: str) -> None:
        self.values[name] = value
        write_value(self.path, name, value)

    def _keep_key(self, question: Question) -> bool:
        """Make the archive's key pair once, show the public key, and name the private one as the console does."""
        folder = read_environment(self.values).needs_wecom().private_keys
        if KeyRing.load(folder).versions:
            console.print(f"  [green]✓[/] {self.say('消息私钥')}：{folder}", highlight=False)
            return True
        version, public = new_key(folder)
        console.print(public, highlight=False)
        answer = self._answer(question, str(version)) or str(version)
        if int(answer) != version:
            (folder / f"private_key_v{version}.pem").rename(folder / f"private_key_v{answer}.pem")
        return True

    def _look(self, names: Sequence[str], asked: str = "") -> bool:
        """Show what doctor checks find, again until all is well or passed over; `asked`: once, it is asked anew."""
        while names:
            if self.found(names):
                return True
            if asked:
                return False
            if not self.asker.again():
                return False
            self.pages.show(self.values)
        return True

    def found(self, names: Sequence[str]) -> bool:
        """Make these checks and show them; whether none is bad."""
        try:
            results = list(run_checks(System(read_environment(self.values)), clock.now(), names))
        except SurroundingsError as error:
            console.print(f"  {SIGNS[BAD]} {escape(str(error))}", highlight=False)
            return False
        for check, finding in results:
            told = (
                self.say("先解决 {name}", name=finding.waits_for)
                if finding.level == SKIPPED
                else self.say(finding.found)
            )
            console.print(f"  {SIGNS[finding.level]} {self.say(check.title)}  {escape(told)}", highlight=False)
            if finding.mend:
                console.print(f"    {escape(self.say(finding.mend))}", highlight=False)
        return not any(finding.level == BAD for _check, finding in results)
