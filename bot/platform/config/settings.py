"""Settings: config.toml as frozen typed values, checked as a whole, every problem with its line and column."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from bot.platform.config.cross_checks import Found, check_tables, warnings_of
from bot.platform.config.parsing import ConfigError, located, parse_toml, validate
from bot.platform.config.reading import ConfigFileError, read_plain_file
from bot.platform.config.segment_table import Segment
from bot.platform.config.tables import Tables
from bot.platform.config.wordings import Wording, company_wordings
from sop.answers import AnswerEntry
from sop.completion import bare
from sop.enrolment import by_priority
from sop.fields import known_fields
from sop.pipeline import Pipeline
from sop.playbook import Sop
from sop.triggers import Starts
from sop.workcalendar import Workcalendar
from sop.workspace import FieldDefinition, Workspace
from taggers.closing import Closings
from taggers.ledger import Award, Ledger, Terms
from taggers.likeness import Terms as LikenessTerms
from taggers.rulebook import RuleBook, RuleBookError, compile_rulebook
from taggers.scores import awards_of
from taggers.translatable import Translatable, sentence

if TYPE_CHECKING:  # numpy: a tenth of a second that nothing but suggestions need wait for
    from taggers.answer_book import AnswerBook, WordingSearch

_TELLING = 8  # characters: shorter words are said without anybody's having looked them up


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
    def wordings(self) -> dict[str, Wording]:
        """All that there is to be said to customers, by key."""
        return company_wordings(self.tables)

    @cached_property
    def wording_search(self) -> WordingSearch:
        """All of these by any of their words."""
        from taggers.answer_book import WordingSearch

        texts = {key: (*one.asks, one.category, *one.meant_for, *one.texts) for key, one in self.wordings.items()}
        return WordingSearch(texts, self.likeness)

    @cached_property
    def answers_by_words(self) -> dict[str, AnswerEntry]:
        """The knowledge base by its words as they are sent, where they have no placeholders."""
        plain = [entry for entry in self.tables.answers if "{" not in entry.say]
        return {bare(entry.say): entry for entry in reversed(plain) if len(bare(entry.say)) >= _TELLING}

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

        texts = {
            entry.id: (*entry.ask, entry.category, *entry.tags, *entry.stages, *entry.products, entry.say)
            for entry in self.tables.answers
        }
        return WordingSearch(texts, self.likeness)

    @cached_property
    def answer_topics(self) -> tuple[str, ...]:
        """What the knowledge base may be narrowed to: categories, then the stages, tags and products it is for."""
        kept = [entry for entry in self.tables.answers if not entry.retired]
        names = (
            *(one.category for one in kept),
            *(n for one in kept for n in (*one.stages, *one.tags, *one.products)),
        )
        return tuple(dict.fromkeys(filter(None, names)))

    @cached_property
    def sops(self) -> dict[str, Sop]:
        return {sop.id: sop for sop in self.tables.sops}

    @cached_property
    def starts(self) -> Starts:
        """The SOPs by what starts them, those that come first first."""
        return Starts(by_priority(self.tables.sops))

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
    tables = validate(parse_toml(source, name), source, name)
    version = _hash(source)
    found: Found = []
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
    found += check_tables(tables, examples=examples, beside=beside)
    if found or book is None:
        raise ConfigError(located(found, source, name))
    return Settings(version=version, source=source, tables=tables, book=book, warnings=warnings_of(tables, today))
