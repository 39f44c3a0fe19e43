"""Rows of the wording library: each wording with what the archive says became of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import reduce
from operator import add

from bot.agents.wording_edits import WordingEdits, edits_of
from bot.analytics.wording_uses import offers_by_wording, steps_by_wording
from bot.platform.config.settings import Settings
from bot.platform.config.wordings import Wording
from bot.platform.work import Work
from sop.wording_use import NONE, WordingUse

STATES = {"": "在用的", "off": "停用或过期的", "all": "全部"}
MOST = 200


@dataclass(frozen=True)
class LibraryFilter:
    """What is looked for: words, a kind, a category, a state (a key of STATES), and for whom it is meant."""

    words: str = ""
    kind: str = ""
    category: str = ""
    state: str = ""
    whom: str = ""

    def holds(self, wording: Wording, today: date) -> bool:
        """Whether a wording is among what is looked for, its words aside."""
        return (
            (not self.kind or wording.kind == self.kind)
            and (not self.category or wording.category == self.category)
            and (not self.whom or self.whom in wording.meant_for)
            and (self.state == "all" or wording.in_force(today) == (self.state == ""))
        )


@dataclass(frozen=True)
class WordingRow:
    """A wording and the sum of its uses, whatever its words were."""

    wording: Wording
    use: WordingUse
    in_force: bool


@dataclass(frozen=True)
class WordingVersion:
    """One text of a wording. now: it is said like that; edits: how agents put it (None: not for this visitor)."""

    text: str
    use: WordingUse
    now: bool
    edits: WordingEdits | None = None


def library_rows(work: Work, wanted: LibraryFilter) -> list[WordingRow]:
    """The wordings looked for: for words the best first, else those that are sent most."""
    settings, today = work.settings, work.settings.calendar.local(work.now).date()
    uses = {key: _sum(by.values()) for key, by in _by_wording(work).items()}
    keys = settings.wording_search.find(wanted.words)
    found = [settings.wordings[key] for key in keys if wanted.holds(settings.wordings[key], today)]
    rows = [WordingRow(one, uses.get(one.key, NONE), one.in_force(today)) for one in found]
    return rows if wanted.words.strip() else sorted(rows, key=lambda row: -row.use.sent)


def versions_of(work: Work, wording: Wording, *, edits: bool) -> list[WordingVersion]:
    """The texts of a wording, those in the file first; edits: with how agents put those."""
    by = _by_wording(work).get(wording.key, {})
    now = [
        WordingVersion(text, by.get(text, NONE), True, _edits(work, wording, text) if edits else None)
        for text in wording.texts
    ]
    before = sorted((text for text in by if text not in wording.texts and text), key=lambda text: -by[text].sent)
    return [*now, *(WordingVersion(text, by[text], False) for text in before)]


def _edits(work: Work, wording: Wording, text: str) -> WordingEdits:
    return edits_of(work.session, work.settings, wording, text, work.now)


def choices(settings: Settings) -> tuple[list[str], list[str]]:
    """The categories, and the tags, stages and products for which something is meant."""
    every = settings.wordings.values()
    categories = dict.fromkeys(one.category for one in every if one.category)
    return list(categories), list(dict.fromkeys(name for one in every for name in one.meant_for))


def _by_wording(work: Work) -> Mapping[str, Mapping[str, WordingUse]]:
    return offers_by_wording(work.session, work.now) | steps_by_wording(work.session, work.now)


def _sum(uses: Iterable[WordingUse]) -> WordingUse:
    return reduce(add, uses, NONE)
