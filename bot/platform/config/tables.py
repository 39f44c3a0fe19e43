"""Tables: the whole of config.toml by its keys, typed and frozen; every table is optional."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from bot.platform.config.privacy_tables import Media, Privacy
from bot.platform.config.segment_table import Segment
from sop.answers import AnswerEntry, Suggestions
from sop.drafts import Drafts
from sop.handover import Handover
from sop.pipeline import Pipeline
from sop.playbook import Sop
from sop.promises import Promises
from sop.reply_clock import Waiting
from sop.workspace import Alarms, Budget, Completion, FieldDefinition, Overdue, Sync, Welcome, Workspace
from taggers.closing import Closing
from taggers.conduct import Conduct
from taggers.models.terms import Models
from taggers.rule import Rule, Synonym, TagGroup, TextTable
from taggers.scores import Scores


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
    handover: Handover = Handover()
    conduct: Conduct = Conduct()
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
    drafts: Drafts = Drafts()
    answers: tuple[AnswerEntry, ...] = Field(default=(), max_length=2_000)
