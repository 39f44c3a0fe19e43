"""Saving a draft of the config from a page: refused with reasons, held back for a second look, or in force."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from bot.analytics.draft_preview import DraftComparison, compare_books, last_messages
from bot.customers.phone_plan import PhonePlan, plan_phones
from bot.platform import clock
from bot.platform.config.file import (
    ConfigEdit,
    ConfigNotWrittenError,
    StaleConfigError,
    check_text,
    read_config_text,
    save_config,
    why_not_writable,
)
from bot.platform.config.parsing import ConfigError, ConfigProblem
from bot.platform.config.settings import Settings
from bot.platform.config.versions import DiffLine, compare, newest_change
from bot.platform.database.reading_log import viewed
from bot.platform.models import ConfigChange
from bot.system import System
from bot.web.auth.visitor import visitor
from sop.workspace import Workspace
from taggers.translatable import Translatable


@dataclass(frozen=True)
class Attempt:
    """What came of trying to save. `stamp` is the one to try again with; all else is empty where it is in force.

    problems: why the draft is refused. diff, change: what saving would now change, where another was faster.
    comparison: what a large change does to the last messages, phones: what groups that are to be kept on the phones
    write there; either to be confirmed by sending `sure` back.
    """

    stamp: str
    saved: Settings | None = None
    problems: Sequence[ConfigProblem] = ()
    reason: str = ""
    diff: Sequence[DiffLine] = ()
    change: ConfigChange | None = None
    comparison: DraftComparison | None = None
    phones: PhonePlan | None = None
    sure: str = ""
    status: int = 200


@dataclass(frozen=True)
class Draft:
    """A whole config text, based on the file with this stamp. what: for the ledger; sure: the warning was read.

    whole: the admin saw the whole text, so saving it confirms a file that looked cut. also: what comes about in the
    same transaction.
    """

    text: str
    stamp: str
    what: str
    sure: str = ""
    whole: bool = False
    also: Callable[[Session, Settings], None] | None = None
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "digest", hashlib.sha256(self.text.encode()).hexdigest()[:16])


def sure_of(text: str) -> str:
    """The word by which a draft is known to be meant, whatever it changes: its effect was measured otherwise."""
    return Draft(text, "", "").digest


def try_to_save(system: System, draft: Draft) -> Attempt:
    """Check the draft, compare it with what is in force, and save it; nothing is lost whatever comes of it."""
    now = clock.now()
    try:
        fresh = check_text(system.environment.config, draft.text, now)
        _check_folder(system, fresh)
        if system.keeper.doubted and not draft.whole:  # a small edit must not bring a cut file into force by the way
            return Attempt(draft.stamp, problems=system.keeper.problems, status=422)
        comparison = None if draft.sure == draft.digest else compare_with_force(system, fresh)
        large = comparison if comparison is not None and comparison.large else None
        phones = None if draft.sure == draft.digest else phones_of(system, fresh)
        if large or phones:
            return Attempt(draft.stamp, comparison=large, phones=phones, sure=draft.digest, status=409)
        edit = ConfigEdit(draft.text, draft.stamp, visitor().actor, draft.what, draft.also)
        saved = save_config(system.keeper, edit, now)
    except ConfigError as error:
        return Attempt(draft.stamp, problems=error.problems, status=422)
    except ConfigNotWrittenError as refused:
        return Attempt(draft.stamp, reason=str(refused), status=409)
    except StaleConfigError as stale:
        with system.store.read() as session:
            change = newest_change(session)
        diff = compare(stale.current.text, draft.text)
        return Attempt(stale.current.stamp, diff=diff, change=change, sure=draft.sure, status=409)
    return Attempt(draft.stamp, saved=saved)


def _check_folder(system: System, fresh: Settings) -> None:
    """Refuse another materials folder: pages serve its files, and the server's disk holds keys as well."""
    try:
        folder = system.settings.workspace.materials
    except ConfigError:
        folder = Workspace().materials
    if fresh.workspace.materials != folder:
        text = Translatable('素材文件夹只能在服务器上改；请写回 materials = "{folder}"', folder=folder)
        raise ConfigError([ConfigProblem(system.environment.config.name, 1, 1, "workspace.materials", text)])


def phones_of(system: System, fresh: Settings) -> PhonePlan | None:
    """What the draft would write on the agents' phones; None where it switches no group of tags on."""
    try:
        current = system.settings
    except ConfigError:
        return None
    with system.store.read() as session:
        return plan_phones(session, current, fresh)


def compare_with_force(system: System, fresh: Settings) -> DraftComparison | None:
    """The draft against the config in force on the last messages; None where no config is in force yet."""
    try:
        current = system.settings
    except ConfigError:
        return None
    with system.store.read() as session:
        sayings = last_messages(session)
    found = compare_books(current.book, fresh.book, sayings)
    if found.gains or found.losses:
        with system.store.write() as session:
            _viewed(session, found)
    return found


def _viewed(session: Session, found: DraftComparison) -> None:
    ids = {one.customer_id for one in (*found.gains, *found.losses) if one.customer_id is not None}
    for customer_id in sorted(ids):
        viewed(session, visitor().actor, customer_id, "draft", clock.now())


def file_problems(system: System) -> list[ConfigProblem]:
    """What is wrong with the file as it is on disk now; nothing where it is good."""
    text = read_config_text(system.environment.config).text
    try:
        if system.settings.source == text and not system.keeper.problems:
            return []  # it is in force, so it was checked
    except ConfigError:
        pass
    try:
        check_text(system.environment.config, text, clock.now())
    except ConfigError as error:
        return error.problems
    return list(system.keeper.problems) if system.keeper.doubted else []


def write_notice(system: System) -> str:
    """Why saving cannot work here, in words; empty where it can."""
    return why_not_writable(system.environment.config) or ""
