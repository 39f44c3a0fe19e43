"""Settings: config.toml as frozen typed values, checked as a whole, every problem with its line and column."""

from __future__ import annotations

import hashlib
import re
import tomllib
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.platform.config import positions
from bot.platform.config import problems as mistakes
from bot.platform.config.materials import all_attachments, check_materials
from bot.platform.config.privacy_tables import Media, Privacy
from bot.platform.config.quotes import QUOTES_WITHIN, quotes_within
from bot.platform.config.reading import MOST_BYTES, ConfigFileError, read_plain_file
from bot.platform.config.rule_fields import check_rule_fields
from bot.platform.config.segment_table import Segment, check_segments
from bot.platform.config.tag_names import undeclared_tags
from bot.wecom.errors import BotError
from sop.answers import AnswerEntry, Suggestions, check_answers
from sop.checks import check_playbook
from sop.fields import known_fields
from sop.group_sends import check_group_sends, personal_steps
from sop.playbook import Alarms, Budget, Completion, FieldDefinition, Overdue, Pipeline, Sop, Sync, Welcome, Workspace
from sop.promises import Promises
from sop.reply_clock import Waiting, check_waiting
from sop.wording import check_wording
from sop.workcalendar import Workcalendar
from taggers.closing import Closing, Closings, check_closings
from taggers.ledger import Award, Ledger, Terms
from taggers.likeness import Terms as LikenessTerms
from taggers.models.terms import Models, check_models
from taggers.rule import Rule, Synonym, TagGroup, TextTable
from taggers.rulebook import RuleBook, RuleBookError, compile_rulebook
from taggers.scores import Scores, awards_of, check_scores
from taggers.translatable import Translatable, sentence

if TYPE_CHECKING:  # numpy: a tenth of a second that nothing but suggestions need wait for
    from taggers.answer_book import AnswerBook, WordingSearch

_MOST_DOTS = 50
_KEY_PART = r"""(?:[A-Za-z0-9_-]++|"[^"\n]*+"|'[^'\n]*+')"""
_MANY_DOTS = re.compile(rf"""(?<![\w\-"'.])(?:{_KEY_PART}[ \t]*+\.[ \t]*+){{{_MOST_DOTS + 1}}}""")
_LOOK_AHEAD = timedelta(days=60)  # warn of missing holidays of the coming year while there is time to add them


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


class Tables(BaseModel):
    """The whole of config.toml; every table is optional, an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    workspace: Workspace = Workspace()
    text: TextTable = TextTable()
    synonyms: tuple[Synonym, ...] = ()
    tags: tuple[TagGroup, ...] = ()
    rules: tuple[Rule, ...] = ()
    pipelines: tuple[Pipeline, ...] = ()
    sops: tuple[Sop, ...] = ()
    welcome: Welcome | None = None
    completion: Completion = Completion()
    sync: Sync = Sync()
    budget: Budget = Budget()
    overdue: Overdue = Overdue()
    promises: Promises = Promises()
    alarms: Alarms = Alarms()
    fields: tuple[FieldDefinition, ...] = ()
    media: Media = Media()
    privacy: Privacy = Privacy()
    waiting: tuple[Waiting, ...] = Field(default=(), max_length=100)
    closings: tuple[Closing, ...] = Field(default=(), max_length=50)
    scores: tuple[Scores, ...] = Field(default=(), max_length=10)
    models: Models = Models()
    segments: tuple[Segment, ...] = Field(default=(), max_length=200)
    suggestions: Suggestions = Suggestions()
    answers: tuple[AnswerEntry, ...] = Field(default=(), max_length=2_000)


@dataclass(frozen=True)
class Settings:
    """One config version in force: the tables, the compiled rule book and the text they came from."""

    version: str
    source: str
    tables: Tables
    book: RuleBook
    warnings: tuple[str, ...] = ()

    @property
    def workspace(self) -> Workspace:
        return self.tables.workspace

    @property
    def pipelines(self) -> tuple[Pipeline, ...]:
        return self.tables.pipelines

    @cached_property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.tables.workspace.timezone)

    @cached_property
    def calendar(self) -> Workcalendar:
        return Workcalendar(self.tables.workspace)

    @cached_property
    def closings(self) -> Closings:
        """The words that end a talk."""
        return Closings(self.tables.closings)

    @cached_property
    def score_terms(self) -> dict[Ledger, Terms]:
        """How each ledger counts that config.toml says something of."""
        return {table.ledger: table.terms for table in self.tables.scores}

    @cached_property
    def awards(self) -> tuple[Award, ...]:
        return awards_of(self.tables.scores)

    @cached_property
    def fields(self) -> dict[str, FieldDefinition]:
        """The customers' fields by name, the built-in ones included."""
        return known_fields(self.tables.fields)

    @cached_property
    def segments(self) -> dict[str, Segment]:
        return {segment.name: segment for segment in self.tables.segments}

    @cached_property
    def answers(self) -> dict[str, AnswerEntry]:
        """The knowledge base by id."""
        return {entry.id: entry for entry in self.tables.answers}

    @cached_property
    def likeness(self) -> LikenessTerms:
        """How texts are read where likeness counts: with this company's words and synonyms."""
        return LikenessTerms(self.tables.text.words, self.tables.synonyms)

    @cached_property
    def answer_book(self) -> AnswerBook:
        """The knowledge base by its questions."""
        from taggers.answer_book import AnswerBook

        return AnswerBook({entry.id: entry.ask for entry in self.tables.answers}, self.likeness)

    @cached_property
    def answer_search(self) -> WordingSearch:
        """The knowledge base by any of its words."""
        from taggers.answer_book import WordingSearch

        texts = {entry.id: (*entry.ask, entry.category, entry.say) for entry in self.tables.answers}
        return WordingSearch(texts, self.likeness)

    @cached_property
    def sops(self) -> dict[str, Sop]:
        return {sop.id: sop for sop in self.tables.sops}

    @cached_property
    def known_tags(self) -> frozenset[str]:
        """Every tag name the file mentions: declared, given by a rule or a step, or named as a stage."""
        declared = {name for group in self.tables.tags for name in group.names}
        by_rules = {rule.tag for rule in self.tables.rules if rule.tag}
        steps = [step for sop in self.tables.sops for step in sop.steps]
        by_steps = {tag for step in steps for tag in (step.on_reply, step.on_silence) if tag}
        stages = {stage.name for pipeline in self.tables.pipelines for stage in pipeline.stages}
        return frozenset(declared | by_rules | by_steps | stages)


def load_settings(path: Path, *, examples: bool = True, today: date | None = None) -> Settings:
    """Read and check a config file; raises ConfigError with every problem in it. `today`: for the warnings."""
    name = path.name
    try:
        raw = read_plain_file(path)
    except (FileNotFoundError, ConfigFileError) as error:
        reason = sentence(str(error)) if isinstance(error, ConfigFileError) else Translatable("文件不存在")
        message = Translatable("{reason}；可用 flask init --playbook education 生成一份", reason=reason)
        raise ConfigError.at(name, message) from None
    try:
        source = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        unlike = "不是 UTF-8 编码；请在编辑器里另存为 UTF-8"
        raise ConfigError.at(name, unlike, line) from None
    return parse_settings(source, name, examples=examples, today=today, beside=path.parent)


def text_version(path: Path) -> str:
    """The version that the file would have, unchecked; empty where it cannot be read."""
    try:
        return _hash(read_plain_file(path).decode("utf-8-sig").replace("\r\n", "\n"))
    except (FileNotFoundError, ConfigFileError, UnicodeDecodeError):
        return ""


def _hash(source: str) -> str:
    return hashlib.sha256(source.encode()).hexdigest()[:12]


def parse_settings(
    source: str,
    name: str = "config.toml",
    *,
    examples: bool = True,
    today: date | None = None,
    beside: Path | None = None,
) -> Settings:
    """Turn a config text into Settings; raises ConfigError with every problem in it.

    today: the local day; with it, Settings.warnings say whether holidays are known for it and two months on.
    beside: the folder of the file; with it, the materials that attachments name are looked for.
    """
    source = source.replace("\r\n", "\n")
    tables = _validate(_parse_toml(source, name), source, name)
    version = _hash(source)
    found: list[tuple[positions.Path, str]] = []
    book: RuleBook | None = None
    try:
        book = compile_rulebook(
            tables.rules,
            synonyms=tables.synonyms,
            words=tables.text.words,
            tag_groups=tables.tags,
            version=version,
            examples=examples,
        )
    except RuleBookError as error:
        found += [(problem.where, problem.message) for problem in error.errors]
    known = _tags_of(tables)
    found += [(p.where, p.message) for p in check_playbook(
        tables.pipelines, tables.sops, known, tables.welcome, tables.workspace, tables.fields)]  # fmt: skip
    found += _check_replies(tables)
    found += check_rule_fields(tables.rules, known_fields(tables.fields))
    found += check_group_sends(tables.sops)
    found += check_waiting(tables.waiting, tables.pipelines)
    found += check_scores(tables.scores, known | _other_tags(tables), known_fields(tables.fields))
    found += check_segments(tables.segments)
    found += check_models(
        tables.models, known | _other_tags(tables), {g.group for g in tables.tags}, {s.id for s in tables.sops}
    )
    found += check_closings(tables.closings) if examples else ()
    blanks = [f"customer.{name}" for name in known_fields(tables.fields)]
    given = known | _other_tags(tables) | {stage.name for pipeline in tables.pipelines for stage in pipeline.stages}
    found += [(p.where, p.message) for p in check_answers(tables.answers, given, tables.pipelines, blanks)]
    if beside is not None:
        attachments = all_attachments(tables.sops, tables.welcome, tables.answers)
        found += check_materials(beside / tables.workspace.materials, attachments)
    if found or book is None:
        raise ConfigError(_located(found, source, name))
    return Settings(version=version, source=source, tables=tables, book=book, warnings=_warnings(tables, today))


def _check_replies(tables: Tables) -> list[tuple[positions.Path, str]]:
    blanks = [f"customer.{name}" for name in known_fields(tables.fields)]
    return [
        (("rules", i, "reply"), message)
        for i, rule in enumerate(tables.rules)
        for message in check_wording(rule.reply or "", blanks)
    ]


def _warnings(tables: Tables, today: date | None) -> tuple[str, ...]:
    calendar = Workcalendar(tables.workspace)
    for day in () if today is None else (today, today + _LOOK_AHEAD):
        calendar.is_workday(day)
    undeclared = undeclared_tags(tables.rules, tables.tags, tables.pipelines)
    return (*calendar.warnings, *personal_steps(tables.sops), *undeclared)


def _tags_of(tables: Tables) -> frozenset[str]:
    rules = {rule.tag for rule in tables.rules if rule.tag}
    return frozenset(rules | {name for group in tables.tags for name in group.names})


def _other_tags(tables: Tables) -> set[str]:
    """Tags that no rule gives: those of steps."""
    steps = [step for sop in tables.sops for step in sop.steps]
    return {tag for step in steps for tag in (step.on_reply, step.on_silence) if tag}


def _parse_toml(source: str, name: str) -> dict[str, Any]:
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


def _validate(values: dict[str, Any], source: str, name: str) -> Tables:
    try:
        return Tables.model_validate(values)
    except ValidationError as error:
        found = [
            (mistakes.path(detail), mistakes.in_words(detail, Tables)) for detail in mistakes.own(error.errors())
        ]
        raise ConfigError(_located(found, source, name)) from None


def _located(found: list[tuple[positions.Path, str]], source: str, name: str) -> list[ConfigProblem]:
    known = positions.find_positions(source)
    problems = []
    for path, message in dict.fromkeys(found):
        line, column = positions.nearest(known, path)
        problems.append(ConfigProblem(name, line, column, _dotted(path), message))
    return problems


def _dotted(path: positions.Path) -> str:
    """("rules", 3, "any", 0) as people count: rules[4].any[1]."""
    return "".join(f"[{key + 1}]" if isinstance(key, int) else f".{key}" for key in path).lstrip(".")
