"""Parsing: the text of config.toml to its tables; what is wrong is told with line, column and how to mend it."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from bot.platform.config import positions
from bot.platform.config import problems as mistakes
from bot.platform.config.quotes import QUOTES_WITHIN, quotes_within
from bot.platform.config.reading import MOST_BYTES
from bot.platform.config.tables import Tables
from bot.wecom.errors import BotError
from taggers.translatable import Translatable, sentence

_MOST_DOTS = 50
_KEY_PART = r"""(?:[A-Za-z0-9_-]++|"[^"\n]*+"|'[^'\n]*+')"""
_MANY_DOTS = re.compile(rf"""(?<![\w\-"'.])(?:{_KEY_PART}[ \t]*+\.[ \t]*+){{{_MOST_DOTS + 1}}}""")


@dataclass(frozen=True)
class ConfigProblem:
    """One thing wrong with a config file: its place and how to mend it."""

    file: str
    line: int
    column: int
    where: str
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" + (f": {self.where}" if self.where else "")
        return Translatable("{place}: {message}", place=place, message=sentence(self.message))


class ConfigError(BotError):
    """A config file that cannot be used; `problems` holds everything that is wrong with it, in file order."""

    def __init__(self, problems: list[ConfigProblem]) -> None:
        self.problems = sorted(problems, key=lambda p: (p.line, p.column, p.message))
        super().__init__("\n".join(map(str, self.problems)))

    @classmethod
    def at(cls, name: str, message: str, line: int = 1, column: int = 1) -> ConfigError:
        """A single problem, at a place of the file."""
        return cls([ConfigProblem(name, line, column, "", message)])

    @classmethod
    def too_large(cls, name: str) -> ConfigError:
        return cls.at(name, Translatable("文件超过 {n} MB", n=MOST_BYTES // 1024 // 1024))


def parse_toml(source: str, name: str) -> dict[str, Any]:
    """The TOML of a config file; raises ConfigError with the line and, where it can be told, how to mend it."""
    dots = _MANY_DOTS.search(source)
    if dots is not None:  # tomllib would take minutes for a key of very many parts
        line = source.count("\n", 0, dots.start()) + 1
        raise ConfigError.at(name, Translatable("TOML 写法有误：一个键名里最多 {n} 个点", n=_MOST_DOTS), line)
    try:
        return tomllib.loads(source)
    except RecursionError:
        raise ConfigError.at(name, "TOML 写法有误：括号套得太深") from None
    except tomllib.TOMLDecodeError as error:
        at = re.search(r"\(at line (\d+), column (\d+)\)", str(error))
        line, column = (int(at[1]), int(at[2])) if at else (source.count("\n") + 1, 1)
        text = mistakes.syntax(re.sub(r"\s*\(at [^)]*\)", "", str(error)))
        row = (source.splitlines() or [""])[min(line, source.count("\n") + 1) - 1 : line]
        if row and quotes_within(row[0]):
            message = Translatable("TOML 写法有误：{text}{hint}", text=Translatable(QUOTES_WITHIN), hint="")
            raise ConfigError.at(name, message, line, column) from None
        hint = (
            Translatable('；这一行有中文引号或标点，请改成英文的 " = ,')
            if row and re.search("[“”‘’＝，：【】]", row[0])
            else ""
        )
        message = Translatable("TOML 写法有误：{text}{hint}", text=text, hint=hint)
        raise ConfigError.at(name, message, line, column) from None
    except ValueError:  # raised by int() for numbers of thousands of digits
        raise ConfigError.at(name, "TOML 写法有误：有一个数字太长") from None


def validate(values: dict[str, Any], source: str, name: str) -> Tables:
    """The tables of a config file, each by itself; raises ConfigError with every problem in them."""
    try:
        return Tables.model_validate(values)
    except ValidationError as error:
        found = [
            (mistakes.path(detail), mistakes.in_words(detail, Tables)) for detail in mistakes.own(error.errors())
        ]
        raise ConfigError(located(found, source, name)) from None


def located(found: list[tuple[positions.Path, str]], source: str, name: str) -> list[ConfigProblem]:
    """Problems at places of the tables, with their lines and columns of the text."""
    known = positions.find_positions(source)
    problems = []
    for path, message in dict.fromkeys(found):
        line, column = positions.nearest(known, path)
        problems.append(ConfigProblem(name, line, column, _dotted(path), message))
    return problems


def _dotted(path: positions.Path) -> str:
    """("rules", 3, "any", 0) as people count: rules[4].any[1]."""
    return "".join(f"[{key + 1}]" if isinstance(key, int) else f".{key}" for key in path).lstrip(".")
